"""Folds batch norms into the convolutions before them, as inference engines do.

A batch norm in evaluation mode is a scale and a shift per channel. Where it directly follows a
convolution or a linear layer whose output nothing else reads, the scale goes into the weights and
the shift into the bias: the norm and its parameters vanish, and a layer without a bias gets one,
which is counted. The same applies within a composite, and to its last part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import sole_readers
from convcalc.model.operators.composing import part_terms
from convcalc.model.operators.contract import Analysis, Function, Operator, Part
from convcalc.model.operators.registry import name_of
from convcalc.model.operators.work import bias_terms
from convcalc.model.quantities.shape import Shape

# Operators in which each output channel has its own weights.
FOLDABLE = frozenset(
    ("conv", "depthwise_conv", "pointwise_conv", "coord_conv", "conv_transpose", "linear")
)


def last_part(analysis: Analysis) -> Part | None:
    """The last part of a composite; None if more is done to its output."""
    if not analysis.parts or isinstance(analysis.parts[-1].operator, Function):
        return None
    last = analysis.parts[-1]
    return last if analysis.result in ("", last.name) else None


def fused_analyses(network: Network) -> list[Analysis]:
    """The analysis of each layer after folding all batch norms that can be folded."""
    found = [_fold_parts(layer.analysis) for layer in network.layers]
    for index, reader, prefix in _folded_layers(network):
        found[index] = _add_bias(found[index], prefix, network.layers[index].analysis.output)
        norm = network.layers[reader].analysis
        found[reader] = norm._replace(terms=(), weights={}, buffers={})
    return found


def folded_norms(network: Network) -> set[tuple[int, str]]:
    """The batch norms that are folded: the index of the layer, and the name of the part in it."""
    layers = {(reader, "") for _, reader, _ in _folded_layers(network)}
    parts = {
        (index, norm.name)
        for index, layer in enumerate(network.layers)
        for _, norm in _folded_parts(layer.analysis)
    }
    return layers | parts


def _folded_layers(network: Network) -> Iterator[tuple[int, int, str]]:
    """Each layer that takes up a norm, that norm, and the prefix of the weights in question."""
    shared = {layer.shares for layer in network.layers}
    for index, reader in sole_readers(network).items():
        before, norm = network.layers[index], network.layers[reader]
        alone = before.shares < 0 and index not in shared and norm.shares < 0
        prefix = _foldable_prefix(before.name, before.analysis)
        if alone and reader not in shared and prefix is not None and _can_fold(norm.operator):
            yield index, reader, prefix


def _foldable_prefix(name: str, analysis: Analysis) -> str | None:
    """The prefix of the names of the weights that a following norm can be folded into.

    It is None if the norm cannot be folded.
    """
    if name in FOLDABLE:
        return ""
    last = last_part(analysis)
    return f"{last.name}." if last and name_of(last.operator) in FOLDABLE else None


def _can_fold(operator: Operator) -> bool:
    """Whether it is a batch norm with running statistics, which is constant in evaluation."""
    return name_of(operator) == "batch_norm" and bool(getattr(operator, "track_running_stats", 0))


def _fold_parts(analysis: Analysis) -> Analysis:
    """A composite's analysis with the norms folded that directly follow a convolution in it."""
    for before, norm in _folded_parts(analysis):
        folded = _add_bias(analysis, f"{before.name}.", before.analysis.output)
        analysis = _remove_part(folded, norm)
    return analysis


def _folded_parts(analysis: Analysis) -> Iterator[tuple[Part, Part]]:
    """Each convolution of a composite with the norm that directly follows it."""
    for before, norm in pairwise(analysis.modules):
        follows = norm.reads == (before.name,)
        if follows and name_of(before.operator) in FOLDABLE and _can_fold(norm.operator):
            yield before, norm


def _remove_part(analysis: Analysis, part: Part) -> Analysis:
    """A composite's analysis without the weights and the work of a part."""

    def others(tensors: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        return {n: size for n, size in tensors.items() if not n.startswith(f"{part.name}.")}

    gone = part_terms(part.name, part.analysis.terms)
    return analysis._replace(
        terms=tuple(term for term in analysis.terms if term not in gone),
        weights=others(analysis.weights),
        buffers=others(analysis.buffers),
    )


def _add_bias(analysis: Analysis, name: str, output: Shape) -> Analysis:
    """The analysis with a bias on a convolution with that output; ``name`` prefixes its names."""
    if f"{name}bias" in analysis.weights:
        return analysis
    terms = (term._replace(name=f"{name}{term.name}") for term in bias_terms(True, output))
    return analysis._replace(
        terms=(*analysis.terms, *terms),
        weights={**analysis.weights, f"{name}bias": (output.channels,)},
    )
