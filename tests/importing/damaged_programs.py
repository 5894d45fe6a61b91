"""Programs of torch.export as accidents and strangers leave them.

    PYTHONPATH=tests python tests/importing/damaged_programs.py FIRST COUNT

reads the damaged files with the numbers from FIRST on, and prints those that fail: with an error
that is no problem of the file, or after more than 5 s of processor time.
"""

from __future__ import annotations

import copy
import io
import json
import random
import sys
import time
import traceback
import zipfile
from typing import Any

from importing.archives import programs

from convcalc.analysis.analyse import analyse
from convcalc.errors import Error
from convcalc.importing.opening import read_target
from convcalc.language.sources.target import Target

ODD = [
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**62,
    10**30,
    0.5,
    1e308,
    "",
    "x",
    [],
    {},
    [[]],
    {"as_int": -1},
]
ODD += [{"as_tensor": {"name": "x"}}, {"as_none": True}, {"as_ints": [0, 0]}, {"as_sym_int": {}}]
NAMES = ("tv_resnet18", "timm_efficientvit_m0", "tv_swin_t")


def archived(text: bytes) -> bytes:
    """A ``.pt2`` file of a program, without weights."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("m/archive_format"), "pt2")
        archive.writestr(zipfile.ZipInfo("m/models/model.json"), text)
    return found.getvalue()


def damaged(number: int) -> bytes:
    """The file with a number: the same each time."""
    rng = random.Random(number)
    text = programs()[rng.choice(NAMES)]
    if number % 3 == 0:  # values replaced
        program = json.loads(text)
        for _ in range(rng.choice((1, 1, 2, 5, 20))):
            _replace(program, rng)
        return archived(json.dumps(program).encode())
    if number % 3 == 1:  # text damaged
        return archived(_bytes(text, rng))
    return _bytes(archived(text), rng)


def _replace(program: Any, rng: random.Random) -> None:
    """One value somewhere within replaced, lost, or exchanged with another."""
    place = program
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = place[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.9:
            place = inner
            continue
        if rng.random() < 0.3:
            del place[key]
        elif rng.random() < 0.3:
            place[key], place[rng.choice(keys)] = place[rng.choice(keys)], place[key]
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
        return


def _bytes(content: bytes, rng: random.Random) -> bytes:
    """Bytes cut off, flipped, lost or doubled."""
    found = bytearray(content)
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(found[: rng.randrange(len(found))])
    if kind == 1:
        for _ in range(rng.choice((1, 3, 30))):
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
        return bytes(found)
    at, size = rng.randrange(len(found)), rng.randrange(1, 3000)
    if kind == 2:
        del found[at : at + size]
    else:
        found[at:at] = found[at : at + size]
    return bytes(found)


def outcome(number: int) -> str:
    """What comes of a damaged file: ``read``, or ``refused`` with a problem."""
    try:
        found = read_target(Target("m.pt2", None, damaged(number), format="pt2"))
        analyse(found)
    except Error:
        return "refused"
    return "refused" if any(each.name == "damaged-model" for each in found.problems) else "read"


def main(first: int, count: int) -> None:
    """Print the files that fail, and how many were read."""
    outcomes = []
    for number in range(first, first + count):
        began = time.process_time()
        try:
            outcomes.append(outcome(number))
        except Exception:
            sys.stdout.write(f"{number} {traceback.format_exc(limit=-3)}\n")
        took = time.process_time() - began
        if took > 5:
            sys.stdout.write(f"{number} {took:.1f} s\n")
    counts = {each: outcomes.count(each) for each in sorted(set(outcomes))}
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
