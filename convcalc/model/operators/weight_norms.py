"""Changes of a weight before it multiplies: standardisation, weight norm, spectral norm."""

from __future__ import annotations

from math import prod

from convcalc.model.operators.contract import ELEMENTWISE, Analysis, Term
from convcalc.model.quantities.formula import formula

# Operations per number of the weight; statistics are left out, as for the norms of activations.
_OPERATIONS = {"standard": 2, "scaled": 2, "weight": 1, "spectral": 1}


def normalised(kind: str, analysis: Analysis, height: int) -> Analysis:
    """The analysis of a layer whose weight is normalised, once in each pass.

    ``height`` is the axis of the weight that spectral norm takes for the rows of a matrix: its
    outputs, 1 in the weight of a transposed convolution.
    """
    weight = analysis.weights["weight"]
    weights, buffers = dict(analysis.weights), dict(analysis.buffers)
    one_each = (weight[0], *(1,) * (len(weight) - 1))
    if kind in ("scaled", "weight"):
        weights["gain" if kind == "scaled" else "weight_g"] = one_each
    if kind == "spectral":
        rows = weight[height]
        buffers |= {"weight_u": (rows,), "weight_v": (columns(weight, rows),)}
    done = Term("weight_norm", ELEMENTWISE, weight_work(_OPERATIONS[kind], weight))
    return analysis._replace(weights=weights, buffers=buffers, terms=(*analysis.terms, done))


@formula
def weight_work(operations: int, weight: tuple[int, ...]) -> int:
    """So many operations for each number of the weight."""
    return operations * prod(weight)


@formula
def columns(weight: tuple[int, ...], rows: int) -> int:
    """Columns of a weight as a matrix of so many rows."""
    return prod(weight) // rows
