"""Every shipped network in one process: how long reading, expanding and analysing take, by file.

    python benchmarks/shipped.py            # totals, and the ten slowest files
    python benchmarks/shipped.py --files 103

A file is read once for all of its variants, and dropped before the next one, and garbage is
collected as seldom as in a command: as ``check`` does. Seconds are processor time.
"""

from __future__ import annotations

import argparse
import gc
from itertools import groupby
from time import process_time
from typing import NamedTuple

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_names
from convcalc.language.sources.target import Target


class Times(NamedTuple):
    """Seconds of one file, or of all; and how many networks and layers that were."""

    networks: int
    layers: int
    reading: float
    expanding: float
    analysing: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.reading + self.expanding + self.analysing


def times_of(file: str, variants: list[str | None]) -> Times:
    """The times of the networks of one file."""
    start = process_time()
    source = NetworkSource(Target(file))
    reading, expanding, analysing, layers = process_time() - start, 0.0, 0.0, 0
    for variant in variants:
        start = process_time()
        network = source.network(variant)
        middle = process_time()
        layers += len(analyse(network).layers)
        expanding += middle - start
        analysing += process_time() - middle
    return Times(len(variants), layers, reading, expanding, analysing)


def row(name: str, times: Times) -> str:
    """One line of the table."""
    return f"{name:<32} {times.networks:5} {times.layers:8,}" + "".join(
        f"{seconds:11.2f}" for seconds in (*times[2:], times.seconds)
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--files", type=int, default=10, help="how many files are listed")
    most = parser.parse_args().files
    gc.set_threshold(100_000, 50, 50)
    targets = sorted(shipped_names().values(), key=lambda target: target.file)
    found = {
        file: times_of(file, [target.variant for target in group])
        for file, group in groupby(targets, key=lambda target: target.file)
    }
    print(f"{'':<32} names   layers    reading  expanding  analysing    seconds")
    print(row("all", Times(*map(sum, zip(*found.values(), strict=True)))))
    for file, times in sorted(found.items(), key=lambda each: -each[1].seconds)[:most]:
        print(row(file.rpartition("/")[2].partition(".")[0], times))


if __name__ == "__main__":
    main()
