"""Layers summed by what they have in common: ``--by operator``, ``type``, ``block``, ``kernel`` and
``stage``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcalc.analysis.report.report import LayerReport, Report
from convcalc.analysis.report.rows import Row, sum_rows
from convcalc.model.operators.registry import families

NO_KERNEL = "no kernel"
NO_SIZE = "no size"  # the output is a vector


def rows_by(report: Report, by: str, depth: int | None = 1) -> list[Row]:
    """One row for all layers that have the same label, in order of first use.

    ``by`` is one of ``GROUPINGS``; ``depth`` says which of the blocks around a layer counts.
    """
    label = GROUPINGS[by]
    bundles: dict[str, list[LayerReport]] = {}
    for layer in report.layers:
        bundles.setdefault(label(layer, depth), []).append(layer)
    return [sum_rows(name, name, layers) for name, layers in bundles.items()]


def _operator(layer: LayerReport, _depth: int | None) -> str:
    return layer.operator


def _family(layer: LayerReport, _depth: int | None) -> str:
    """Return the family of the operator, such as ``convolution``."""
    return families().get(layer.operator, layer.operator)


def _block(layer: LayerReport, depth: int | None) -> str:
    """Return the type of the block at a depth, else of the innermost; outside, the operator."""
    if not layer.groups:
        return layer.operator
    return layer.groups[: depth or None][-1].kind


def _kernel(layer: LayerReport, _depth: int | None) -> str:
    """Return the size of the kernel: ``3×3``, ``7``."""
    size: Any = layer.fields.get("kernel_size")
    if size is None and layer.operator == "pointwise_conv":
        size = (1,) * len(layer.output.spatial)
    if size is None:
        return NO_KERNEL
    return "×".join(map(str, size)) if isinstance(size, list | tuple) else str(size)


def _stage(layer: LayerReport, _depth: int | None) -> str:
    """Return the size of the output without its channels: ``56×56``."""
    return str(layer.output).partition("×")[2] or NO_SIZE


GROUPINGS: dict[str, Callable[[LayerReport, int | None], str]] = {
    "operator": _operator,
    "type": _family,
    "block": _block,
    "kernel": _kernel,
    "stage": _stage,
}
