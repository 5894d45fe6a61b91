"""The parts of a sweep as tasks of a Dask cluster that is there already.

A task is sent what the sweep is, and computes one part. The network file has to be where it is
here; its digest, and that of every other file that is read, has to be the same. Anyone who can
reach the scheduler of a cluster can run code on it and on its clients, so it is one that is
trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.parts import Part, Sweep
from convcalc.analysis.sweeps.plan import Plan
from convcalc.cli.console import Failure
from convcalc.diagnostics.work import Work
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.project import opened
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target, TargetError
from convcalc.output.packages import package

RETRIES = 3  # of a task whose worker died
AHEAD = 4  # parts for each thread of the cluster that are begun before they are needed
SECONDS = 10  # to find the scheduler
_SHIPPED = "<built-in>"
_lock = Lock()  # the threads of a worker take turns


class Job(NamedTuple):
    """A sweep as another process needs it; ``files`` are the digests of what is read."""

    file: str
    text: str | bytes | None
    plan: Plan
    how: Assumptions
    variant: str | None
    batch: int
    files: tuple[str, ...]
    allowed: tuple[tuple[str, int], ...]


def job_of(target: Target, sweep: Sweep, allowed: dict[str, int]) -> Job:
    """The job of a sweep; raises Failure for one that another machine cannot read."""
    if target.files is not None:
        raise Failure("a network of a git revision cannot be swept on a cluster", "check it out")
    runner = sweep.runner
    return Job(
        _portable(target.file),
        target.text,
        sweep.plan,
        runner.how,
        runner.variant,
        runner.batch,
        _digests(sweep),
        tuple(sorted(allowed.items())),
    )


def parts_on(address: str, job: Job, numbers: Sequence[int], *, with_rows: bool) -> Iterator[Part]:
    """Yields parts in order, computed by the cluster whose scheduler is at an address.

    Raises MissingPackage without ``distributed``, and Failure if the cluster cannot be reached or
    lost a part again and again.
    """
    distributed = package("distributed", "--dask")
    try:
        client = distributed.Client(address, timeout=SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise Failure(f"no Dask scheduler at {address}: {error or 'timed out'}") from None
    try:
        threads = sum(each["nthreads"] for each in client.scheduler_info()["workers"].values())
        yield from _in_order(client, job, numbers, max(8, AHEAD * threads), with_rows=with_rows)
    finally:
        with suppress(Exception):  # the result is there, whatever the cluster says to the end
            client.close()


def _in_order(
    client: Any, job: Job, numbers: Sequence[int], ahead: int, *, with_rows: bool
) -> Iterator[Part]:
    waiting: list[Any] = []
    begun = 0
    while waiting or begun < len(numbers):
        while begun < len(numbers) and len(waiting) < ahead:
            number = numbers[begun]
            task = client.submit(
                computed, job, number, with_rows=with_rows, pure=False, retries=RETRIES
            )
            waiting.append(task)
            begun += 1
        part: Part = _result(waiting.pop(0))
        yield part


def _result(task: Any) -> Part:
    try:
        part: Part = task.result()
    except Exception as error:
        if type(error).__module__.startswith("distributed"):  # its workers are gone
            raise Failure(f"the cluster failed: {type(error).__name__}") from None
        raise
    return part


def computed(job: Job, number: int, *, with_rows: bool) -> Part:
    """One part, on a worker."""
    with _lock, opened():
        sweep = _sweep(repr(job), _Held(job))
        with Work(allowed=dict(job.allowed)):
            part = sweep.part(number)
    return part if with_rows else part.without_rows()


class _Held:
    """A job, all of which are equal: the text beside it is the key."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4)
def _sweep(_key: str, held: _Held) -> Sweep:
    """The sweep of a job, opened once in each process of a worker."""
    job = held.job
    target = Target(_local(job.file), text=job.text)
    found = Sweep(
        job.plan, lambda: NetworkSource(target), job.how, variant=job.variant, batch=job.batch
    )
    if _digests(found) != job.files:
        raise TargetError(f"{target.file} is another file on a worker", "copy it there")
    return found


def _digests(sweep: Sweep) -> tuple[str, ...]:
    return tuple(sorted(sweep.reads.found.values()))


def _portable(file: str) -> str:
    """A path that means the same file wherever convcalc is installed."""
    folder = str(shipped_folder())
    return f"{_SHIPPED}{file.removeprefix(folder)}" if file.startswith(folder) else file


def _local(file: str) -> str:
    return file.replace(_SHIPPED, str(shipped_folder()), 1) if _SHIPPED in file[:10] else file
