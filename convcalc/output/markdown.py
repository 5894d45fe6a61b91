"""Escapes text for Markdown as GitHub and GitLab read it, so that nothing comes of it but text.

A backslash is enough for what the parsers of Markdown know. It is not for what the services look
for afterwards in the finished text: ``\\@name`` and ``&#64;name`` notify somebody all the same
(https://github.com/github/cmark-gfm/issues/181, https://github.com/github/markup/issues/1168), and
so do references such as ``#1`` and ``!1``. They look into no code, so that a word with such a sign
becomes a code span.
"""

from __future__ import annotations

import re

# Signs of which Markdown would make something; an underscore only at the edge of a word.
_SPECIAL = re.compile(r"[*\[<>~&]|(?<![^\W_])_|_(?![^\W_])")

# Words in which a service would find something: mentions, references to issues (#1, GH-1, PROJ-1),
# merge requests (!1), snippets ($1), milestones (%1), labels (~name), epics (&1), contacts and the
# like ([contact:1]) and commits, but for those of digits alone, as numbers are; links, emoji
# (:tada:), formulas ($x$) and ends of changes (+}). A backslash or backtick is safest in code too.
_FOUND_LATER = re.compile(
    r"""[@#$`\\] | [!%~&][\w"'] | (?<![^\W_])(?: [Gg][Hh]-\d | [A-Z][A-Z0-9_]+-\d )
    | (?<![^\W_]) (?=\d*[a-f])[0-9a-f]{7,40} (?![^\W_])
    | :[\w+-]+: | :// | (?i:www\.|mailto:|xmpp:) | [+-][\]}] | [*\[]\w+:""",
    re.VERBOSE,
)
_OPENS_BLOCK = re.compile(r"(?:[-+](?=\s|$)|[-=]{2}|/(?=\w)|:(?=::))|\d+(?=[.)](?:\s|$))")


def escape(text: str) -> str:
    """Escape a text on one line, for a cell of a table or within a line."""
    return " ".join(map(_escape_word, text.strip().split(" ")))


def code(text: str) -> str:
    """Write a text of a cell as code, in which blanks keep their width."""
    return r"\|".join(_code_span(piece) for piece in text.split("|") if piece)


def escape_line(text: str) -> str:
    """Escape a text at the beginning of a line or of an item in a list."""
    escaped = escape(text)
    opening = _OPENS_BLOCK.match(escaped)
    if opening is None:
        return escaped
    at = opening.end() if opening[0].isdecimal() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"


def code_block(text: str) -> str:
    """Return lines as a block of code, whatever is in them."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _escape_word(word: str) -> str:
    return r"\|".join(map(_escape_piece, word.split("|")))  # divides a table even within code


def _escape_piece(piece: str) -> str:
    if _FOUND_LATER.search(piece):
        return _code_span(piece)
    return _SPECIAL.sub(r"\\\g<0>", piece)


def _code_span(text: str) -> str:
    """Return a word as code, between more backticks than it holds in a row."""
    fence = "`" * (_longest_run(text) + 1)
    room = " " if "`" in (text[0], text[-1]) else ""
    return f"{fence}{room}{text}{room}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
