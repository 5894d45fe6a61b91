"""Phrases that a native engineer would not write, each with what to write instead.

``tests/book/test_english.py`` looks for them; a text that is to be held to the list is added there.
"""

from __future__ import annotations

# A regular expression, in any case, and the advice. 'there is no X' is fine, 'this is no X' is not.
PHRASES = {
    r"(?<!there )\b(?:is|are|was) no (?!longer\b|more\b|better\b)\w": "is not a …",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bstands? (?:twice|double)\b": "duplicate",
    r"\bnetworks? that ships?\b|\bwhat ships\b|\bthat ships? with\b": "a built-in network",
    r"\bis called '": "unknown operator 'x', unknown name 'x'",
    r"\bto the unit\b": "exactly, exact integers",
    r"\bhow far blocks are opened\b": "how many levels of blocks to expand",
    r"\bthe rest together\b": "sum up the rest",
    r"\bno number holds\b": "not included in any total",
    r"(?<=\. )Not these\.": "Skip these rules.",
    r"(?<=\. )The same\.": "say what is the same",
    r"\bwhat another tool counts\b": "also show what another tool counts",
    r"\bwhat is asked for\b": "say what it holds",
    r"\bone's own\b": "your own, its own",
    r"\b(?:is|are) told\b": "is reported",
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
}
