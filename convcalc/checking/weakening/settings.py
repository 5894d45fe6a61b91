"""Which settings of a folder became weaker."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from convcalc.checking.configuration import ALL, SHARED, Configuration
from convcalc.checking.weakening.change import Change, change, is_weaker, line_place, severity_of
from convcalc.checking.weakening.change import listed as first_of
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Place

NAME = "settings-weakened"


def weaker_settings(own: Configuration, held: Configuration, home: str) -> Iterator[Change]:
    """Yield the settings that ask less than before; ``home`` is the file that is changed."""
    for message, *words in _weaker(own, held):
        origin = _place(held, held.file, words) if held.file else None
        yield change(NAME, message, _place(own, home, words), _shadow(own, held), origin)


def _shadow(own: Configuration, held: Configuration) -> str:
    """Return the advice if another file holds now than before."""
    if os.path.realpath(own.folder) == os.path.realpath(held.folder) or not held.file:
        return ""
    return f"settings are never merged: only the closest file holds, which was {held.file}"


def _place(settings: Configuration, file: str, words: Iterable[str]) -> Place:
    """Return the place of a key and of a word below it, or the beginning of the file."""
    text = settings.text if settings.file else ""
    start = 0
    if os.path.basename(file.rpartition(":")[2]) == SHARED:
        start = max(0, text.find("[tool.convcalc"))
    return line_place(file, text, *filter(None, words), start=start)


def _weaker(own: Configuration, held: Configuration) -> Iterator[tuple[str, ...]]:
    """Yield a message for each weaker setting, its key, and the word below it that matters."""
    lost = [c for c in RULES if held.is_selected(c) and not own.is_selected(c)]
    if lost:
        by_ignore = any(code.startswith(word) for code in lost for word in own.ignore)
        named = [w for w in own.ignore if lost[0].startswith(w)] if by_ignore else []
        key = "ignore" if by_ignore else "select"
        verb = "are" if len(lost) > 1 else "is"
        yield f"{first_of(lost)} {verb} not looked for any more", key, *named[:1]
    for code in RULES:
        old, new = severity_of(code, held.severity), severity_of(code, own.severity)
        if is_weaker(new, old):
            yield f"{code} is {new} now, not {old}", "severity", code
    yield from _weaker_patterns(own, held)
    if own.respect_gitignore and not held.respect_gitignore:
        yield "files that git ignores are not checked any more", "respect-gitignore"
    if own.variant not in (ALL, held.variant):
        old = "all variants" if held.variant == ALL else f"variant '{held.variant}'"
        yield f"variant '{own.variant}' is checked, not {old}", "variant"
    if held.strict and not own.strict:
        yield "warnings do not fail any more", "strict"
    limits = {**own.limits.document._asdict(), "layers": own.limits.layers}
    before = {**held.limits.document._asdict(), "layers": held.limits.layers}
    for name, value in limits.items():
        if value > before[name]:
            yield f"the limit of {name} rose from {before[name]:,} to {value:,}", "limits", name


def _weaker_patterns(own: Configuration, held: Configuration) -> Iterator[tuple[str, ...]]:
    """Yield the patterns by which rules are ignored, or files left out, that are new."""
    same = os.path.realpath(own.folder) == os.path.realpath(held.folder)
    known = _ignored(held) if same else set[tuple[str, str]]()
    ignored: dict[str, list[str]] = {}
    for pattern, code in sorted(_ignored(own) - known):
        if ("**", code) not in known and ("*", code) not in known:
            ignored.setdefault(pattern, []).append(code)
    for pattern, codes in ignored.items():
        verb = "are" if len(codes) > 1 else "is"
        words = f"{first_of(codes)} {verb} not looked for in '{pattern}' any more"
        yield words, "per-file-ignores", pattern
    models = [each for each in held.table.get("models", ()) if same and not each.startswith("!")]
    gone = [each for each in models if each not in own.table.get("models", ())]
    if gone:
        names = first_of([f"'{pattern}'" for pattern in gone])
        yield f"models of {names} are not checked any more", "models"
    old = dict.fromkeys(held.table.get("exclude", ()) if same else ())
    new = dict.fromkeys(own.table.get("exclude", ()))
    more = [each for each in new if not each.startswith(("!", "#")) and each not in old]
    if more:
        names = first_of([f"'{pattern}'" for pattern in more])
        yield f"{names} {'are' if len(more) > 1 else 'is'} not checked any more", "exclude", more[0]
    lost = [each for each in old if each.startswith("!") and each not in new]
    if lost and new:
        names = first_of([f"'{pattern}'" for pattern in lost])
        yield f"{names} brings back nothing any more", "exclude"
    taken_back = any(each.startswith("!") for each in new)
    if taken_back and [each for each in new if each in old] != [
        each for each in old if each in new
    ]:
        yield (
            "the patterns are in another order; the last that matches decides",
            "exclude",
        )


def _ignored(settings: Configuration) -> set[tuple[str, str]]:
    """Return the pairs of a pattern and a code that is ignored in its files."""
    table = settings.table.get("per-file-ignores", {})
    return {
        (pattern, code)
        for pattern, words in table.items()
        for code in RULES
        if any(map(code.startswith, words))
    }
