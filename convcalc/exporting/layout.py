"""Lays out statements of Python as its usual formatters do, in lines of at most 88 characters.

A statement that is too long is opened at its last pair of brackets: what they hold stands on a line
of its own if it fits, and otherwise each of its parts does, with a comma behind it.
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
    if text.startswith("return ") and len(_parts(text)) > 1:
        text = f"return ({text[7:]})"
    target, _, value = text.partition(" = ")
    if target.replace(".", "").isidentifier() and len(_terms(value)) > 1:
        text = f"{target} = ({value})"
    elif len(_terms(text)) > 1:
        first, *others = _terms(text)
        yield from _lines(first, indent, "")
        for other in others[:-1]:
            yield from _lines(other, indent, "")
        yield from _lines(others[-1], indent, tail)
        return
    pair = _pair(text)
    if pair is None:
        yield margin + text + tail
        return
    yield from _opened(text, pair, indent)
    yield margin + text[pair[1] :] + tail


def _opened(text: str, pair: tuple[int, int], indent: int) -> Iterator[str]:
    """All lines of a text up to what is behind the brackets that are opened."""
    start, stop = pair
    body = text[start + 1 : stop]
    yield " " * indent + text[: start + 1]
    at = _comprehension(body)
    parts = [body[:at].strip(), body[at:].strip()] if at else _parts(body)
    one = body.strip() if at else ", ".join(parts)
    is_display = start == 0 or not (text[start - 1].isalnum() or text[start - 1] in "_)]")
    fits = indent + 4 + len(one) <= WIDTH and not (is_display and len(parts) > 1 and not at)
    if fits:
        yield f"{' ' * indent}    {one}"
        return
    alone = len(parts) == 1 and not text.startswith("def ")
    for part in parts:
        yield from _lines(part, indent + 4, "" if alone or at else ",")


def _pair(text: str) -> tuple[int, int] | None:
    """The brackets that are opened: the last ones, but those before an index."""
    found = _last_pair(text)
    while found is not None:
        start, _ = found
        is_index = text[start] == "[" and start > 0 and text[start - 1] in ")]"
        if not is_index:
            break
        before = _last_pair(text[:start])
        if before is None:
            break
        found = before
    return found


def _terms(text: str) -> list[str]:
    """The terms of a sum, each with its sign; a single one for anything else."""
    if text.startswith(("def ", "for ", "if ", "return ")):
        return [text]
    depth, start = 0, 0
    found: list[str] = []
    for at, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE)
        if not depth and text[at : at + 3] in (" + ", " - "):
            found.append(text[start:at])
            start = at + 1
        if not depth and (text.startswith((" if ", " = "), at) or char in ",="):
            return [text]
    return [*found, text[start:]]


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


def _comprehension(text: str) -> int:
    """Where the ``for`` of a comprehension stands; 0 if the text is none."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE)
        if not depth and text.startswith(" for ", at):
            return at
    return 0


def _parts(text: str) -> list[str]:
    """Return what stands between the outer commas of a text."""
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
