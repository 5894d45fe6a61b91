"""Paddings of one line: half of the kernel, TensorFlow's, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.lines import Line
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.terms import Op
from convcalc.exporting.source.values import Expr, Values


def padding_of(
    line: Line, ops: Sequence[Op], values: Values, slot: Any, found: Sequence[Any], scene: Scene
) -> Any:
    """A padding that follows from the kernel, else as other values."""
    kernels = [op.fields.get("kernel_size") for op in ops]
    dilations = [op.fields.get("dilation", 1) for op in ops]
    if len({*map(repr, found)}) == 1:
        return found[0]
    if "same" in found and all(_is_same(op, scene) for op in ops):
        return "same"
    if any(isinstance(p, str) for p in found) and set(found) != {"half"}:
        rank = len(scene.shape(ops[0].source).spatial)
        triples = zip(found, kernels, dilations, strict=True)
        found = [_half_of(k, d, rank) if p == "half" else p for p, k, d in triples]
        found = [_numbers(p, op, scene) for p, op in zip(found, ops, strict=True)]
    if all(_is_half(p, k, d) for p, k, d in zip(found, kernels, dilations, strict=True)):
        kernel = line.fields.get("k")
        is_plain = set(dilations) == {1} and all(type(k) is int for k in kernels)
        if is_plain and isinstance(kernel, Expr) and kernel.text.isidentifier():
            return Expr(f"{kernel.text}//2")
        return "half"
    if all(_is_same(op, scene) for op in ops):
        return "same"
    axes = {len(p) for p in found if isinstance(p, tuple)}
    is_paired = any(isinstance(part, tuple) for p in found if isinstance(p, tuple) for part in p)
    if len(axes) == 1 and is_paired:  # pairs for all, so that a param has one type
        found = [_pairs(p, *axes) for p in found]
    return values.written(slot("padding", "p", found))


def _half(kernel: int, dilation: int) -> int:
    """The positions that the word ``half`` adds on each side."""
    return (dilation * (kernel - 1) + 1) // 2


def _half_of(kernel: Any, dilation: Any, rank: int) -> Any:
    """The numbers that the word ``half`` stands for: one, or one for each axis."""
    each = [
        _half(*(v[axis] if isinstance(v, tuple) else v for v in (kernel, dilation)))
        for axis in range(rank)
    ]
    return each[0] if len(set(each)) == 1 else tuple(each)


def _pairs(padding: Any, axes: int) -> Any:
    each = padding if isinstance(padding, tuple) else (padding,) * axes
    return tuple(part if isinstance(part, tuple) else (part, part) for part in each)


def _is_same(op: Op, scene: Scene) -> bool:
    """Whether a padding is TensorFlow's for the size that the layer reads: as little as gives
    ceil(size / stride) positions, the odd one behind."""
    if op.fields["padding"] == "same":
        return True
    sizes = scene.shape(op.source).spatial
    if isinstance(op.fields["padding"], str) or not sizes:
        return False
    wanted = _pairs(op.fields["padding"], len(sizes))
    return bool(wanted == _same_pairs(op, scene))


def _numbers(padding: Any, op: Op, scene: Scene) -> Any:
    """The numbers that a word stands for at the size that a layer reads."""
    if padding == "valid":
        return 0
    if padding != "same":
        return padding
    found = _same_pairs(op, scene)
    if found is None:
        raise Misfit("a padding depends on a size that is not known")
    alike = tuple(pair[0] if pair[0] == pair[1] else pair for pair in found)
    return alike[0] if len(set(alike)) == 1 and isinstance(alike[0], int) else alike


def _same_pairs(op: Op, scene: Scene) -> tuple[tuple[int, int], ...] | None:
    """Return what TensorFlow's padding adds on each side of each axis; None if unknown."""
    found = []
    sizes = scene.shape(op.source).spatial
    for axis, size in enumerate(sizes):
        kernel, stride, dilation = (
            value[axis] if isinstance(value, tuple) else value
            for value in (op.fields.get(key, 1) for key in ("kernel_size", "stride", "dilation"))
        )
        if not all(type(n) is int for n in (size, kernel, stride, dilation)):
            return None
        extent = dilation * (kernel - 1) + 1
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)


def _is_half(padding: Any, kernel: Any, dilation: Any) -> bool:
    if isinstance(kernel, tuple) or isinstance(padding, tuple) or isinstance(dilation, tuple):
        axes = max(len(v) for v in (padding, kernel, dilation) if isinstance(v, tuple))
        each = [v if isinstance(v, tuple) else (v,) * axes for v in (padding, kernel, dilation)]
        if any(len(v) != axes for v in each):
            return False
        return all(_is_half(p, k, d) for p, k, d in zip(*each, strict=True) if True)
    numbers = (padding, kernel, dilation)
    return all(type(n) is int for n in numbers) and padding == _half(kernel, dilation)
