"""Every shipped network as Keras code, built: how many are written, and have their numbers.

    python benchmarks/keras_code.py              # all, with what is refused and what differs
    python benchmarks/keras_code.py resnet50 …   # some

It needs Keras on PyTorch. A difference is one of output sizes or of the number of all weights.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
tests = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(tests / "keras"), str(tests)]

from measured_code import differences  # noqa: E402 behind what it needs

from convcalc.exporting.refusal import Refused  # noqa: E402
from convcalc.language.sources.shipped import shipped_names  # noqa: E402


def main() -> None:
    """Print a line for each network that is refused or differs, and the sums."""
    chosen = sys.argv[1:] or list(shipped_names())
    sums: Counter[str] = Counter()
    for name in chosen:
        try:
            found = differences(name)
        except Refused as error:
            sums["refused"] += 1
            print(f"{name}: {error}")
            continue
        sums["built, and differ" if found else "built"] += 1
        if found:
            print(f"{name}: {found}")
    print(", ".join(f"{count} {what}" for what, count in sums.items()), "of", len(chosen))


if __name__ == "__main__":
    main()
