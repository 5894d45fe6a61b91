"""Files as accidents and strangers leave them: network files with a few lines broken."""

from __future__ import annotations

import random
import re

from places import TESTS

from convcalc.language.sources.shipped import shipped_folder

ORIGINALS = [
    *sorted(shipped_folder().glob("*.convcalc.yaml")),
    *sorted((TESTS / "rules").glob("*/bad.convcalc.yaml")),
    *sorted((TESTS / "golden" / "errors").glob("*.yaml")),
]
TOKENS = [b"[", b"]", b"{", b"}", b":", b",", b"- ", b'"', b"'", b"*a", b"&a ", b"!!x ", b"%", b"|"]
TOKENS += [b"\t", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"1e309", b"9" * 400]
TOKENS += [b"10**9", b"2**62", b"-1", b"0", b"null", b"true", b"{a: {a: {a: 1}}}", b"c//0", b"nan"]
TOKENS += [b"repeat: 1000", b"k: 100000", b"s: 99999", b"d: 99999", b"p: 1000000", b"x" * 300]
TOKENS += [
    b"budgets: {params: {max: 1}, coverage: {min: 1}, look_ahead: {max: 0}}\n",
    b"5M",
    b"20%",
]
TOKENS += [
    b"budgets: {compare: {base: HEAD}, macs: {max_increase: 1%}}\n",
    b"expect: {a: {macs: 1}}\n",
]
TOKENS += [b"  # convcalc: ignore[CC201]\n", b"# convcalc: ignore-file[CC\n", b"opaque", b"input"]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file with a few lines lost, doubled, swapped, cut, stretched, nested or overwritten."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        lines = lines or [b""]
        here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
        line = lines[here]
        at = rng.randint(0, len(line))
        kind = rng.randrange(11)
        if kind == 0:
            del lines[here]
        elif kind == 1:
            lines.insert(there, line)
        elif kind == 2:
            lines[here], lines[there] = lines[there], line
        elif kind == 3:
            lines = lines[: here + 1]
        elif kind == 4:
            lines[here] = line[:at]
        elif kind in (5, 6):
            lines[here] = line[:at] + rng.choice(TOKENS) + line[at:]
        elif kind == 7:
            lines[here] = line[:at] + rng.randbytes(rng.randint(1, 4)) + line[at:]
        elif kind == 8:
            lines[here] = line * rng.choice((2, 50))
        elif kind == 9:
            lines[here] = line + rng.choice((b"[", b"{a: ")) * rng.choice((10, 60, 3000))
        elif words := list(re.finditer(rb"[\w.%-]+", line)):
            word = rng.choice(words)
            number = str(rng.choice((0, 1, 7, 1000, 10**6, 10**12, -3, 0.5))).encode()
            lines[here] = line[: word.start()] + number + line[word.end() :]
    return b"\n".join(lines)
