"""Remarks on the receptive fields of layers: holes, uneven taps, misaligned branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from convcalc.analysis.receptive_field.alignment import Drift, drifts
from convcalc.analysis.report.report import LayerReport, ReceptiveField, Report
from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.graph.network import Layer, Network
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import receptive_field_text

FIRST_TO_SPAN = "first to span the input"


def flags(network: Network, report: Report) -> Mapping[str, list[str]]:
    """Return remarks by path, where there are any: those of each layer, and of each block those of
    its layers."""
    found: dict[str, dict[str, None]] = {}
    apart: dict[str, Drift] = {}
    for drift in drifts(network):
        apart.setdefault(drift.path, drift)
    first = first_to_see_all(report)
    for layer, result in zip(network.layers, report.layers, strict=True):
        skew = apart.get(layer.path)
        words = [*_words(layer, result), *([FIRST_TO_SPAN] if layer.path == first else [])]
        own = [*words, *_by_channel(result.receptive_field)]
        own += [f"branches {drift_text(skew)}"] if skew else []
        if own:
            found.setdefault(layer.path, {}).update(dict.fromkeys(own))
        for group in layer.groups:
            shared = [*words, *(["misaligned branches"] if skew else [])]
            if shared:
                found.setdefault(group.path, {}).update(dict.fromkeys(shared))
    return {path: list(words) for path, words in found.items()}


def first_to_see_all(report: Report) -> str:
    """Return the path of the first layer whose field spans the input on every axis, or ""."""
    return next((layer.path for layer in report.layers if _sees_all(layer.receptive_field)), "")


def _sees_all(field: ReceptiveField | None) -> bool:
    if field is None or not known(field.size) or not known(field.input_size):
        return False
    return all(size >= n for size, n in zip(field.size, field.input_size, strict=True))


def _words(layer: Layer, result: LayerReport) -> Iterator[str]:
    """Yield the remarks on one layer that its blocks get too."""
    field = result.receptive_field
    if field and field.holes and known(field.holes) and any(field.holes):
        yield "holes"
    if field and known(field.size_min) and 0 in field.size_min:
        yield "some outputs read nothing"
    if taps := _uneven(layer):
        yield f"{taps[0]} to {taps[1]} taps per output"


def _by_channel(field: ReceptiveField | None) -> Iterator[str]:
    """Yield the sizes of the classes of channels, the smallest and the largest, if they differ."""
    if field is None or not field.channels:
        return
    fields = [each.field for each in field.channels if each.field and known(each.field.size)]
    texts = {each.size: receptive_field_text(each.replace(is_global=False)) for each in fields}
    if len(texts) < 2 or len(fields) < len(field.channels):
        yield "channels differ"
    else:
        yield f"{texts[min(texts)]} to {texts[max(texts)]} by channel"


def drift_text(drift: Drift) -> str:
    """Return how far branches are apart, in words."""
    if drift.per_output:
        return f"drift apart by {drift.per_output} per output"
    return f"are {drift.offset} apart"


def _uneven(layer: Layer) -> tuple[int, int] | None:
    """Return the fewest and the most taps per output of a transposed convolution, if they differ.

    They do, and cause a checkerboard, where kernel_size is not a multiple of the stride.
    """
    stamps = (axis for axes in layer.analysis.axes for axis in axes if isinstance(axis, Stamp))
    return next(filter(None, (axis.uneven_taps for axis in stamps)), None)
