"""``python -m convcalc``: the command line."""

from __future__ import annotations

import sys

from convcalc.cli import process

if __name__ == "__main__":
    sys.exit(process())
