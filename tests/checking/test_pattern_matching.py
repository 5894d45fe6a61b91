"""Patterns of paths against a matcher that tries everything, and that they end soon."""

from __future__ import annotations

from itertools import product

import pytest
from effort import at_most
from grids import Part

from convcalc.checking.patterns import Patterns, is_matched, parse_patterns, path_regex
from convcalc.diagnostics.work import TooMuchWork, Work

PARTS = ["a", "b", "*", "?", "[ab]", "**/", "/", "**"]
NAMES = ["a", "b", "ab", "ba", "aab"]
PATHS = ["/".join(names) for depth in (1, 2, 3) for names in product(NAMES, repeat=depth)]


def fits_name(pattern: str, name: str) -> bool:
    """Whether a part of a pattern fits a part of a path."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return fits_name(pattern[1:], name) or (bool(name) and fits_name(pattern, name[1:]))
    size = 4 if pattern[0] == "[" else 1
    fits = bool(name) and (pattern[0] == "?" or name[0] in pattern[:size].strip("[]"))
    return fits and fits_name(pattern[size:], name[1:])


def fits(pattern: list[str], path: list[str]) -> bool:
    """Whether a pattern fits a path, part by part."""
    if not pattern or not path:
        return not pattern and not path
    if pattern[0] == "**" and len(pattern) == 1:
        return True
    if pattern[0] == "**":
        return fits(pattern[1:], path) or fits(pattern, path[1:])
    return fits_name(pattern[0], path[0]) and fits(pattern[1:], path[1:])


def test_patterns_fit_what_they_fit_if_all_ways_are_tried(part: Part) -> None:
    patterns = {"".join(words) for count in (1, 2, 3, 4) for words in product(PARTS, repeat=count)}
    whole = sorted(p for p in patterns if not p.startswith("/") and not p.endswith("/"))
    with Work(10**9):
        for pattern in part(whole):
            if "//" in pattern or "***" in pattern:
                continue
            regex = path_regex(pattern)
            found = [path for path in PATHS if regex.fullmatch(path)]
            wanted = [path for path in PATHS if fits(pattern.split("/"), path.split("/"))]
            assert found == wanted, pattern


def test_the_last_pattern_decides_whether_literal_or_not() -> None:
    lines = ["a*", "!ab", "ab/", "!a/b", "b", "!*b"]
    for count in range(len(lines) + 1):
        listed = parse_patterns(lines[:count])
        for path, is_folder in product(PATHS, (True, False)):
            matching = [each for each in listed if each.matches(path, is_folder)]
            wanted = not matching[-1].negated if matching else None
            assert is_matched(listed, path, is_folder) is wanted


@pytest.mark.parametrize("pattern", ["*a" * 500 + "b", "**/*a*a/" * 100 + "b", "?*" * 500 + "b"])
def test_stars_end_soon(pattern: str) -> None:
    assert not path_regex(pattern).fullmatch("/".join(["a" * 200] * 100))


def test_many_literal_patterns_are_looked_up() -> None:
    listed = parse_patterns(f"name{n}" for n in range(50_000))
    assert is_matched(listed, "x/name49999", False)
    with at_most(200):
        assert not is_matched(listed, "x/other", False)


def test_many_stars_take_work() -> None:
    listed = Patterns(parse_patterns(f"*{n}*" for n in range(2000)))
    with Work(100_000), pytest.raises(TooMuchWork, match="patterns of paths"):
        is_matched(listed, "x/other", False)
