"""Statements that turned out to be idle: variables that nothing reads, and heads without a body."""

from __future__ import annotations

import re
from collections.abc import Sequence

Lines = list[tuple[int, str]]  # indentation and text of each statement
_ASSIGNED = re.compile(r"(\w+)(?:: [^=]+)? = (.+)", re.DOTALL)
_HEAD = re.compile(r"(?:if|for) .*:", re.DOTALL)
_INDEX = re.compile(r"for (\w+) in (range\(.*\)):")
_COUNTED = re.compile(r"for (\w+), (\(.*?\)|\w+) in enumerate\((.*)\):")


def tidied(lines: Lines, *, pure: bool, kept: Sequence[str] = ()) -> Lines:
    """The statements without those that keep what nothing reads; ``kept`` are read elsewhere.

    ``pure``: only a plain name is known to have no effect, and not every expression.
    """
    before: Lines = []
    while before != lines:
        before = lines
        lines = _without_heads(_without_unread(lines, pure=pure, kept=kept))
    return [_plain_head(lines, k) for k in range(len(lines))]


def _without_unread(lines: Lines, *, pure: bool, kept: Sequence[str]) -> Lines:
    texts = [text for _, text in lines]
    found: Lines = []
    for depth, text in lines:
        assigned = _ASSIGNED.fullmatch(text)
        if assigned is not None and (not pure or assigned[2].isidentifier()):
            name = assigned[1]
            word = re.compile(rf"(?<![.\w]){name}\b(?!=)")
            own = re.compile(rf"{name}(?:: [^=]+)? = ")
            read = any(word.search(own.sub("", each, count=1)) for each in [*texts, *kept])
            if not read and (pure or _is_sum(text)):
                continue
        found.append((depth, text))
    return found


def _is_sum(text: str) -> bool:
    """Whether a statement computes channels, without making a module."""
    return "nn." not in text and not re.search(r"\b[A-Z]\w*\(", text)


def _without_heads(lines: Lines) -> Lines:
    """The statements without ``if`` and ``for`` that have nothing under them."""
    found: Lines = []
    for k, (depth, text) in enumerate(lines):
        follows = lines[k + 1][0] if k + 1 < len(lines) else 0
        if _HEAD.fullmatch(text) and follows <= depth:
            continue
        found.append((depth, text))
    return found


def _plain_head(lines: Lines, at: int) -> tuple[int, str]:
    """The head of a loop without an index that nothing reads."""
    depth, text = lines[at]
    for pattern in (_INDEX, _COUNTED):
        head = pattern.fullmatch(text)
        if head is None or head[1] == "_":
            continue
        inside = []
        for inner, each in lines[at + 1 :]:
            if inner <= depth:
                break
            inside.append(each)
        if not any(re.search(rf"\b{head[1]}\b", each) for each in inside):
            if pattern is _INDEX:
                return depth, f"for _ in {head[2]}:"
            return depth, f"for {head[2].strip('()')} in {head[3]}:"
    return depth, text
