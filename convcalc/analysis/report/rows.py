"""The rows that a table makes of a report: layers, blocks, operators, whole networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.report.report import LayerReport, ReceptiveField, Report, summed
from convcalc.language.assertions.vocabulary import SUMMED
from convcalc.model.graph.network import Group
from convcalc.model.graph.path_index import is_further_output
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known


class Row(NamedTuple):
    """One line of a table: a layer, or several layers together.

    ``operator`` is the operator's or the block's name. ``output`` and ``receptive_field`` are
    those of the last layer; None where a row has no such thing.
    """

    path: str
    operator: str
    layers: int
    inputs: tuple[Shape, ...]
    output: Shape | None
    params: int
    trainable: int
    buffers: int
    macs: int
    flops: int
    sampling: int
    elementwise: int
    activations: int
    moved: int
    training: int
    receptive_field: ReceptiveField | None
    fields: Mapping[str, Any]
    weights: Mapping[str, tuple[int, ...]]
    declared: bool = False
    shares: str = ""
    note: str = ""
    convention: Mapping[str, int] = {}
    fused: Mapping[str, int] = {}


_SUMMED = (*SUMMED, "moved", "training")


def rows(report: Report, depth: int | None = 1) -> list[Row]:
    """The layers in order, those deeper than ``depth`` summed into their block; None opens all."""
    bundles: dict[str, list[LayerReport]] = {}
    kinds: dict[str, str] = {}
    for layer in report.layers:
        group = _group_at(layer, depth)
        path = group.path if group else layer.path
        kinds[path] = group.kind if group else layer.operator
        bundles.setdefault(path, []).append(layer)
    return [_joined(path, kinds[path], layers) for path, layers in bundles.items()]


def _group_at(layer: LayerReport, depth: int | None) -> Group | None:
    """The composite that stands for the layer at this depth; None if it stands for itself."""
    if depth is None or len(layer.groups) < depth:
        return None
    return layer.groups[max(depth, 1) - 1]


def part_row(path: str, kind: str, layers: Sequence[LayerReport]) -> Row:
    """Some layers as one row: a block, or all copies of a repeated item."""
    return _summed(path, kind, layers, whole=True)


def rows_by_operator(report: Report) -> list[Row]:
    """One row per operator, in order of first use."""
    bundles: dict[str, list[LayerReport]] = {}
    for layer in report.layers:
        bundles.setdefault(layer.operator, []).append(layer)
    return [_summed(name, name, layers) for name, layers in bundles.items()]


def target_row(report: Report) -> Row:
    """A whole network as one row; where layers are missing it says so, and where there is none
    nothing is known."""
    name = report.network or report.source
    counts = {key: getattr(report.totals, key) for key in _SUMMED}
    if not report.layers and not report.complete:
        counts = dict.fromkeys(counts, UNKNOWN)
    return Row(
        path=name if report.complete else f"{name} (incomplete)",
        operator="network",
        layers=report.totals.layers,
        inputs=tuple(report.inputs.values()),
        output=next(iter(report.outputs.values()), None),
        receptive_field=report.receptive_field,
        fields={},
        weights={},
        convention=report.totals.convention,
        fused=report.totals.fused,
        **counts,
    )


def sorted_rows(listed: Iterable[Row], key: Callable[[Row], Any]) -> list[Row]:
    """Largest first; a row whose value is unknown comes before all (it may be the largest)."""
    return sorted(listed, key=lambda row: (known(key(row)), _negated(key(row))))


def _negated(value: Any) -> Any:
    return -value if known(value) else 0


def top_rows(listed: Sequence[Row], count: int) -> list[Row]:
    """The first ``count`` rows, and the rest together as ``other``."""
    kept, rest = list(listed[:count]), listed[count:]
    return kept if not rest else [*kept, _summed("other", f"{len(rest)} rows", rest)]


def _joined(path: str, kind: str, layers: Sequence[LayerReport]) -> Row:
    """The row of one composite or of one layer."""
    if len(layers) > 1 or layers[0].path != path:
        return _summed(path, kind, layers, whole=True)
    (layer,) = layers
    return Row(
        path=path,
        operator=kind,
        layers=1,
        inputs=layer.inputs,
        output=layer.output,
        receptive_field=layer.receptive_field,
        fields=layer.fields,
        weights=layer.weights,
        declared=layer.declared,
        shares=layer.shares,
        note=layer.note,
        convention=layer.convention,
        fused=layer.fused,
        **{key: getattr(layer, key) for key in _SUMMED},
    )


def _summed(
    path: str, kind: str, parts: Sequence[LayerReport | Row], *, whole: bool = False
) -> Row:
    """Several layers or rows as one; as a ``whole`` it has the output of its last layer."""
    last = _last(parts) if whole else parts[-1]
    return Row(
        path=path,
        operator=kind,
        layers=sum(part.layers if isinstance(part, Row) else 1 for part in parts),
        inputs=parts[0].inputs if whole else (),
        output=last.output if whole else None,
        receptive_field=last.receptive_field if whole else None,
        fields={},
        weights={},
        declared=any(part.declared for part in parts),
        convention=summed(part.convention for part in parts),
        fused=summed(part.fused for part in parts),
        **{key: sum(getattr(part, key) for part in parts) for key in _SUMMED},
    )


def _last(parts: Sequence[LayerReport | Row]) -> LayerReport | Row:
    """The part whose output is that of all: the last, further outputs of a layer set aside."""
    own = (part for part in reversed(parts) if isinstance(part, Row) or not is_further_output(part))
    return next(own, parts[-1])
