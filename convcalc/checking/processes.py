"""Processes many files in parallel; the results come in the order of the files.

Each worker is a fork of this process and takes every n-th file. It writes its results into a pipe,
from which they are read in turn. If a worker dies, this process works on its files.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

FEWEST = 12  # files for which a second process is worth its start
MOST_JOBS = 8

T = TypeVar("T")
R = TypeVar("R")


def jobs_for(count: int) -> int:
    """Return how many processes to use: 1 for a few files, or where there is no fork."""
    if count < FEWEST or not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_JOBS, count // (FEWEST // 2))


def map_in_order(work: Callable[[T], R], items: Sequence[T], jobs: int) -> Iterator[R]:
    """Yield ``work(item)`` for every item, in order, as soon as it and those before it are done."""
    if jobs < 2:
        yield from map(work, items)
        return
    import pickle

    started: list[_Worker] = []
    try:
        try:
            for number in range(jobs):
                started.append(_start(work, items[number::jobs]))  # noqa: PERF401 - so that all of them are ended if a fork fails
        except OSError:  # too many processes or open files: this one can do it alone
            yield from map(work, items)
            return
        for index, item in enumerate(items):
            try:
                yield pickle.load(started[index % jobs].results)
            except (EOFError, pickle.UnpicklingError):
                yield work(item)  # the worker died
    finally:
        for worker in started:
            worker.end()


class _Worker(NamedTuple):
    """A worker's process id, and the pipe that it writes its results into."""

    process: int
    results: Any

    def end(self) -> None:
        """Kill the worker; it holds nothing that could get lost."""
        self.results.close()
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)


def _start(work: Callable[[T], R], items: Sequence[T]) -> _Worker:
    """Fork a worker that processes some items in order and exits."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # or the fork would write it once more
    reading, writing = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if process:
        os.close(writing)
        return _Worker(process, open(reading, "rb"))
    try:
        os.close(reading)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        with open(writing, "wb") as results:
            _write_results(work, items, results)
    finally:
        os._exit(0)


def _write_results(work: Callable[[T], R], items: Sequence[T], results: Any) -> None:
    import pickle

    for item in items:
        pickle.dump(work(item), results, pickle.HIGHEST_PROTOCOL)
        results.flush()
