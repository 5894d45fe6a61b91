"""Translates the errors of YAML parsers into messages for the authors of files, with a fix.

The most common mistake is an unquoted expression with commas or brackets, which YAML splits; the
functions at the end recover the text that was meant.
"""

from __future__ import annotations

import re
from typing import Any, Final

from convcalc.diagnostics.diagnostic import Place, Related
from convcalc.language.syntax.scalars import Wrong

REPEAT: Final = "name what repeats under 'params' or 'blocks'"
_LONGEST = 200  # characters of a line in which its layer is looked for
_NEAR = 200  # lines in which the list of an item is looked for
_PARSERS_DEPTH = 1000  # brackets that libyaml 0.2.6 opens within each other
NO_LIST: Final = Wrong(
    "wrong-type", "layers must be a list, but this is a mapping", "begin each layer with '- '"
)
_QUOTE: Final = "quote the value"
_SPACE: Final = ("there is no space after the colon", "write 'key: value'")
_NO_COLON: Final = ("this line has no ': '", "write 'key: value'")
_UNQUOTED: Final = ("the quote is never closed", "close it where the value ends")
_START: Final = ("a value cannot begin with '{c}'", _QUOTE)
_ESCAPE: Final = ("YAML has no such escape", "double the backslash, or use single quotes")
# Each: a part of PyYAML's message, our message (c: the character there), our advice, and whether
# the place is where the faulty text begins instead of where the parser stopped.
_SENTENCES: Final = (
    ("unexpected ':'", *_SPACE, False),
    ("expected ':'", *_NO_COLON, True),
    ("end of stream", *_UNQUOTED, True),
    ("unexpected document", *_UNQUOTED, True),
    ("escape", *_ESCAPE, False),
    ("mapping values", "a ': ' is inside a value", _QUOTE, False),
    ("sequence entries", "a list item cannot begin here", "begin it on its own line", False),
    ("start any token", *_START, False),
    ("alphabetic", *_START, True),
    ("comment or", *_START, True),
    ("directive", "a line cannot begin with '%'", "remove the line", True),
    ("document start>", "nothing may follow the value of the file", "put it under a key", False),
)


class _Trouble:
    """Where the parser stopped, and where the structure that it was reading began."""

    def __init__(self, error: Any, reader: Any) -> None:
        mark, begun = error.problem_mark, error.context_mark or error.problem_mark
        self.problem = error.problem or ""
        self.context = error.context or ""
        self.line = reader.line(mark.line + 1)
        self.column = mark.column
        self.place = reader.place(mark.line, mark.column)
        self.start = reader.place(begun.line, begun.column)
        if "flow" in self.context:  # the mark may be that of a missing value
            places = [opened.node.place for opened in reversed(reader.open)]
            brackets = [p for p in places if reader.line(p.line)[p.column - 1] in "[{"]
            self.start = brackets[0] if brackets else self.start
        self.opener = reader.line(self.start.line)[self.start.column - 1 :][:1]
        self.above = reader.lines[: mark.line]
        rest = [self.line[mark.column :], *reader.lines[mark.line + 1 :]]
        self.at_end = not any(text.strip() for text in rest)
        self.before, self.character = self.line[: mark.column], self.line[mark.column :][:1]


def describe_error(error: Any, reader: Any) -> tuple[Any, ...]:
    """The arguments for ``_Reader.stop`` for a parser's error: problem, place, related."""
    at = _Trouble(error, reader)
    if "nesting depth" in at.problem:
        limit = reader.limits.depth
        return too_deep(limit), reader.place(at.place.line - 1, _opened_beyond(at.before, limit))
    if at.character == "\t" and not at.before.strip():
        return _syntax("a tab cannot indent a line", "indent with spaces"), at.place
    if "flow" in at.context:
        return _flow_error(at)
    if "parsing a block" in at.context:
        return _block_error(at), at.place
    if "':'" in at.problem or "mapping values" in at.problem:
        return _colon_error(at, reader)
    return _sentence(at)


def too_deep(limit: int) -> Wrong:
    """The problem of a file that is nested deeper than ``limit`` levels."""
    return Wrong("too-large", f"nested deeper than {limit} levels", REPEAT)


def _opened_beyond(before: str, limit: int) -> int:
    """The column of the bracket that opens the first level beyond the limit, from 0.

    The parser reads ahead on a line and gives up before the reader sees the first bracket. It
    stops after its deepest level, so the levels are counted down from there.
    """
    level = _PARSERS_DEPTH
    for column in range(len(before) - 1, -1, -1):
        if before[column] in "[{":
            if level <= limit + 1:
                return column
            level -= 1
        elif before[column] in "]}":
            level += 1
    return len(before)


def _sentence(at: _Trouble) -> tuple[Wrong, Place]:
    for part, message, advice, from_start in _SENTENCES:
        if part in at.problem:
            character = at.opener if from_start else at.character
            wrong = _syntax(message.format(c=character), advice)
            return wrong, at.start if from_start else at.place
    return _syntax("YAML does not allow this here", _QUOTE), at.place


def _list_above(line: str, above: list[str]) -> int:
    """The number of the nearest item above that is indented less, from 1; 0 if there is none."""
    indent = len(line) - len(line.lstrip())
    for number in range(len(above), max(0, len(above) - _NEAR), -1):
        text = above[number - 1]
        at = len(text) - len(text.lstrip())
        if text.strip() and at < indent:
            return number if text.lstrip().startswith("- ") else 0
    return 0


def indented_too_far(line: str, above: list[str]) -> Wrong:
    """The problem of an item that begins farther right than the list that it belongs to."""
    number = _list_above(line, above)
    text = above[number - 1]
    column = len(text) - len(text.lstrip()) + 1
    advice = f"begin it in column {column}, as the item in line {number}"
    return _syntax("this item is indented too far", advice)


def _tight_layer(line: str) -> re.Match[str] | None:
    """The layer of a line such as ``- conv {k: 3, s: 2}``, which has no colon."""
    return re.match(r"\s*-\s+(\w+)\s*=?\s*(?=\{)", line[:_LONGEST])


def _colon_error(at: _Trouble, reader: Any) -> tuple[Wrong, Place]:
    for number in (at.start.line, at.place.line):
        line = reader.line(number)
        if found := _tight_layer(line):
            wrong = _syntax(f"there is no ':' after '{found[1]}'", f"write '{found[1]}: '")
            return wrong, reader.place(number - 1, found.start(1), found.end())
    if at.line.lstrip().startswith("- ") and _list_above(at.line, at.above):
        column = len(at.line) - len(at.line.lstrip())
        if at.start.line < at.place.line or not tight_key(at.line):
            previous = at.above[_list_above(at.line, at.above) - 1]
            if ": " not in previous and not previous.rstrip().endswith(":"):
                return indented_too_far(at.line, at.above), at.place._replace(column=column + 1)
    for number in (at.start.line, at.place.line - 1):
        if tight := tight_key(reader.line(number)):
            column = reader.line(number).index(tight)
            return missing_colon(tight), reader.place(number - 1, column, column + len(tight))
    if "mapping values" in at.problem and ": " not in at.before:
        message = "this key is below a line that already has a value"
        last = next((text for text in reversed(at.above) if text.strip()), "")
        if bare := re.fullmatch(r"\s*- ([\w.]{1,40})\s*", last):
            item = f"- {{{bare[1]}: {{}}, {at.line.strip()[:80]}}}"
            return _syntax(message, f"write '{item}'"), at.place
        return _syntax(message, "give both keys the same indentation"), at.place
    return _sentence(at)


def _flow_error(at: _Trouble) -> tuple[Any, ...]:
    if at.at_end:
        return _syntax(f"the '{at.opener}' is never closed", "close it"), at.start
    if at.character in ("[", "{") and at.before.rstrip()[-1:] not in ("", *",:[{"):
        text = expression_around(at.line, at.column)
        column = at.line.rindex(text, 0, at.column + len(text))
        place = at.place._replace(column=column + 1, end=column + 1 + len(text))
        if tight_key(text):
            return missing_colon(text), place
        bare = text.startswith("${") and text.endswith("}")
        advice = f"write the bare name: {text[2:-1]}" if bare else f'quote the expression: "{text}"'
        return _syntax(f"the brackets of '{text}' belong to YAML here", advice), place
    if "node content" in at.problem:
        what = "a key" if at.character == ":" else "a value"
        return _syntax(f"{what} is missing before '{at.character}'", "write it"), at.place
    if ";" in at.before[at.before.rfind(",") + 1 :]:
        column = at.before.rindex(";")
        place = at.place._replace(column=column + 1, end=column + 2)
        return _syntax("entries are divided by ',', not by ';'", "write ','"), place
    closer = "}" if at.opener == "{" else "]"
    message = f"a ',' or '{closer}' is missing before '{at.character}'"
    related = Related(at.start, "opened here")
    return _syntax(message, "add it, or quote the value"), at.place, related


def _block_error(at: _Trouble) -> Wrong:
    if at.before.strip():
        wrong = ("nothing may follow the value on this line", "quote the whole value")
    elif at.character == ":":
        wrong = ("a key is missing before ':'", "write 'key: value'")
    elif at.character in ("]", "}"):
        wrong = (f"nothing opened this '{at.character}'", "remove it")
    elif at.line.lstrip().startswith("- "):
        if _list_above(at.line, at.above):
            return indented_too_far(at.line, at.above)
        wrong = ("a list item cannot be among keys", "put the list under a key")
    elif "mapping" not in at.context:
        wrong = ("this line does not continue the list above", "begin it with '- '")
    else:
        message = "the indentation of this line matches no line above"
        wrong = (message, "align it with the keys it belongs to")
    return _syntax(*wrong)


def tight_key(line: str) -> str:
    """The text of a line such as ``k:3``, with no space after its colon; empty for others."""
    text = line.strip().removeprefix("- ").strip()
    word, _, rest = text.partition(":")
    return text if word.isidentifier() and rest and not rest[0].isspace() else ""


def _syntax(message: str, advice: str) -> Wrong:
    return Wrong("syntax", message, advice)


def missing_colon(key: str) -> Wrong:
    """The problem of a key without a colon, or without the space after it."""
    word, equals, rest = key.partition("=")
    if equals and rest.strip() and word.strip().isidentifier():
        message = f"'{key}' has '=' in place of ': '"
        return Wrong("syntax", message, f"write '{word.strip()}: {rest.strip()}'")
    word, colon, rest = key.partition(":")
    if colon and rest and word.isidentifier():
        message = f"there is no space after the colon of '{key}'"
        return Wrong("syntax", message, f"write '{word}: {rest}'")
    advice = f"write '{key}: ' and a value, or '{key}: {{}}' for a layer without fields"
    return Wrong("syntax", f"the key '{key}' has no colon and no value", advice)


def expression_at(line: str, start: int) -> str:
    """The text from ``start`` to the first comma or closing bracket outside its own brackets."""
    depth = 0
    for end in range(start, len(line)):
        character = line[end]
        if depth == 0 and character in ",]}":
            return line[start:end].rstrip()
        depth += (character in "([{") - (character in ")]}")
    return line[start:].rstrip()


def expression_around(line: str, bracket: int) -> str:
    """The whole expression, of which the parser has read only the text before ``bracket``."""
    colon = line.rfind(": ", 0, bracket) + 2
    comma = max(line.rfind(mark, 0, bracket) for mark in ",[{") + 1
    inside_call = line.count("(", colon, comma) > line.count(")", colon, comma)
    start = colon if colon > 1 and inside_call else max(colon * (colon > 1), comma)
    return expression_at(line, start + len(line[start:]) - len(line[start:].lstrip()))
