"""Describes operators, whatever they are written as: a kind, and the numbers that make it so.

The same layer has several names: a linear layer at positions is a convolution of 1×1, a depthwise
one a grouped one, pooling by a window as large as its input a global one. Kinds are the
language's names of the general form.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.analysis.agreement.kinds import (
    ATTENTION,
    CONV,
    RULES,
    At,
    Traits,
    conv_traits,
    heads,
    plain,
)
from convcalc.model.graph.steps import Step
from convcalc.model.operators.contract import Function, Operator
from convcalc.model.operators.registry import families, name_of
from convcalc.model.quantities.shape import Shape

COMMUTING = ("add", "mul", "maximum", "minimum", ATTENTION)


class Described(NamedTuple):
    """The kind of a layer and the numbers that make it so; by ``family`` kinds are alike."""

    kind: str
    traits: Traits
    family: str


def described(step: Step, inputs: Sequence[Shape], owner: Operator) -> Described | None:
    """Return what a step is; None where it only hands on what it reads.

    ``inputs`` are the shapes that it reads; ``owner`` is the operator of its layer.
    """
    operator = step.operator
    if isinstance(operator, Function):
        return _function(step, owner)
    if operator.view or operator.idle or name_of(operator) in _HANDED_ON:
        return None
    x = inputs[0] if inputs else step.analysis.output
    rule = RULES.get(name_of(operator), plain)
    found = rule(At(operator, step.analysis, x, len(step.reads)))
    if found is None:
        return None
    kind, traits = found
    return Described(kind, traits, _family(kind))


def _family(kind: str) -> str:
    """Return what a kind can be exchanged for without another layer changing."""
    if kind in _FAMILIES:
        return _FAMILIES[kind]
    family = families().get(kind, kind)
    return family if family in ("activation", "norm", "pooling") else kind


_FAMILIES = {"dropout": "dropout", "add": "join", "concat": "join", "mul": "join"}
_HANDED_ON = {  # moves of elements, which programs write in many ways
    "channel_select",
    "pad",
    "pad_channels",
    "pixel_unshuffle",
    "stack",
    "fold",
    "unfold",
    "space_to_batch",
    "batch_to_space",
}

# --- functions within composites --------------------------------------------------------------

_MADE = {
    "scale": "mul",
    "product": "mul",
    "gate": "mul",
    "add": "add",
    "concat": "concat",
    "aggregate": ATTENTION,
}
_WITHIN = (
    "scores",
    "softmax",
    "pad",
    "crop",
    "relative",
    "bias",
    "logit_scale",
    "normalise",
    "position_bias",
)


def _function(step: Step, owner: Operator) -> Described | None:
    """Return what a composite does with the results of its parts."""
    name = step.part.rpartition(".")[2]
    weights = step.analysis.weights
    traits: dict[str, Any] = {}
    if vars(step.operator).get("view") or name in _WITHIN or ".relative" in f".{step.part}":
        return None
    kind = "matmul" if name_of(owner) == "involution" else _MADE.get(name, name)
    if kind == ATTENTION:
        traits |= heads(owner)
    elif (name_of(owner), name) == ("cond_conv", "main"):
        kind, traits = "opaque", {"macs": sum(term.amount for term in step.analysis.terms)}
    elif weight := weights.get("weight"):
        kind, traits = CONV, conv_traits(weight[0], weight[2:])
        if name_of(owner) == "cond_conv":  # kernels from a vector of weights
            traits = {"out_channels": prod(weight[1:]), "bias": False}
        if name_of(owner) == "partial_conv":
            traits |= {"padding": tuple((k // 2, k // 2) for k in weight[2:]), "bias": False}
    return Described(kind, traits, _family(kind))
