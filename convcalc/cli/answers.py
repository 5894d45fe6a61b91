"""Prints an earlier answer again as long as nothing that it depends on has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from convcalc.cli.console import CLEAN, Settings, is_set, settings_files
from convcalc.language.sources.project import project
from convcalc.language.sources.target import Target

# What does not change the text of a result: where it goes, and what is said besides.
_ELSEWHERE = frozenset({"output_file", "color", "quiet", "no_cache", "version"})


def answer(
    ctx: Any,
    targets: Sequence[Target],
    style: Sequence[object],
    make: Callable[[], int],
    *,
    no_cache: bool,
) -> int:
    """Runs ``make``, which writes the result of a command; or writes what it wrote before.

    Only results without a problem are kept. Returns the exit code.
    """
    settings: Settings = ctx.obj
    if no_cache or is_set("NO_CACHE") or any(map(_is_elsewhere, targets)):
        return make()
    from convcalc.language.sources.kept import open_kept
    from convcalc.language.sources.reads import noted

    kept = open_kept()
    if kept is None:
        return make()
    asked = sorted((name, value) for name, value in ctx.params.items() if name not in _ELSEWHERE)
    chosen = sorted(pair for pair in os.environ.items() if pair[0].startswith("CONVCALC_"))
    root = project().root_of  # a file may import what lies inside its project
    read = [(root(each.file), each.file, each.variant, each.format, each.text) for each in targets]
    held = ""
    if next(settings_files(), None) is not None:
        from convcalc.cli.defaults import settings_text

        held = repr(settings_text())
    key = kept.key(ctx.info_name, held, repr(asked), repr(chosen), repr(read), repr(tuple(style)))
    found = kept.find(key)
    if found is not None:
        _tell(settings, found[0])
        return CLEAN
    settings.written = []
    with noted() as reads:
        code = make()
    if settings.written and code == CLEAN:
        kept.keep(key, reads, _answer(settings.written, settings.remarks))
    return code


def _answer(written: Sequence[str], remarks: Sequence[str]) -> str:
    """A result and the remarks on it as one text: the number of the remarks, and one on each line
    behind it."""
    lines = [line.encode("unicode_escape").decode() for line in remarks]
    return "\n".join([str(len(lines)), *lines, "".join(written)])


def _tell(settings: Settings, answer: str) -> None:
    """Writes a result, and the remarks on it."""
    count, _, rest = answer.partition("\n")
    *lines, text = rest.split("\n", int(count))
    settings.write(text.removesuffix("\n"))
    for line in lines:
        settings.note(line.encode().decode("unicode_escape"))


def _is_elsewhere(target: Target) -> bool:
    """Whether a target is read from a revision, or made by a program."""
    return target.files is not None or target.file.startswith(f"{target.format}:")
