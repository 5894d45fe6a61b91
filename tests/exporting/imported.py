"""Models as network files: what is written of a target, and the networks to compare."""

from __future__ import annotations

from convcalc.exporting.source.importing import Source, source_of
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target


def read(file: str, content: bytes | str) -> NetworkFile:
    """The network of a file that is in memory."""
    found = read_target(Target(file, None, content))
    assert [p for p in found.problems if p.severity == "error"] == []
    return found


def source(*networks: NetworkFile) -> Source:
    """The network file that is written of networks."""
    return source_of(networks)


def again(text: str, variant: str | None = None) -> NetworkFile:
    """The network that a text describes, without problems."""
    found = read_network(Target("again.convcalc.yaml", variant, text))
    assert [p.message for p in found.problems if p.severity == "error"] == []
    return found
