"""Converts YAML scalars to values, and says which characters a file may contain.

Plain scalars follow the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema). A scalar that YAML 1.1 reads differently is
reported.
"""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related


class Wrong(NamedTuple):
    """A problem without its place."""

    name: str
    message: str
    help: str = ""

    def at(self, place: Place, related: tuple[Related, ...]) -> Diagnostic:
        """The problem at a place; long text quoted from a hostile file is cut."""
        message, advice = (t if len(t) <= 200 else t[:199] + "…" for t in (self.message, self.help))
        return Diagnostic(self.name, message, place, advice, related)


WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_YAML_1_1: Final = {"yes": True, "on": True, "no": False, "off": False}
_LONGEST_NUMBER: Final = 40  # characters


def resolve_scalar(text: str) -> tuple[bool | int | float | str | None, Wrong | None]:
    """The value of a plain scalar by the core schema, and its problem if it has one."""
    if text in WORDS:
        return WORDS[text], None
    if text[0] in "+-.0123456789":
        return _resolve_number(text)
    if len(text) <= 3 and (meaning := _YAML_1_1.get(text.lower())) is not None:
        message = f"'{text}' is a boolean in YAML 1.1 and a word in YAML 1.2"
        advice = f"write {str(meaning).lower()}, or '{text}' in quotes for the word"
        return meaning, Wrong("ambiguous-scalar", message, advice)
    return text, None


def _resolve_number(text: str) -> tuple[int | float | str, Wrong | None]:
    digits = text.lstrip("+-")
    if digits.lower() in (".inf", ".nan"):
        return text, Wrong("wrong-type", f"'{text}' is not a finite number", "write a number")
    # float() would also take words, underscores and the digits of other scripts.
    if text.strip("0123456789+-.eE") and not (text[:2] in _BASES and text[2:].isalnum()):
        return text, None
    if len(text) > _LONGEST_NUMBER:
        message = f"a number of {len(text):,} characters; at most {_LONGEST_NUMBER} are read"
        return 0, Wrong("too-large", message, "write it with an exponent")
    try:
        value = _parse_number(text, digits)
    except ValueError:
        return text, None
    if not isfinite(value):
        message = f"'{text}' is beyond the largest float"
        return 0, Wrong("too-large", message, "write a smaller number")
    return value, _leading_zeros(text, digits)


_BASES: Final = {"0x": 16, "0o": 8}


def _parse_number(text: str, digits: str) -> int | float:
    if text[:2] in _BASES:
        return int(text[2:], _BASES[text[:2]])
    return int(text) if digits.isdecimal() else float(text)


def _leading_zeros(text: str, digits: str) -> Wrong | None:
    if not digits.isdecimal() or digits[0] != "0" or digits == "0":
        return None
    octal = digits.lstrip("0")
    also = f", or 0o{octal} for the octal number" if octal and not set(octal) & set("89") else ""
    return Wrong("ambiguous-scalar", f"'{text}' has leading zeros", f"write {int(text)}{also}")


def find_forbidden(text: str) -> int:
    """The index of the first character that is not allowed, or -1.

    Besides control characters, lone carriage returns and Unicode's line separators are refused:
    PyYAML counts them as line ends and editors do not, so places would be wrong.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n\n")  # keeps every index
    unusual = [c for c in set(text) if c < " " or c > "~"]  # few, even of a long text
    return min((text.index(c) for c in unusual if not _is_allowed(c)), default=-1)


def _is_allowed(character: str) -> bool:
    if character < "\xa0":
        return character in "\t\n"
    return (
        not "\ud800" <= character < "\ue000" and character not in "\u2028\u2029\ufeff\ufffe\uffff"
    )
