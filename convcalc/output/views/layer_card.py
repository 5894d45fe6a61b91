"""One layer as a card: its output, parameters, work and receptive field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.analysis.report.report import PARAMS, LayerReport, ToolConvention
from convcalc.model.operators.contract import Recorded
from convcalc.model.quantities.number_text import count_text, fraction_text
from convcalc.model.quantities.unknown import known
from convcalc.output.cells import axes_text, clean, clean_facts, receptive_field_text, value_text
from convcalc.output.lines import fact_lines
from convcalc.output.table import Fact, Style

INDENT = "  "


def card(
    layer: LayerReport,
    counted: Sequence[str],
    style: Style,
    ports: Sequence[LayerReport] = (),
    tool: ToolConvention | None = None,
) -> str:
    """Return the card of a layer, with exact numbers.

    ``counted`` are the kinds of work in the MACs, ``ports`` the further outputs of the layer,
    ``tool`` another tool whose counts are added.
    """
    lines = [
        *_lines(layer, counted, exact=style.exact),
        *_fused_lines(layer, exact=style.exact),
        *(_convention_lines(layer, tool, exact=style.exact) if tool else ()),
    ]
    for port in ports:
        name = port.path.rpartition(".")[2]
        lines.append((f"output '{name}'", str(port.output)))
    facts = [Fact(*line) for line in lines]
    title = f"{layer.operator} · {' and '.join(map(str, layer.inputs))} → {layer.output}"
    title = clean(title, style)
    return "\n".join(
        [
            f"\033[1m{title}\033[0m" if style.color else title,
            *(line.rstrip() for line in fact_lines(clean_facts(facts, style), style.width)),
        ]
    )


def _lines(layer: LayerReport, counted: Sequence[str], *, exact: bool) -> Iterator[tuple[str, str]]:
    batch = layer.output.batch
    given = ((name, value) for name, value in layer.fields.items() if value is not None)
    yield from ((INDENT + name, field_text(value)) for name, value in given)
    yield "output", str(layer.output) + f" in a batch of {batch}" * (batch > 1)
    yield "params", _number(layer.params, exact)
    yield from ((INDENT + name, _sizes(shape)) for name, shape in layer.weights.items())
    if layer.buffers:
        yield "buffers", _number(layer.buffers, exact)
    yield "MACs", f"{_number(layer.macs, exact)} ({' + '.join(counted)})"
    yield "FLOPs", f"{_number(layer.flops, exact)} (2 × MACs)"
    yield (
        "training",
        f"{_number(layer.training, exact)} FLOPs (forward, gradients but that of the input)",
    )
    yield "work", "" if layer.terms else "none"
    for term in layer.terms:
        yield INDENT + term.name, f"{_number(term.amount, exact)} {term.kind}"
    yield from _receptive_field_lines(layer)
    yield from ((name, field_text(value)) for name, value in (layer.facts or {}).items())


def _fused_lines(layer: LayerReport, *, exact: bool) -> Iterator[tuple[str, str]]:
    """Yield the counts with batch norms folded, if the report has them."""
    if layer.fused:
        yield "batch norms folded", ""
        for key in ("params", "buffers", "elementwise"):
            yield INDENT + key, _number(layer.fused[key], exact)


def _convention_lines(
    layer: LayerReport, tool: ToolConvention, *, exact: bool
) -> Iterator[tuple[str, str]]:
    """Yield what another tool counts for the layer."""
    yield tool.name, tool.tool + ", one sample" * tool.per_sample
    for number in tool.numbers:
        yield (
            INDENT + number.title,
            f"{_number(layer.convention[number.key], exact)} ({number.unit})",
        )
    yield INDENT + PARAMS, _number(layer.convention[PARAMS], exact)
    if tool.uncounted:
        yield INDENT + "not counted", ", ".join(tool.uncounted)


def _receptive_field_lines(layer: LayerReport) -> Iterator[tuple[str, str]]:
    """Yield the receptive field in each input of the network."""
    for name, field in layer.receptive_fields.items():
        label = "receptive field" + (f" of {name}" if len(layer.receptive_fields) > 1 else "")
        if not field.size:
            continue
        text = receptive_field_text(field)
        if known(field.size):
            center = ", ".join(map(fraction_text, field.center))
            text += f", jump {axes_text(field.jump)}, center {center}"
        yield label, f"{text}: {field.reason}" if field.reason else text


def _number(value: int, only: bool) -> str:
    """Return the exact number, and a rounded one if it is long and not ``only`` that is wanted."""
    exact = count_text(value, exact=True)
    is_long = known(value) and value >= 10**6 and not only
    return f"{exact} = {count_text(value)}" if is_long else exact


def _sizes(dims: Sequence[int]) -> str:
    return "×".join(map(str, dims))


def field_text(value: Any) -> str:
    """Return a field as a network file writes it; ``before+after`` where two sides differ."""
    if isinstance(value, Recorded):
        return value.name
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple) and any(isinstance(each, tuple) for each in value):
        value = tuple(
            each[0] if len(set(each)) == 1 else "+".join(map(str, each)) for each in value
        )
    return value_text(value, exact=True)
