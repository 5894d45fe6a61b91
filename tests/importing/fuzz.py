# ruff: noqa: T201  # run by hand, it prints
"""Damaged ONNX files: cut off, with flipped bits, with parts of others. Each is read, mapped and
analysed; it must give a network or problems, and nothing else. Run by hand for many:

    python tests/importing/fuzz.py FIRST COUNT
"""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

if __name__ == "__main__":  # by hand, from the top of the repository
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from importing.archives import exported
from importing.damaged import SMALL, strange

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import read_target
from convcalc.language.sources.target import Target

SLOW = 20  # seconds that a damaged file of some kilobytes may take on a busy machine


def damaged(number: int, whole: bytes) -> bytes:
    """A file with damage; the number decides which."""
    chance = random.Random(number)
    content = bytearray(whole)
    kind = chance.randrange(4)
    if kind == 0:
        del content[chance.randrange(len(content)) :]
    elif kind == 1:
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == 2:
        at = chance.randrange(len(content))
        content[at] = chance.choice((0, 1, 2, 127, 128, 255, chance.randrange(256)))
    else:
        start, length, to = (chance.randrange(len(content)) for _ in range(3))
        part = content[start : start + length % 40]
        content[to:to] = part
    return bytes(content)


def outcome(content: bytes) -> str:
    """What becomes of a file: no model, a network, or one with findings; anything else raises."""
    found = read_target(Target("damaged.onnx", None, content, format="onnx"))
    report = analyse(found) if found.layers else None
    if any(each.name == "damaged-model" for each in found.problems):
        return "refused"
    if report is None:
        return "nothing"
    return "findings" if found.problems else "read"


def made(number: int) -> bytes:
    """The file of a number: half are damaged, half are whole and make no sense."""
    return damaged(number, whole(number // 2)) if number % 2 else strange(number)


def whole(number: int) -> bytes:
    """The file that is damaged: mostly a small one, one of twenty an exported network."""
    if number % 20:
        return SMALL[number % len(SMALL)]
    files = exported("torchscript")
    return files[sorted(files)[number // 20 % len(files)]]


def main(first: int, count: int) -> int:
    """Try a range of numbers; how many went wrong."""
    counts: Counter[str] = Counter()
    slowest = (0.0, 0)
    for number in range(first, first + count):
        began = time.perf_counter()
        try:
            counts[outcome(made(number))] += 1
        except Exception as error:  # what must not be
            counts["wrong"] += 1
            last = traceback.extract_tb(error.__traceback__)[-1]
            print(f"{number}: {error!r:.150} {last.filename[-40:]}:{last.lineno}", flush=True)
        slowest = max(slowest, (time.perf_counter() - began, number))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(dict(counts), f"slowest {slowest[0]:.2f} s ({slowest[1]}), {most} MiB at most")
    return counts["wrong"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
