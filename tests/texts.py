"""Networks as texts of a few lines, and what is asked of them."""

from __future__ import annotations

from typing import Any

from places import TESTS

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

# An ordinary file, with most of its syntax.
NETWORK = """\
convcalc: 1
name: tiny   # a comment
input: [3, 224, 224]
blocks:
  ConvBn:
    params: {out: int, k: 1, act: true}
    layers:
      - conv: {out: out, k: k, p: k//2, bias: false}
      - batch_norm
      - {relu: {}, if: act}
layers:
  - ConvBn: {out: c*4}
    repeat: n - 1
  - 'quoted'
  - "dou\\tble"
  - |
    block
    text
"""
HEAD = "convcalc: 1\nname: net\ninput: [3, 32, 32]\n"


def read(body: str, head: str = HEAD, **options: Any) -> Network:
    """The network of a text, which must have no errors."""
    found = read_network(Target("net.yaml", None, head + body), **options)
    assert not [p for p in found.problems if p.severity == "error"], found.problems
    return found


def report(body: str, head: str = HEAD, **options: Any) -> Report:
    return analyse(read(body, head, **options))


def shapes(body: str, head: str = HEAD, **options: Any) -> list[str]:
    return [str(layer.output) for layer in report(body, head, **options).layers]


def channels(body: str, head: str = HEAD, **options: Any) -> list[int]:
    return [layer.output.channels for layer in report(body, head, **options).layers]


def paths(body: str, head: str = HEAD, **options: Any) -> list[str]:
    return [layer.path for layer in report(body, head, **options).layers]


def problems(body: str, head: str = HEAD, **options: Any) -> list[str]:
    network = read_network(Target("net.yaml", None, head + body), **options)
    analyse(network)
    return [problem.name for problem in network.problems]


def c(out: str | int, more: str = "") -> str:
    """A 1x1 convolution as an item."""
    return f"{{conv: {{out: {out}, k: 1}}{more}}}"


def example(name: str, variant: str | None = None, **params: Any) -> Report:
    """The report of a network in ``tests/examples``."""
    network = read_network(
        Target(str(TESTS / "examples" / f"{name}.convcalc.yaml")), variant=variant, params=params
    )
    assert not network.problems, network.problems
    return analyse(network)
