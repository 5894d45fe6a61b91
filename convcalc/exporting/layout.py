"""Lays out statements of Python as its usual formatters do, in lines of at most 88 characters.

A statement that is too long is opened at its last pair of brackets: what they hold stands on a line of
its own if it fits, and otherwise each of its parts does, with a comma behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 88
_OPEN, _CLOSE = "([{", ")]}"


def laid_out(statement: str, indent: int) -> list[str]:
    """The lines of one statement, ``indent`` levels of four blanks in."""
    return list(_lines(statement, indent * 4, ""))


def _lines(text: str, indent: int, tail: str) -> Iterator[str]:
    """Lines of an expression or statement, whose last line is followed by ``tail``."""
    margin = " " * indent
    if indent + len(text) + len(tail) <= WIDTH:
        yield margin + text + tail
        return
    pair = _last_pair(text)
    if pair is None:
        yield margin + text + tail
        return
    start, stop = pair
    head, body, rest = text[: start + 1], text[start + 1 : stop], text[stop:]
    yield margin + head
    parts = _parts(body)
    one = ", ".join(parts)
    is_definition = text.startswith("def ")
    if indent + 4 + len(one) <= WIDTH:
        yield f"{margin}    {one}"
    elif len(parts) == 1 and not is_definition:
        yield from _lines(parts[0], indent + 4, "")
    else:
        for part in parts:
            yield from _lines(part, indent + 4, ",")
    yield margin + rest + tail


def _last_pair(text: str) -> tuple[int, int] | None:
    """Where the last outer brackets that hold anything open and close; None if there are none."""
    depth, start, found = 0, 0, None
    quote = ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            if not depth:
                start = at
            depth += 1
        elif char in _CLOSE:
            depth -= 1
            if not depth and at > start + 1:
                is_annotation = text.startswith("def ") and "->" in text[:start]
                found = found if is_annotation else (start, at)
    return found


def _parts(text: str) -> list[str]:
    """What stands between the outer commas of a text."""
    parts, depth, start, quote = [], 0, 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts
