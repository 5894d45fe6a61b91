"""Matrix product of two tensors, over their last two axes: attention written out, mixing of tokens.

    a · b          of the last two axes, (…, n, k) · (…, k, m) -> (…, n, m)
    rank 1         the matrices are channels x positions: (n, k) · (k, m)
    rank 2 and 3   the channels (and the first axis of three) are a batch of matrices
    MACs           = batch · prod(other axes) · n · k · m         dynamic

``transpose_a`` and ``transpose_b`` swap the last two axes of an input before the product. Axes
before the last two are equal or 1, PyTorch's broadcasting; both inputs have as many axes. With
heads as channels and positions x channels of a head as axes, (h, N, d), the scores of attention are
``matmul: {transpose_b: true}`` of queries and keys, and its output is a ``matmul`` of those and
the values. ``dot_product_attention`` is both with the softmax between.

No parameters: both factors are computed from the input, so the work is dynamic.

An output reads one row of the first input and one column of the second, so neither input keeps
its position on the axis that is summed over; with both, an output sees all of it. A transposed
factor is read along the other axis: which position an output reads is then not told by that axis,
and the field is given up with that reason. On one axis a transposed first factor makes channels of
its positions: what each of them sees is not told apart, what all see together is.

Common mistake: a product with a *learned* matrix is ``linear``, whose MACs are weights.

Source: PyTorch ``torch.matmul``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, AxisMap, Unreadable, Whole
from convcalc.model.geometry.channel_maps import MIXED, OWN, ChannelMap, Hidden, Turned
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    DYNAMIC,
    FACTORS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.joining._broadcast import broadcast_size
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

CROSSED = Unreadable("a transposed factor is read along the other axis")


@operator
class Matmul(Operator):
    """The matrix product; see the module's docstring."""

    arity = (2, 2)
    ranks = (1, 3)
    keeps = FACTORS
    meets = False

    transpose_a: bool = fields.flag("whether the last two axes of the first input swap", False)
    transpose_b: bool = fields.flag("whether the last two axes of the second input swap", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Equal ranks, one common size to sum over, and equal axes before the matrices."""
        a, b = inputs
        if a.batch != b.batch:
            message = f"matmul of {a} in batches of {a.batch} and {b} of {b.batch}"
            yield Problem("shape-mismatch", "", message, "inputs of the same batch", 1)
        elif a.rank != b.rank:
            message = f"matmul of {a} and {b}: {a.rank} and {b.rank} spatial axes"
            yield Problem("shape-mismatch", "", message, f"inputs of {a.rank} spatial axes", 1)
        else:
            yield from self._size_problems(a, b)

    def _size_problems(self, a: Shape, b: Shape) -> Iterator[Problem]:
        (rows, inner), (other, columns) = self._matrices(a, b)
        if known((inner, other)) and inner != other:
            message = (
                f"matmul of {rows}×{inner} and {other}×{columns}: {inner} columns, {other} rows"
            )
            yield Problem("shape-mismatch", "", message, _turning(a, b), 1)
        for n, m in zip(a.dims[1:-2], b.dims[1:-2], strict=True):
            if known((n, m)) and n != m and 1 not in (n, m):
                message = f"matmul of {a} and {b}: {n} and {m} matrices"
                yield Problem(
                    "shape-mismatch", "", message, "axes before the last two: equal or 1", 1
                )

    def _matrices(self, a: Shape, b: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of both factors, as they are multiplied."""
        first, second = a.dims[-2:], b.dims[-2:]
        return (
            (first[1], first[0]) if self.transpose_a else (first[0], first[1]),
            (second[1], second[0]) if self.transpose_b else (second[0], second[1]),
        )

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One product for each row, column, and what is summed over."""
        a, b = inputs
        (rows, inner), (other, columns) = self._matrices(a, b)
        leading = tuple(map(broadcast_size, a.dims[1:-2], b.dims[1:-2]))
        made = (*leading, rows, columns)
        summed = inner if known(inner) else other
        amount = matmul_macs(a.batch, leading, rows, summed, columns)
        return Analysis(
            Shape(a.batch, made[0], made[1:]),
            (
                (*_batch_axes(a, leading), *_first(a.rank, self.transpose_a)),
                (*_batch_axes(b, leading), *_second(b.rank, self.transpose_b)),
            ),
            (Term("matmul", DYNAMIC, amount),),
            channels=(
                _first_channels(a, self.transpose_a),
                _second_channels(b, self.transpose_b),
            ),
        )


@formula
def matmul_macs(batch: int, leading: tuple[int, ...], rows: int, inner: int, columns: int) -> int:
    """Products of a batch of matrices: n·k·m for each."""
    return batch * prod(leading) * rows * inner * columns


def _turning(a: Shape, b: Shape) -> str:
    """The help where the matrices do not fit: a transposition, if one makes them fit."""
    first, second = a.dims[-2:], b.dims[-2:]
    for name, one, other in (
        ("no transposition", first[1], second[0]),
        ("transpose_a: true", first[0], second[0]),
        ("transpose_b: true", first[1], second[1]),
        ("both transpose_a and transpose_b", first[0], second[1]),
    ):
        if one == other:
            return f"{name} makes them fit"
    return "as many columns of the first input as rows of the second"


def _batch_axes(x: Shape, leading: tuple[int, ...]) -> Axes:
    """How the axes before the matrices are read: where they are, or the only position."""
    pairs = zip(x.dims[2:-2], leading[1:], strict=True)
    return tuple(IDENTITY if n == m or not known(n) else Whole() for n, m in pairs)


def _first(rank: int, transposed: bool) -> tuple[AxisMap, ...]:
    """An output reads one row of the first factor, and all of its columns."""
    if rank == 1:
        return (Whole(),)
    return (Whole(), CROSSED) if transposed else (IDENTITY, Whole())


def _second(rank: int, transposed: bool) -> tuple[AxisMap, ...]:
    """An output reads one column of the second factor, and all of its rows."""
    if rank == 1:
        return (Whole(),) if transposed else (IDENTITY,)
    return (CROSSED, Whole()) if transposed else (Whole(), IDENTITY)


def _first_channels(a: Shape, transposed: bool) -> ChannelMap:
    """Channels are rows of one matrix on one axis, and matrices of a batch otherwise."""
    if a.rank > 1:
        return MIXED if a.channels == 1 else OWN
    return Turned("each channel reads one position of the transposed factor") if transposed else OWN


def _second_channels(b: Shape, transposed: bool) -> ChannelMap:
    """On one axis the channels are summed over; transposed, each position reads one of them."""
    if b.rank > 1:
        return MIXED if b.channels == 1 else OWN
    return (
        Hidden("each position reads one channel of the transposed factor") if transposed else MIXED
    )
