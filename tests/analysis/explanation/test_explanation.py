"""``explain``: every formula with its numbers gives the number that is reported, and every number
of a field is followed to where somebody wrote it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from cases import OPERATORS, working_rows

from convcalc.analysis.analyse import analyse
from convcalc.analysis.explanation import LayerExplanation, layer_explanation
from convcalc.analysis.explanation.worked import Worked
from convcalc.analysis.report.report import LayerReport, Report
from convcalc.language.expand.origins import Origin, Origins
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network
from convcalc.model.quantities.formula import Step, formula, origin_of, trace, tracing
from convcalc.model.quantities.formula_text import meaning, numbers, words
from convcalc.model.quantities.unknown import UNKNOWN, known
from convcalc.output.table import Style
from convcalc.output.views.explanation import layer_text
from convcalc.output.views.explanation_data import layer_payload, layer_table


def explained(target: Target, **more: Any) -> tuple[Network, Report, list[LayerExplanation]]:
    """A network, its report, and the explanation of each of its layers."""
    origins = Origins()
    network = read_network(target, witness=origins, **more)
    report = analyse(network)
    found = [
        layer_explanation(network, report, index, origins.found)
        for index in range(len(network.layers))
    ]
    return network, report, found


def value_of(text: str) -> Any:
    """What Python makes of a text; divisions are exact, as they are in the formulas."""
    exact = re.sub(r"(?<![\w.])(\d+)(?![\w.])", r"Fraction(\1)", text) if " / " in text else text
    functions: dict[str, Any] = {"max": max, "min": min, "ceil": math.ceil, "floor": math.floor}
    functions |= {"round": round, "gcd": math.gcd, "float": float, "Fraction": Fraction}
    return eval(exact, {"__builtins__": {}}, functions)


def everything(lines: tuple[Worked, ...]) -> Iterator[Worked]:
    """Lines and what goes into them."""
    for line in lines:
        yield line
        yield from everything(line.where)


def assert_evaluates(explanation: LayerExplanation) -> None:
    """Each formula with its numbers is its result."""
    for section in explanation.sections:
        for line in everything(section.lines):
            if line.words and known(line.result):
                assert value_of(line.numbers) == line.result, line


def lines_of(explanation: LayerExplanation, title: str) -> dict[str, Worked]:
    """The lines of one section by label."""
    (section,) = (each for each in explanation.sections if each.title == title)
    return {line.label: line for line in section.lines}


def assert_reported(explanation: LayerExplanation, layer: LayerReport) -> None:
    """Every count of the report is among the results, and each comes from a formula."""
    output = list(lines_of(explanation, "output").values())
    sizes = [line.result for line in output if not re.match("batch| of ", line.label)]
    wanted = layer.output.dims[1:]
    assert [*map(str, sizes[: len(wanted)])] == [*map(str, wanted)]
    params, work = lines_of(explanation, "params"), lines_of(explanation, "work")
    for name, shape in layer.weights.items():
        assert str(params[name].result) == str(math.prod(shape))
    total = params.get("params") or next(iter(params.values()))
    assert str(total.result) == str(layer.params)
    for term in layer.terms:
        line = work[term.name]
        assert str(line.result) == str(term.amount)
        assert line.kind == term.kind
        assert line.function or not known(term.amount), f"{term.name} comes from no formula"
    assert str(work["MACs"].result) == str(layer.macs)
    if layer.macs == 0 or not any(term.kind in ("weights", "dynamic") for term in layer.terms):
        return
    training = list(lines_of(explanation, "training").values())
    assert str(training[-1].result) == str(layer.training)


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_formulas_of_a_layer_give_the_reported_numbers(operator: str) -> None:
    listed = list(working_rows(operator))
    assert listed
    for row in listed:
        _, report, found = explained(Target("case.yaml", None, row.text), batch=row.batch)
        assert_reported(found[0], report.layers[0])
        for explanation in found:
            assert_evaluates(explanation)
            assert explanation.path in layer_text(explanation, "", Style(width=80))
            assert layer_table(explanation, "").rows
            json.dumps(layer_payload(explanation))


@pytest.mark.parametrize("name", ["resnet50", "unet", "mobilenet_v2", "shufflenet_v2_x1_0"])
def test_the_formulas_of_every_layer_of_a_network_give_its_report(name: str) -> None:
    _, report, found = explained(resolve(name), batch=2)
    for layer, explanation in zip(report.layers, found, strict=True):
        assert_reported(explanation, layer)
        assert_evaluates(explanation)


def test_a_row_of_windows_has_its_receptive_field_as_a_formula() -> None:
    _, report, found = explained(resolve("vgg16"))
    for layer, explanation in zip(report.layers[:31], found, strict=False):
        lines = lines_of(explanation, "receptive field")
        assert (lines["size"].result,) * 2 == layer.receptive_field.size  # type: ignore[union-attr]
        assert lines["size"].words, explanation.path
        assert lines["jump"].words, explanation.path


def test_where_branches_meet_there_is_no_formula_for_the_receptive_field() -> None:
    text = "convcalc: 1\ninput: [4, 9, 9]\nlayers:\n  - residual: [{conv: {out: 4, k: 3, p: 1}}]\n"
    *_, found = explained(Target("small.yaml", None, text))
    size = lines_of(found[-1], "receptive field")["size"]
    assert (size.words, size.result) == ("", 3)


# --- texts -------------------------------------------------------------------------------------


@formula
def padded_twice(size: int, sides: tuple[int, ...]) -> int:
    """A formula with a name of its own inside."""
    both: int = sum(sides)
    return -(-(size + both) // 2)


def step_of(value: int) -> Step:
    origin = origin_of(value)
    assert isinstance(origin, Step)
    return origin


def test_a_formula_is_written_as_its_source_with_local_names_resolved() -> None:
    with tracing():
        step = step_of(padded_twice(7, (1, -2)))
    assert words(step) == "ceil((size + sum(sides)) / 2)"
    assert numbers(step) == "ceil((7 + (1 + -2)) / 2)"
    assert meaning(step) == "A formula with a name of its own inside."


def test_an_argument_has_the_name_under_which_its_number_was_given() -> None:
    with tracing():
        height, margins = trace(7, "height"), (trace(1, "margin"), trace(2, "margin"))
        step = step_of(padded_twice(height, margins))
        mixed = step_of(padded_twice(padded_twice(9, ()), (trace(1, "margin"), 2)))
    assert words(step) == "ceil((height + sum(sides)) / 2)"
    assert words(mixed) == "ceil((size + sum(sides)) / 2)"
    assert numbers(mixed) == "ceil((5 + (1 + 2)) / 2)"


def test_outside_a_trace_a_formula_returns_a_plain_number() -> None:
    assert type(padded_twice(7, (1, 1))) is int
    assert origin_of(padded_twice(7, (1, 1))) is None


def test_an_unknown_stays_unknown_in_a_trace() -> None:
    with tracing():
        assert padded_twice(UNKNOWN, (1, 1)) is UNKNOWN
        assert trace(UNKNOWN, "size") is UNKNOWN


def test_the_size_of_a_transposed_convolution_is_shown_with_its_numbers() -> None:
    text = "convcalc: 1\ninput: [1, 2, 2]\nlayers:\n  - conv_transpose: {out: 1, k: 4, s: 3}\n"
    *_, (explanation,) = explained(Target("small.yaml", None, text))
    height = lines_of(explanation, "output")["height"]
    assert height.words == "(size - 1) * stride - padding - padding + extent + output_padding"
    assert height.numbers == "(2 - 1) * 3 - 0 - 0 + 4 + 0"
    assert height.result == 7
    assert lines_of(explanation, "work")["weight"].numbers == "1 * (2 * 2) * (1 * 1 * 4 * 4)"


# --- origins -----------------------------------------------------------------------------------


def chain(origin: Origin) -> list[tuple[str, Any, str, str]]:
    """An origin and the first part of it, and of that, and so on."""
    rest = chain(origin.parts[0]) if origin.parts else []
    return [(origin.name, origin.value, origin.text, origin.how), *rest]


NETWORK = """\
convcalc: 1
name: base
input: [3, 32, 32]
params: {width: 16, depths: [1, 2], kernel: 3, mode: {default: zeros, type: str}}
variants: {wide: {width: 32}}
blocks:
  Unit:
    params: {c: int, k: kernel, half: c // 2}
    layers:
      - conv: {out: half, k: k, p: k//2, padding_mode: mode}
      - conv: {out: in_channels*2, k: 1}
layers:
  - {Unit: {c: c * n}, for: {c: [width, width*2], n: depths}, id: unit}
  - seq: [{conv: {out: (i + 1) * 8, k: [1, kernel]}}]
    repeat: 2
"""


def fields_at(path: str, **more: Any) -> dict[str, Origin]:
    """The origins of a layer's fields."""
    *_, found = explained(Target("net.yaml", None, NETWORK), **more)
    (explanation,) = (each for each in found if each.path == path)
    return {origin.name: origin for origin in explanation.fields}


def test_a_field_is_followed_through_params_loops_and_variants() -> None:
    field = fields_at("unit[1].conv[0]", variant="wide")["out_channels"]
    assert chain(field) == [
        ("out_channels", 64, "half", "given"),
        ("half", 64, "c // 2", "default of a param of Unit"),
        ("c", 128, "c * n", "param of Unit"),
        ("c", 64, "width*2", "for, value 2 of 2"),
        ("width", 32, "32", "variant wide"),
    ]
    (c,) = field.parts[0].parts
    assert chain(c.parts[1]) == [
        ("n", 2, "depths[1]", "for"),
        ("depths", [1, 2], "[1, 2]", "default of a param of the file"),
    ]
    assert [each.place and each.place.line for each in (field, field.parts[0], c)] == [10, 8, 13]


def test_other_origins() -> None:
    first = fields_at("unit[0].conv[0]", params={"kernel": 5})
    assert chain(first["kernel_size"]) == [
        ("kernel_size", (5, 5), "k", "given"),
        ("k", 5, "kernel", "default of a param of Unit"),
        ("kernel", 5, "5", "set for this run"),
    ]
    assert chain(first["stride"]) == [("stride", (1, 1), "", "default")]
    assert chain(first["padding_mode"])[1:] == [
        ("mode", "zeros", "zeros", "default of a param of the file")
    ]
    second = fields_at("unit[0].conv[1]")["out_channels"]
    assert chain(second)[1:] == [("in_channels", 8, "", "channels of unit[0].conv[0]")]
    last = fields_at("conv[1]")["out_channels"]
    assert chain(last) == [
        ("out_channels", 16, "(i + 1) * 8", "given"),
        ("i", 1, "", "index of the repeat"),
    ]
