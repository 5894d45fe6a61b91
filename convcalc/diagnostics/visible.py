"""The gate for text: whatever comes from a file, a name or a command line is shown by it.

A stranger's text can hide or turn round what is beside it, steer a terminal, or be taken for a
command by the service that reads the log. :func:`visible` spells out every such character as an
escape; :func:`fence` looks once more at all that is written, no matter who made it.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST = 2000  # characters of one text in a message
LONGEST_CELL = 1000  # of one text in a table
MOST_MARKS = 3  # accents over one letter

# Not convcalc's letters, but its signs: they need no closer look.
_SIGNS = frozenset("×·±→–—…≥≤−σ─│┌├└▏▎▍▌▋▊▉▀█▁▂▃▄▅▆▇░▒▓")
_FIRST_ODD = "\u0300"  # below it, what Python calls printable is
# What Python calls printable, but nothing is seen: fillers, blanks, and choices of a variant.
_UNSEEN = frozenset(
    (
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164),
        *(0xFFA0, 0xFFFC, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    )
)

# The colours that convcalc writes itself.
_COLOR = r"\x1b\[(?:0|1|2|31|32|33|36|1;31|1;33|38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+)m"
# GitHub takes '::name' for a command at the beginning of a line, behind blanks too, and '##[name]'
# anywhere; Azure Pipelines '##vso[' and TeamCity '##teamcity[' the same. See ActionCommand.cs of
# https://github.com/actions/runner.
_BRACKET = r"##(?=(?:\w+\s*)?\[)"
_AT_START = rf"^((?:[^\S\n]|{_COLOR})*):(?=:)"
_OWN_COMMANDS = "(?!:(?:error|warning) title=convcalc )"


def visible(text: str, most: int = LONGEST) -> str:
    """Return a text on one line that shows what it holds, at most about ``most`` characters of it.

    Control characters, line breaks, characters that are not seen and those that change the
    direction of writing become escapes such as ``\\n`` and ``\\u202e``. Letters of all scripts stay
    as they are. 0 for ``most`` means no limit.
    """
    if most and len(text) > most:
        text = _shortened(text, most)
    if not text.isprintable() or not (text.isascii() or max(text) < _FIRST_ODD):
        text = _spelt_out(text)
        if most and len(text) > 2 * most:
            text = _shortened(text, most)
    return break_brackets(text) if "##" in text else text


def _shortened(text: str, most: int) -> str:
    """Return the beginning and the end of a text, and how many characters are left out."""
    head, tail = most * 2 // 3, max(1, most // 3)
    return f"{text[:head]}[... {len(text) - head - tail:,} characters ...]{text[-tail:]}"


def _spelt_out(text: str) -> str:
    """Return the text with an escape for each character that is not seen or deceives."""
    strange = {ord(c): _escape(c) for c in set(text) if _is_strange(c)}
    if any(c >= _FIRST_ODD and c not in _SIGNS for c in set(text)):
        text = _hold_marks(text, strange)
    return text.translate(strange) if strange else text


def _is_strange(character: str) -> bool:
    return not character.isprintable() or (character >= _FIRST_ODD and ord(character) in _UNSEEN)


def _escape(character: str) -> str:
    """Return the escape of a character as Python and JSON write it."""
    return character.encode("unicode_escape").decode("ascii")


def _hold_marks(text: str, strange: dict[int, str]) -> str:
    """Return the text with an escape for each accent that stands on no letter, or is one too many.

    It would change the character before it, which may be convcalc's.
    """
    from unicodedata import category

    found, marks, on_letter = [], 0, False
    for character in text:
        kind = category(character)[0]
        marks = marks + 1 if kind == "M" else 0
        if kind != "M" or ord(character) in strange:
            on_letter = kind in "LN" and ord(character) not in strange
        is_loose = kind == "M" and (not on_letter or marks > MOST_MARKS)
        found.append(_escape(character) if is_loose else character)
    return "".join(found)


# --- commands of CI services -------------------------------------------------------------------


def break_brackets(text: str, escape: str = r"\\x23") -> str:
    """Return a text in which no ``##[`` is left that a CI service would take for a command."""
    return re.sub(_BRACKET, f"#{escape}", text)


def break_commands(text: str, *, own: bool = False) -> str:
    """Return lines of which none begins with ``::``, but ``own`` ones of the format github."""
    spared = _OWN_COMMANDS if own else ""
    return re.sub(_AT_START + spared, r"\1\\x3a", text, flags=re.MULTILINE)


# --- documents ---------------------------------------------------------------------------------


def fence(
    text: str, *, colored: bool = False, commands: bool = False, returns: bool = False
) -> str:
    """Return a document of many lines with nothing in it that steers a terminal or a CI service.

    Newlines and tabs are the document's own; ``colored`` says that colours are too, ``commands``
    that it holds annotations for GitHub, ``returns`` that its lines may end in ``\\r\\n``.
    """
    if returns and "\r\n" in text:
        lines = f"{text}\n".split("\r\n")
        fenced = [fence(each, colored=colored, commands=commands) for each in lines]
        return "\r\n".join(fenced).removesuffix("\n")
    flat = text.replace("\n", "")
    if not (flat.isprintable() and flat.isascii()):
        text = "".join(_fenced_pieces(text)) if colored and "\x1b" in text else _fenced(text)
    if "::" in text:
        text = break_commands(text, own=commands)
    return break_brackets(text) if "##" in text else text


def _fenced(text: str) -> str:
    strange = {ord(c): _escape(c) for c in set(text) if _is_strange(c) and c not in "\n\t"}
    return text.translate(strange) if strange else text


def _fenced_pieces(text: str) -> list[str]:
    """Return the text in pieces, of which every second is one of convcalc's colours."""
    pieces = re.split(f"({_COLOR})", text)
    pieces[::2] = map(_fenced, pieces[::2])
    return pieces


def exact_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in ASCII, exactly; a ``##[`` in it is written with an escape."""
    import json

    text = json.dumps(value, indent=indent, allow_nan=False)
    return break_brackets(text, r"\\u0023") if "##" in text else text
