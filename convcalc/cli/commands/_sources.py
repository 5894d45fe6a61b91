"""``show --source``: the text of network files, as it was written."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from convcalc.cli.console import Failure

if TYPE_CHECKING:
    from convcalc.cli.console import Settings
    from convcalc.language.sources.target import Target


def write_sources(targets: Sequence["Target"], settings: "Settings") -> int:
    """Writes the text of each target, which must be a network file; returns the exit code."""
    texts = [_text(target) for target in targets]  # all are read before the first is written
    settings.write_all(texts)
    for target in targets:
        for remark in _remarks(target):
            settings.note(remark)
    return 0


def _text(target: "Target") -> str:
    """The text of a network file; raises Failure for a model of another program."""
    from convcalc.importing.opening import open_source
    from convcalc.language.reading import NetworkSource

    source = open_source(target)
    if not isinstance(source, NetworkSource):
        advice = f"convcalc import {target.file} writes the network as a file"
        raise Failure(f"{target.file} is not a network file", advice)
    return source.sources[target.file].removesuffix("\n")


def _remarks(target: "Target") -> Iterator[str]:
    """Yield what to say of a variant: the text is that of all variants."""
    if target.variant:
        yield f"note: {target.variant} is a variant of this file, see 'variants:'"
