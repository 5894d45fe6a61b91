"""Phrases that a native engineer would not write, each with what to write instead.

``tests/test_english.py`` looks for them in code: messages, help texts, docstrings, manual pages;
``tests/book/test_english.py`` in the pages of the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A regular expression, in any case, and the advice. 'there is no X' is fine, 'this is no X' is not.
PHRASES = {
    r"(?<!there )\b(?:is|are|be|was|were) no (?!longer|more|better|different)\w": "is not a …",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bstands? (?:twice|double)\b": "duplicate",
    r"\bstands? (?:in(?! (?:for|its place|the place)\b)|inside|here|there|where|alone|at)\b": "is",
    r"\bstands? (?:below|above|beside)\b": "is",
    r"\b(?:networks?|blocks?|files) that ships?\b|\bwhat ships\b|\bthat ships? with\b": "built-in",
    r"\bshipped names\b": "built-in names",
    r"\bis called '|\bno \w+(?: \w+)? is called\b": "unknown operator 'x', unknown name 'x'",
    r"\bto the unit\b": "exactly, exact integers",
    r"\bhow far (?:the )?blocks are opened\b": "how many levels of blocks to expand",
    r"\bthe rest together\b": "sum up the rest",
    r"\bno number holds\b": "not included in any total",
    r"(?:^|(?<=\. ))Not these\b": "Skip these rules.",
    r"(?:^|(?<=\. ))The same\.": "say what is the same",
    r"\bcounts too\b": "also",
    r"\bwhat is asked for\b": "say what it holds",
    r"\bone's own\b": "your own, its own",
    r"\b(?:is|are) told\b(?! apart)": "is reported",
    r"\bheed(?:s|ed)?\b": "respect",
    r"\bwhere (?:both|they|two of them) part\b": "where they differ",
    r"\bmultiplications? too much\b": "too many multiplications",
    r"\bfactors that are no\b": "factors that are not",
    r"\bbesides:": "in addition",
    r"\bat the unit\b": "exactly",
    r"\bsave for\b": "except for",
    r"\bbut for (?:what|those|the|code)\b": "except for",
    r"\bby hand only\b": "only by hand",
    r"\banew\b": "again",
    r"\bfor want of\b": "for lack of",
    r"\bwhoever\b": "anyone who, the caller",
    r"\bother than it was meant\b": "not what was meant",
    r"\bcannot be told\b(?! apart)": "is not known",
    r"\bexists already\b": "already exists",
    r"\bhas no equal\b|\bhas an equal\b": "has no counterpart",
    r"\bin spite of\b": "even if",
    r"\bat times\b": "sometimes",
}


def found_in(text: str) -> Iterator[str]:
    """Each phrase that a text holds, with the words around it and the advice."""
    for phrase, advice in PHRASES.items():
        for match in re.finditer(phrase, text, re.IGNORECASE):
            around = text[max(0, match.start() - 30) : match.end() + 20]
            yield f"'{match[0]}' in '{around}': {advice}"
