"""Every network that ships, read and analysed once per process, however many tests look at it."""

from __future__ import annotations

from functools import cache

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.file_facts import NetworkFile
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_files, shipped_names
from convcalc.language.sources.target import Target

NAMES = sorted(shipped_names())
BASES = sorted(name for name, target in shipped_names().items() if target.variant is None)
FILES = [path.name for path in shipped_files()]


@cache
def source(file: str) -> NetworkSource:
    """A file that ships, by its path: parsed once for all of its variants."""
    return NetworkSource(Target(file))


@cache
def network(name: str) -> NetworkFile:
    """A network by the name under which it ships."""
    target = shipped_names()[name]
    return source(target.file).network(target.variant)


@cache
def report(name: str) -> Report:
    """What convcalc says of it, at its own input."""
    return analyse(network(name))


@cache
def names_of(file: str) -> tuple[str, ...]:
    """The networks of a file, the base first."""
    first = network(next(name for name in BASES if file_of(name) == file))
    return (first.base, *first.variants)


def file_of(name: str) -> str:
    """The file of a network, without its folder."""
    return shipped_names()[name].file.rpartition("/")[2]
