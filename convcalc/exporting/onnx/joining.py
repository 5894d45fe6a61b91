"""Tensors joined: sums, products, concatenation, matrices; and tensors that are learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.exporting.onnx.activation import broadcast
from convcalc.exporting.onnx.nodes import INT, Unwritable, Value
from convcalc.exporting.onnx.part import Writing
from convcalc.exporting.onnx.rule import Rule
from convcalc.model.geometry.sizes import axis_names


def _joined(op: str) -> Rule:
    def rule(part: Writing, _: Any, x: Value, *others: Value) -> Value:
        for other in others:
            x = broadcast(part, op, x, other)
        return x

    return rule


def concat(part: Writing, operator: Any, *values: Value) -> Value:
    """Along the channels or an axis; a learned tensor is repeated for each sample."""
    batch = max(value.dims[0] for value in values)
    same = [part.expand(value, batch, *value.dims[1:]) for value in values]
    axis = axis_names(len(values[0].dims) - 2).index(operator.axis)
    return part.concat(same, 1 + axis)


def stack(part: Writing, operator: Any, *values: Value) -> Value:
    """Along an axis of their own."""
    axis = 1 + axis_names(len(values[0].dims) - 1).index(operator.axis)
    return part.concat([part.unsqueeze(value, axis) for value in values], axis)


def matmul(part: Writing, operator: Any, a: Value, b: Value) -> Value:
    """The product of the last two axes."""
    if operator.transpose_a:
        a = turned(part, a)
    if operator.transpose_b:
        b = turned(part, b)
    return product(part, a, b)


def turned(part: Writing, x: Value) -> Value:
    """The last two axes exchanged."""
    rank = len(x.dims)
    return part.transpose(x, *range(rank - 2), rank - 1, rank - 2)


def product(part: Writing, a: Value, b: Value) -> Value:
    """The matrix product of the last two axes; those before are equal, or 1."""
    leading = [m if n == 1 else n for n, m in zip(a.dims[:-2], b.dims[:-2], strict=True)]
    return part.node("MatMul", a, b, to=(*leading, a.dims[-2], b.dims[-1]))


def parameter(part: Writing, operator: Any, *inputs: Value) -> Value:
    """A learned tensor, with an input once for each sample."""
    made = part.stored("weight", (1, *operator.shape))
    return part.expand(made, inputs[0].dims[0], *operator.shape) if inputs else made


def embedding(part: Writing, operator: Any, x: Value) -> Value:
    """A row of a learned table for each index."""
    table = part.stored("weight")
    rank = len(x.dims) - 2
    indices = part.node("Cast", x, to_type=7, kind=INT)
    if rank:
        indices = part.squeeze(indices, 1)
    made = part.node("Gather", table, indices, to=(*indices.dims, operator.embedding_dim), axis=0)
    return part.channels_first(made)


def opaque(_: Writing, __: Any, *___: Value) -> Value:
    """Refuse an opaque layer: what a file only states cannot be written."""
    raise Unwritable("opaque states numbers, not what is computed", "the layers that it stands for")


RULES: Mapping[str, Rule] = {
    "add": _joined("Add"),
    "mul": _joined("Mul"),
    "maximum": _joined("Max"),
    "concat": concat,
    "stack": stack,
    "matmul": matmul,
    "parameter": parameter,
    "embedding": embedding,
    "opaque": opaque,
}
