"""Network texts with one defect, and the names of their problems."""

from __future__ import annotations

from typing import Any

from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

GOLDEN = TESTS / "golden" / "errors"


BROKEN = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\n"


def read(body: str, head: str = HEAD, **options: Any) -> Network:
    return read_network(Target("net.yaml", None, head + body), **options)


def errors(body: str, head: str = HEAD, **options: Any) -> list[Diagnostic]:
    network = read(body, head, **options)
    analyse(network)
    return [problem for problem in network.problems if problem.severity == "error"]


def marked(body: str, head: str = HEAD) -> list[str]:
    """The texts that the carets point at."""
    lines = (head + body).split("\n")
    places = [problem.place for problem in errors(body, head)]
    return [lines[p.line - 1][p.column - 1 : (p.end or p.column + 1) - 1] for p in places]
