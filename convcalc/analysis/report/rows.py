"""The rows that a table makes of a report: layers, blocks, operators, whole networks.

A layer that stands for itself is its own row, since there may be many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.report.report import (
    EXACT,
    LayerReport,
    LowerBounds,
    OutputReport,
    ReceptiveField,
    Report,
    lower_bounds,
    sum_by_key,
)
from convcalc.model.graph.network import Group
from convcalc.model.graph.path_index import is_further_output
from convcalc.model.quantities.counts import COUNTS, Counts, sum_counts
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN


class _Fields(NamedTuple):
    path: str
    operator: str
    layers: int | None
    inputs: tuple[Shape, ...]
    output: Shape | None
    counts: Mapping[str, int]
    receptive_field: ReceptiveField | None
    fields: Mapping[str, Any]
    weights: Mapping[str, tuple[int, ...]]
    declared: bool = False
    shares: str = ""
    note: str = ""
    convention: Mapping[str, int] = {}
    fused: Mapping[str, int] = {}
    outputs: tuple[OutputReport, ...] = ()
    at_least: LowerBounds = EXACT
    bounds: Mapping[str, Any] = {}
    kernel: str = ""


class Row(_Fields, Counts):
    """One line of a table: a layer, or several layers together.

    ``operator`` is the operator's or the block's name. ``output`` and ``receptive_field`` are
    those of the last layer; None where a row has no such thing, UNKNOWN where it could not be
    computed. A network with several has them in ``outputs`` instead. Each of the ``counts`` is an
    attribute too; those of an output's row are None. ``at_least`` are the lower bounds of sums that
    something is missing from, ``bounds`` and ``kernel`` as in a LayerReport.
    """

    __slots__ = ()


AnyRow = Row | LayerReport  # a layer has all that a row has


def rows(report: Report, depth: int | None = 1) -> list[AnyRow]:
    """One row per layer in order; layers deeper than ``depth`` are summed into their block.

    A depth of None keeps every layer.
    """
    bundles: dict[str, LayerReport | list[LayerReport]] = {}
    kinds: dict[str, str] = {}
    for layer in report.layers:
        group = _group_at(layer, depth)
        path = group.path if group else layer.path
        if group or path in kinds:
            kinds[path] = group.kind if group else layer.operator
        bundle = bundles.setdefault(path, layer)
        if bundle is layer:
            continue
        if isinstance(bundle, LayerReport):
            bundles[path] = [bundle, layer]
        else:
            bundle.append(layer)
    return [row_of(path, kinds.get(path, ""), found) for path, found in bundles.items()]


def _group_at(layer: LayerReport, depth: int | None) -> Group | None:
    """The composite that stands for the layer at this depth; None if it stands for itself."""
    if depth is None or len(layer.groups) < depth:
        return None
    return layer.groups[max(depth, 1) - 1]


def part_row(path: str, kind: str, layers: Sequence[LayerReport]) -> Row:
    """One row for several layers: a block, or all copies of a repeated item."""
    return sum_rows(path, kind, layers, whole=True)


def rows_by_operator(report: Report) -> list[Row]:
    """One row per operator, in order of first use."""
    bundles: dict[str, list[LayerReport]] = {}
    for layer in report.layers:
        bundles.setdefault(layer.operator, []).append(layer)
    return [sum_rows(name, name, layers) for name, layers in bundles.items()]


def target_row(report: Report) -> Row:
    """One row for a whole network; marked as incomplete where layers could not be computed, with
    unknown counts where none could."""
    name = report.network or report.source
    several = tuple(report.per_output.values()) if len(report.per_output) > 1 else ()
    is_empty = not report.layers and not report.complete
    return Row(
        path=name if report.complete else f"{name} (incomplete)",
        operator="network",
        layers=report.totals.layers,
        inputs=tuple(report.inputs.values()),
        output=None if several else next(iter(report.outputs.values()), None),
        counts=dict.fromkeys(COUNTS, UNKNOWN) if is_empty else report.totals.counts,
        at_least=EXACT if is_empty else report.totals.at_least,
        receptive_field=None if several else report.receptive_field,
        fields={},
        weights={},
        convention=report.totals.convention,
        fused=report.totals.fused,
        outputs=several,
        bounds=report.totals.bounds,
    )


def output_rows(report: Report) -> list[Row]:
    """One row per output, if there are several; a single one is in the row of totals."""
    if len(report.per_output) < 2:
        return []
    return [_output_row(name, output) for name, output in report.per_output.items()]


def _output_row(name: str, output: OutputReport) -> Row:
    unknown: Any = UNKNOWN
    nothing: Any = None
    return Row(
        path=f"→ {name}",
        operator="output",
        layers=None,
        inputs=(),
        output=unknown if output.shape is None else output.shape,
        counts=dict.fromkeys(COUNTS, nothing),
        receptive_field=unknown if output.shape is None else output.receptive_field,
        fields={},
        weights={},
    )


def top_rows(listed: Sequence[AnyRow], count: int) -> list[AnyRow]:
    """The first ``count`` rows, and the rest summed into one row ``other``."""
    kept, rest = list(listed[:count]), listed[count:]
    return kept if not rest else [*kept, sum_rows("other", f"{len(rest)} rows", rest)]


def row_of(path: str, kind: str, found: LayerReport | list[LayerReport]) -> AnyRow:
    """The row of one composite or of one layer, which is a row itself unless it is called ``kind``.

    An empty ``kind`` is the operator's name.
    """
    layers = found if isinstance(found, list) else [found]
    kind = kind or layers[-1].operator
    if len(layers) > 1 or layers[0].path != path:
        return sum_rows(path, kind, layers, whole=True)
    (layer,) = layers
    if layer.operator == kind:
        return layer
    return Row(
        path=path,
        operator=kind,
        layers=1,
        inputs=layer.inputs,
        output=layer.output,
        counts=layer.counts,
        receptive_field=layer.receptive_field,
        fields=layer.fields,
        weights=layer.weights,
        declared=layer.declared,
        shares=layer.shares,
        note=layer.note,
        convention=layer.convention,
        fused=layer.fused,
        bounds=layer.bounds,
        kernel=layer.kernel,
    )


def sum_rows(path: str, kind: str, parts: Sequence[AnyRow], *, whole: bool = False) -> Row:
    """One row for several layers or rows; a ``whole`` has inputs, output and receptive field."""
    last = _last(parts) if whole else parts[-1]
    found = Row(
        path=path,
        operator=kind,
        layers=sum(part.layers or 0 for part in parts),
        inputs=parts[0].inputs if whole else (),
        output=last.output if whole else None,
        counts=sum_counts([part.counts for part in parts]),
        receptive_field=last.receptive_field if whole else None,
        fields={},
        weights={},
        declared=any(part.declared for part in parts),
        convention=sum_by_key(part.convention for part in parts),
        fused=sum_by_key(part.fused for part in parts),
        bounds=sum_by_key(part.bounds for part in parts),
    )
    bounds = lower_bounds(found, parts)
    return found if bounds is EXACT else found._replace(at_least=bounds)


def _last(parts: Sequence[AnyRow]) -> AnyRow:
    """The part whose output is that of the whole: the last that is not a further output."""
    own = (part for part in reversed(parts) if isinstance(part, Row) or not is_further_output(part))
    return next(own, parts[-1])
