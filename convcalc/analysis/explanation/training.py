"""Explain what a layer costs in one training step, product by product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from convcalc.analysis.explanation.worked import Section, Worked, Working, sum_lines
from convcalc.analysis.training import Trained, step_flops, trained_terms
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import steps_of
from convcalc.model.quantities.formula import trace, tracing


def training_sections(network: Network, index: int) -> Iterator[Section]:
    """FLOPs of forward pass and gradients; nothing for a layer without products."""
    terms = _terms_by_layer(network)[index]
    if terms:
        yield Section("training", tuple(_lines(terms)))


@lru_cache(maxsize=1)  # for the layers of a network one after another
def _terms_by_layer(network: Network) -> Sequence[tuple[Trained, ...]]:
    return trained_terms(network, steps_of(network))


def _lines(terms: Sequence[Trained]) -> Iterator[Worked]:
    """One line for each product, and the sum."""
    working = Working()
    with tracing():
        lines = [
            working.work_out(
                each.term.name,
                step_flops(
                    trace(each.term.amount, each.term.name),
                    int(each.input_gradient),
                    int(each.weight_gradient),
                ),
            )
            for each in terms
        ]
    yield from lines
    if len(lines) > 1:
        yield sum_lines("FLOPs of a step", lines, "")
