"""Whole commands and single steps against a bare ``python -c pass``, on this machine.

    python benchmarks/speed.py            # all rows
    python benchmarks/speed.py --runs 30

Commands are timed in turn with bare Python, run by run, so that the ratios hold on a machine
whose speed drifts; each row gives the median. Memory is the largest resident set of the
process.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import convcalc
from convcalc.analysis.analyse import analyse
from convcalc.language.limits import LIMITS
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target

LARGE = """convcalc: 1
name: large
input: [8, 64, 64]
layers:
  - seq: [{conv: {out: 8, k: 3, p: 1}}, relu]
    repeat: 50000
"""


def seconds(command: list[str]) -> float:
    """Return the wall time of a process in seconds."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def peak_memory(command: list[str]) -> float:
    """Return the largest resident set of a process in MiB."""
    pid = os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", f"exec {' '.join(command)} >/dev/null"])
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_maxrss / 1024


def command_row(name: str, arguments: list[str], runs: int) -> None:
    """Print the time of ``convcalc`` with some arguments, and its ratio to bare Python."""
    bare = [sys.executable, "-c", "pass"]
    command = [sys.executable, "-m", "convcalc", *arguments]
    pairs = [(seconds(command), seconds(bare)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    milliseconds = 1e3 * statistics.median(a for a, _ in pairs)
    memory = peak_memory(command)
    print(f"{name:<44} {milliseconds:9.1f} ms {ratio:7.1f} x bare {memory:7.1f} MiB")


def step_row(name: str, step: Callable[[], object], runs: int) -> None:
    """Print the time of one step within this process."""
    step()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(f"{name:<44} {1e3 * statistics.median(times):9.2f} ms")


def large_row() -> None:
    """Print time and memory for a network of 100,000 layers, from text to report."""
    gc.collect()
    start = time.perf_counter()
    network = read_network(Target("<large>", None, LARGE), limits=LIMITS)
    report = analyse(network)
    elapsed = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    layers = report.totals.layers
    print(f"{f'{layers:,} layers, text to report':<44} {elapsed:9.2f} s  {memory:17.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(f"convcalc {convcalc.__version__}, Python {sys.version.split()[0]}, median of {runs}")
    command_row("convcalc get totals.macs resnet50", ["get", "totals.macs", "resnet50"], runs)
    command_row("convcalc show resnet50", ["show", "resnet50"], runs)
    command_row("convcalc show resnet50 -f json", ["show", "resnet50", "-f", "json"], runs)
    target = resolve("resnet50")
    step_row("resnet50, YAML text to report", lambda: analyse(read_network(target)), runs)
    network = read_network(target)
    step_row("resnet50, graph to report", lambda: analyse(network), runs)
    large_row()


if __name__ == "__main__":
    main()
