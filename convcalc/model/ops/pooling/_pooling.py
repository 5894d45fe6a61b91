"""Shared by the poolings: a window that slides, parts of an axis, the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, prod

from convcalc.model.geometry.axis_maps import IDENTITY, AxisMap, Partition, Unreadable, Whole
from convcalc.model.geometry.sizes import Padding, axis_name, resolve_padding
from convcalc.model.operators.contract import ELEMENTWISE, Analysis, Problem, Term
from convcalc.model.operators.windows import padding_known, slide_axes, slide_sizes, window_problems
from convcalc.model.operators.work import OWNS, work_of_taps
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known, largest

INDEX_BYTES = 8  # int64

# --- windows that slide ------------------------------------------------------------------------


def pool_windows(
    x: Shape,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> Analysis:
    """The analysis of a sliding pool: one operation per tap, taps in the padding included."""
    numbers = resolve_padding(padding, x.spatial, kernel_size, stride, dilation)
    output = x.with_spatial(
        slide_sizes(x.spatial, kernel_size, stride, numbers, dilation, ceil_mode)
    )
    fixed = padding_known(padding, x.spatial, kernel_size, stride, dilation)
    return Analysis(
        output,
        (slide_axes(kernel_size, stride, numbers, dilation, fixed),),
        (Term("pool", ELEMENTWISE, work_of_taps(output.numel, kernel_size)),),
        channels=OWNS,
    )


def pool_problems(
    x: Shape,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> Iterator[Problem]:
    """A window must fit, and the padding may be half a kernel at most.

    PyTorch compares with half of kernel_size, whatever the dilation, so that no window lies
    in the padding alone. TensorFlow's ``same`` has no such rule.
    """
    yield from window_problems(x, kernel_size, stride, padding, dilation, ceil_mode)
    if padding == "same":
        return
    numbers = resolve_padding(padding, x.spatial, kernel_size, stride, dilation)
    for axis, (k, pair) in enumerate(zip(kernel_size, numbers, strict=True)):
        if largest(*pair) > k // 2:
            name = axis_name(axis, x.rank)
            message = f"padding {max(pair)} on {name} is more than half of kernel_size {k}"
            advice = f"padding of at most {k // 2}"
            yield Problem("padding-too-large", "padding", message, advice)


def larger_windows(x: Shape, kernel_size: tuple[int, ...]) -> Iterator[Problem]:
    """An average on three axes needs a whole window in the input without its padding."""
    for axis, (n, k) in enumerate(zip(x.spatial, kernel_size, strict=True)):
        if n < k:
            message = f"kernel_size {k} is larger than {axis_name(axis, x.rank)} {n}"
            advice = f"at most {n}: on three axes PyTorch wants a whole window in the input"
            yield Problem("unsupported-combination", "kernel_size", message, advice, 0)


# --- parts of an axis --------------------------------------------------------------------------


def parts_taps(size: int, parts: int) -> int:
    """Taps of all windows of adaptive pooling together: n + m - gcd(n, m).

    The windows cover the n positions, and neighbours share one wherever a border
    y·n/m, 0 < y < m, falls inside a position: at all but gcd(n, m) - 1 of the m - 1 borders.
    """
    return covering_taps(size, parts) if known(size) else UNKNOWN


@formula
def covering_taps(size: int, parts: int) -> int:
    """Taps of all windows together, of sizes that are known."""
    return size + parts - gcd(size, parts)


@formula
def work_of_windows(batch: int, channels: int, taps: tuple[int, ...]) -> int:
    """One operation per tap of all windows of an axis together, for each axis."""
    return batch * channels * prod(taps)


def pool_parts(x: Shape, output_size: tuple[int | None, ...]) -> Analysis:
    """The analysis of adaptive pooling to ``output_size``, in which None keeps the axis."""
    parts = tuple(n if m is None else m for n, m in zip(x.spatial, output_size, strict=True))
    taps = tuple(
        n if m is None else parts_taps(n, m) for n, m in zip(x.spatial, output_size, strict=True)
    )
    return Analysis(
        x.with_spatial(parts),
        (tuple(_part_map(n, m) for n, m in zip(x.spatial, output_size, strict=True)),),
        (Term("pool", ELEMENTWISE, work_of_windows(x.batch, x.channels, taps)),),
        channels=OWNS,
    )


def _part_map(size: int, parts: int | None) -> AxisMap:
    if parts is None or parts == size:
        return IDENTITY
    if parts == 1:
        return Whole()
    if not known(size):
        return Unreadable("the windows of adaptive pooling depend on the input size")
    return Partition(size, parts)


# --- the whole axis ----------------------------------------------------------------------------


def pool_globally(x: Shape, keepdim: bool) -> Analysis:
    """The analysis of global pooling: one operation per input element.

    The spatial axes are dropped, or stay with size 1 if ``keepdim``.
    """
    return Analysis(
        x.with_spatial((1,) * x.rank if keepdim else ()),
        ((Whole(),) * x.rank,),
        (Term("pool", ELEMENTWISE, x.numel),),
        channels=OWNS,
    )
