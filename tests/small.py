"""Small networks that a test writes down in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.diagnostics.diagnostic import NetworkError, Place
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.language.syntax.nodes import Mapping, node_of
from convcalc.model.graph.network import Network

Sizes = Sequence[int | None]


def network_of(layers: Sequence[Any], sizes: Sizes, batch: int = 1, **top: Any) -> Network:
    """The network of some layers on one input; ``top`` are further keys of the file."""
    content = {"convcalc": 1, "name": "small", "input": list(sizes), **top, "layers": list(layers)}
    root = node_of(content, Place("small.yaml", 1, 1))
    assert isinstance(root, Mapping)
    network = read_network(Target("small.yaml", root=root), batch=batch)
    errors = [problem for problem in network.problems if problem.severity == "error"]
    if errors:
        raise NetworkError(errors)
    return network


def network_of_text(body: str, **options: Any) -> Network:
    """The network of a file with this body, which must have no errors."""
    found = read_network(
        Target("net.convcalc.yaml", None, f"convcalc: 1\nname: net\n{body}"), **options
    )
    assert not [p for p in found.problems if p.severity == "error"], found.problems
    return found


def report_of(layers: Sequence[Any], sizes: Sizes, batch: int = 1, **top: Any) -> Report:
    """The report of such a network, which must have no errors."""
    return analyse(network_of(layers, sizes, batch, **top))


def layer_of(operator: str, sizes: Sizes, batch: int = 1, **fields: Any) -> LayerReport:
    """The report of one layer."""
    (layer,) = report_of([{operator: fields}], sizes, batch).layers
    return layer
