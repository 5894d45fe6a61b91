"""Several targets: each is analysed by itself, on all cores if there are many.

Of each only a row is kept, or its JSON, so that memory does not grow with what they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from convcalc.cli.console import Settings
from convcalc.cli.progress import progress
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.work import check_total, current
from convcalc.language.sources.project import project
from convcalc.language.sources.reads import Reads, noted

if TYPE_CHECKING:
    from convcalc.analysis.report.report import Report
    from convcalc.analysis.report.rows import Row
    from convcalc.cli.loading import Reading
    from convcalc.language.sources.target import Target


class Analysed(NamedTuple):
    """One network among several, as it is shown.

    ``report`` is its report without layers but the first, ``text`` the whole as JSON if that is
    wanted. The others are those of the network.
    """

    row: Row
    report: Report
    text: str
    file: str
    remark: str
    problems: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    skipped: int


class _Done(NamedTuple):
    """The networks of one target, the work that they took, and the files that were read."""

    found: list[Analysed]
    work: int
    reads: Reads


def analyse_several(
    reading: Reading, targets: Sequence[Target], settings: Settings, *, as_json: bool
) -> list[Analysed]:
    """Reads and analyses targets, in order; raises what reading one of them raises."""
    from convcalc.checking.processes import jobs_for, map_in_order

    found: list[Analysed] = []
    jobs = jobs_for(len(targets))
    with progress("analysing", len(targets), settings) as step:
        work = partial(_analyse, reading, as_json)
        for target, done in zip(targets, map_in_order(work, targets, jobs), strict=True):
            _add(done, is_elsewhere=jobs > 1)
            found += done.found
            step(target.file)
    return found


def _analyse(reading: Reading, as_json: bool, target: Target) -> _Done:
    """Analyses one target, perhaps in a process of its own."""
    here = current()
    before = here.shared
    with noted() as reads:
        found = list(_each(reading, target, as_json=as_json))
    return _Done(found, here.shared - before, reads)


def _each(reading: Reading, target: Target, *, as_json: bool) -> Iterator[Analysed]:
    from convcalc.analysis.report.rows import target_row
    from convcalc.analysis.report.to_json import streamed_payload
    from convcalc.output.formats.json import line

    for network, report in reading.shared_reports(target):
        yield Analysed(
            target_row(report),
            report.replace(layers=report.layers[:1]),
            line(streamed_payload(report)) if as_json else "",
            network.file,
            getattr(network, "remark", ""),
            network.problems,
            network.sources if network.problems else {},
            network.skipped,
        )


def _add(done: _Done, *, is_elsewhere: bool) -> None:
    """Adds to this process what was spent and read in another, and what was read to what is
    noted."""
    here = project()
    if is_elsewhere:
        here.names.update(path for path, *_ in done.reads.found)
        current().shared += done.work
        check_total(current().shared, current().most)
    if here.reads is not None:
        here.reads.found.update(done.reads.found)
        here.reads.is_complete &= done.reads.is_complete
