"""Messages for a terminal: wrapped to its width, and in colour.

Only lines that convcalc has written itself, behind the gate for text, come here; what they are is
seen by how they begin. A stranger's text in them is never at the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

RED, GREEN, CYAN, DIM, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
_HEADS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1m"}
_NARROWEST = 24  # characters per line that a wrapped text keeps at least

_HEAD = re.compile(r"(error|warning|note)(?:\[\w+\])?:?(?= )")
_ARROW = re.compile(r" *-->")
_QUOTED = re.compile(r" *\d* \|")
_CARET = re.compile(r"( +\|)( +)(\^+)(.*)")
_RELATED = re.compile(r"( +\|)( +)(-+)(.*)")
_REMARK = re.compile(r"( *= )(help:)?")
_CHANGE = re.compile(r"(?<=\()[+-]<?[\d.,]+ %(?=\))")
_WRAPPED = re.compile(r"(?:error|warning|note|Found|passed|silenced)\b|left: | *= ")
_BREAK = re.compile(r"(?<=[^\d\s] )|(?<=\d, )|(?<=\d; )|(?<=\d\. )")  # a number keeps its unit


def lines_for_terminal(
    lines: Iterable[str], width: int | None = None, *, color: bool = False
) -> list[str]:
    """Return lines of messages, no text of them wider than ``width`` if that is possible."""
    if width is not None:
        lines = (piece for line in lines for piece in wrapped(line, width))
    return list(_painted(lines) if color else lines)


def wrapped(line: str, width: int) -> list[str]:
    """Wrap a message or a remark between words; further lines are indented."""
    if len(line) <= width or not _WRAPPED.match(line):
        return [line]
    remark = _REMARK.match(line)
    indent = " " * (len(remark[0]) + bool(remark[2]) if remark else 2)
    if width - len(indent) < _NARROWEST:
        return [line]
    found = [""]
    for word in _BREAK.split(line):
        if found[-1].strip() and len(found[-1]) + len(word.rstrip()) > width:
            found.append(indent)
        found[-1] += word
    return list(map(str.rstrip, found))


def _painted(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines in colour; a caret has that of the message before it."""
    tone = _HEADS["error"]
    for line in lines:
        if head := _HEAD.match(line):
            tone = _HEADS[head[1]]
            yield f"{tone}{head[0]}{PLAIN}{_CHANGE.sub(_change, line[head.end() :])}"
        elif remark := _REMARK.match(line):
            word = f"{CYAN}{remark[2]}{PLAIN}" if remark[2] else ""
            rest = _CHANGE.sub(_change, line[remark.end() :])
            yield f"{DIM}{remark[1]}{PLAIN}{word}{rest}"
        elif marked := _CARET.fullmatch(line):
            yield f"{DIM}{marked[1]}{PLAIN}{marked[2]}{tone}{marked[3]}{marked[4]}{PLAIN}"
        elif marked := _RELATED.fullmatch(line):
            yield f"{DIM}{marked[1]}{PLAIN}{marked[2]}{CYAN}{marked[3]}{marked[4]}{PLAIN}"
        elif quoted := _QUOTED.match(line) or _ARROW.match(line):
            yield f"{DIM}{quoted[0]}{PLAIN}{line[quoted.end() :]}"
        else:
            yield _CHANGE.sub(_change, line)


def _change(found: re.Match[str]) -> str:
    return f"{RED if found[0][0] == '+' else GREEN}{found[0]}{PLAIN}"
