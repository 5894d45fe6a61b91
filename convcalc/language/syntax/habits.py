"""Values that are written as in a program, and how a network file writes them.

Imported only once a value is wrong.
"""

from __future__ import annotations

import re

_LONGEST = 200  # characters of a value that is looked at
_TUPLE = re.compile(r"\(\s*([^()]*,[^()]*)\)")
_BY_X = re.compile(r"\d+(?:\s*[x×]\s*\d+)+")
_BARE_LIST = re.compile(r"\d+(?:\s*,\s*\d+)+,?")
QUOTES = "“”„‟«»‘’‚‹›`"
_WORDS = {"None": "null", "none": "null", "Null": "null", "nil": "null", "nan": "null"}


def habit(text: str) -> tuple[str, str] | None:
    """Message and advice for a value of another language; None if it is not known as one."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if text in _WORDS:
        return f"'{text}' is not a word of YAML", f"write '{_WORDS[text]}'"
    if text[:1] in QUOTES and text[-1:] in QUOTES:
        return "typographic quotes do not quote in YAML", f"write '{text.strip(QUOTES)}'"
    parts: list[str] = []
    if found := _TUPLE.fullmatch(text):
        parts = found[1].split(",")
    elif _BY_X.fullmatch(text):
        parts = re.split("[x×]", text)
    elif _BARE_LIST.fullmatch(text):
        parts = text.split(",")
    written = ", ".join(part.strip() for part in parts if part.strip())
    return (f"'{text}' is not a list", f"write '[{written}]'") if parts else None
