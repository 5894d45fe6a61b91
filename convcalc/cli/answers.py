"""What a command printed, printed again as long as nothing that it depends on has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from convcalc.cli.console import CLEAN, Settings, is_set, settings_files
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

    Only results without a remark or a problem are kept. Returns the exit code.
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
    read = [(each.file, each.variant, each.format, each.text) for each in targets]
    held = ""
    if next(settings_files(), None) is not None:
        from convcalc.cli.defaults import settings_text

        held = repr(settings_text())
    key = kept.key(ctx.info_name, held, repr(asked), repr(chosen), repr(read), repr(tuple(style)))
    found = kept.find(key)
    if found is not None:
        settings.write(found[0])
        return CLEAN
    settings.written = []
    with noted() as reads:
        code = make()
    if settings.written is not None and code == CLEAN:
        kept.keep(key, reads, "".join(settings.written).removesuffix("\n"))
    return code


def _is_elsewhere(target: Target) -> bool:
    """Whether a target is read from a revision, or made by a program."""
    return target.files is not None or target.file.startswith(f"{target.format}:")
