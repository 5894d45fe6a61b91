"""``python -m convcalc``: the command line."""

from __future__ import annotations

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder, whose files may be a stranger's

from convcalc.cli import process

if __name__ == "__main__":
    sys.exit(process())
