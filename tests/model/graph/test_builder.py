"""Networks that a program builds, held against the same ones written in the language."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from small import network_of_text

import convcalc
from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.text import full_text
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_files
from convcalc.language.sources.target import Target
from convcalc.model.graph.assembly import Tensor, TooLarge
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import Group, Layer, Network
from convcalc.model.graph.sites import Spot
from convcalc.model.operators.contract import Operator, Recorded
from convcalc.model.operators.registry import fields_of, operator_class, operator_names


def rebuilt(network: Network) -> Network:
    """The same network, layer by layer through the builder, from the values of the fields."""
    builder = Builder(network.name)
    tensors: list[Any] = [builder.add_input(name, shape) for name, shape in network.inputs.items()]
    for layer in network.layers:
        if len(tensors) == len(builder.inputs) + len(builder.layers):
            given = {
                name: getattr(layer.operator, name)
                for name, field in fields_of(type(layer.operator)).items()
                if field.kind != "layer" or getattr(layer.operator, name) is not None
            }
            recorded = [name for name, value in given.items() if isinstance(value, Recorded)]
            count = len(layer.inputs) - len(recorded)
            further = dict(zip(recorded, layer.inputs[count:], strict=True))
            given |= {name: tensors[number] for name, number in further.items()}
            tensor = builder.add(
                layer.name,
                [tensors[number] for number in layer.inputs[:count]],
                path=layer.path,
                place=layer.place,
                note=layer.note,
                trainable=layer.trainable,
                form=layer.form,
                composites=layer.groups,
                **given,
            )
            tensors.append(tensor)
        else:  # a further output of the layer before
            tensors.append(builder.ports[layer.path])
    return builder.network({name: tensors[number] for name, number in network.outputs.items()})


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name.partition(".")[0])
def test_a_shipped_network_built_layer_by_layer_is_the_same(path: Path) -> None:
    network = read_network(Target(str(path)))
    again = rebuilt(network)
    assert again.problems == network.problems
    assert again.outputs == network.outputs
    unshared = [layer._replace(shares=-1) for layer in network.layers]
    assert list(map(nameless, again.layers)) == list(map(nameless, unshared))


def nameless(layer: Layer) -> tuple[Any, ...]:
    """A layer without what its file calls another layer that it names."""
    fields = {
        name: value._replace(name="") if isinstance(value, Recorded) else value
        for name, value in vars(layer.operator).items()
    }
    return (type(layer.operator), fields, *layer._replace(operator=Operator()))


def problems_of(operator: str, sizes: list[int | None], fields: dict[str, Any]) -> list[Any]:
    builder = Builder()
    assert builder.add(operator, builder.input("input", sizes), **fields) is None
    network = builder.network()
    assert network.skipped == 1
    return [(p.name, p.message, p.help) for p in network.problems]


@pytest.mark.parametrize(
    ("operator", "fields", "written"),
    [
        ("conv", {"out": 8, "kernal_size": 3}, "conv: {out: 8, kernal_size: 3}"),
        ("conv", {"filters": 8, "k": 3}, "conv: {filters: 8, k: 3}"),
        ("conv", {"in_channels": 3, "out": 8, "k": 3}, "conv: {in_channels: 3, out: 8, k: 3}"),
        ("conv", {"out": 8, "k": 3, "kernel_size": 3}, "conv: {out: 8, k: 3, kernel_size: 3}"),
        ("conv", {"out": 8}, "conv: {out: 8}"),
        ("conv", {}, "conv"),
        ("relu", {"k": 3}, "relu: {k: 3}"),
        ("conv", {"out": 0, "k": 3}, "conv: {out: 0, k: 3}"),
        ("conv", {"out": 8, "k": 2.5}, "conv: {out: 8, k: 2.5}"),
        ("conv", {"out": True, "k": 3}, "conv: {out: true, k: 3}"),
        ("conv", {"out": 8, "k": [3, 3, 3]}, "conv: {out: 8, k: [3, 3, 3]}"),
        ("conv", {"out": 8, "k": (3, 0)}, "conv: {out: 8, k: [3, 0]}"),
        ("conv", {"out": 8, "k": 3, "bias": 1}, "conv: {out: 8, k: 3, bias: 1}"),
        ("conv", {"out": 8, "k": 3, "p": [[1, 2], [1]]}, "conv: {out: 8, k: 3, p: [[1, 2], [1]]}"),
        ("conv", {"out": 8, "k": 3, "groups": 2}, "conv: {out: 8, k: 3, groups: 2}"),
        ("conv", {"out": 0, "k": 0}, "conv: {out: 0, k: 0}"),
        ("upsample", {"scale": 2, "mode": "bilinear"}, "upsample: {scale: 2, mode: bilinear}"),
        ("upsample", {"scale": 0}, "upsample: {scale: 0}"),
        ("dropout", {"rate": 2}, "dropout: {rate: 2}"),
        ("add", {}, "add"),
        ("cnov", {"out": 8, "k": 3}, "cnov: {out: 8, k: 3}"),
        ("Conv2d", {}, "Conv2d: {}"),
        ("max_pool", {"k": 99}, "max_pool: {k: 99}"),
    ],
)
def test_the_builder_meets_the_problems_of_the_language(
    operator: str, fields: dict[str, Any], written: str
) -> None:
    text = f"convcalc: 1\ninput: [3, 8, 8]\nlayers:\n- {written}\n"
    network = read_network(Target("net.yaml", None, text))
    expected = [(p.name, p.message, p.help) for p in network.problems]
    if operator == "Conv2d":  # a block's name in a file, and no block is a builder's
        expected = [("unknown-operator", "unknown operator 'Conv2d'", "use 'conv'")]
    assert problems_of(operator, [3, 8, 8], fields) == expected


def test_a_value_takes_the_form_that_its_field_declares() -> None:
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    builder.add("upsample", x, scale=2)
    builder.add("upsample", x, scale=0.5)
    builder.add("conv", x, out_channels=8.0, kernel_size=(3, 5), padding=[1, [0, 2]])
    one, half, conv = (layer.operator for layer in builder.layers)
    assert vars(one)["scale"] == (Fraction(2), Fraction(2))
    assert vars(half)["scale"] == (Fraction(1, 2), Fraction(1, 2))
    assert vars(conv)["kernel_size"] == (3, 5)
    assert vars(conv)["padding"] == ((1, 1), (0, 2))
    assert vars(conv)["out_channels"] == 8


def test_a_field_that_names_a_layer_takes_its_tensor() -> None:
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    pooled = builder.add("max_pool", x, kernel_size=2)
    assert builder.add("max_unpool", pooled, indices=x) is None
    assert builder.add("max_unpool", pooled, indices=3) is None
    y = builder.add("max_unpool", pooled, indices=pooled)
    assert isinstance(y, Tensor)
    assert str(y.shape) == "3×8×8"
    assert [p.message for p in builder.problems] == [
        "indices needs a layer, but 'input' is an input",
        "indices is 3, but a tensor is expected",
    ]


def test_a_problem_points_at_the_line_that_adds_the_layer() -> None:
    builder = Builder()
    x = builder.add("relu", builder.input("input", [3, 8, 8]))
    builder.add("conv", x, out_channels=8, kernel_size=3, groups=2)
    (problem,) = builder.network().problems
    text = Path(__file__).read_text("utf-8").split("\n")
    assert problem.place.file == __file__
    assert "groups=2)" in text[problem.place.line - 1]
    (related,) = problem.related
    assert "relu" in text[related.place.line - 1]


def test_a_layer_takes_the_places_of_its_fields() -> None:
    line = "Conv_0 kernel=3 group=2"
    whole = Place("model", 1, 1, 7)
    site = Spot(whole, {"groups": Place("model", 1, 17, 24)})
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    builder.add("conv", x, place=site, out_channels=8, kernel_size=3, groups=2)
    network = builder.network(file="model", sources={"model": line})
    (problem,) = network.problems
    assert "1 | Conv_0 kernel=3 group=2\n  |                 ^^^^^^^" in full_text(
        problem, network.sources
    )


def test_a_layer_of_a_format_without_lines_is_found_by_its_name() -> None:
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    place = Place("model.onnx", 1, 1, element="node Conv_0")
    builder.add("conv", x, place=place, out_channels=8, kernel_size=3, groups=2)
    (problem,) = builder.network(file="model.onnx").problems
    assert full_text(problem, {}).split("\n")[1] == " --> model.onnx: node Conv_0"


def test_what_reads_a_layer_with_a_problem_is_skipped_and_counted() -> None:
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    y = builder.add("conv", x, out_channels=8)
    z = builder.add("relu", y)
    assert builder.add("add", [x, z]) is None
    network = builder.network()
    assert (len(network.problems), network.skipped, network.layers) == (1, 3, ())


def test_layers_without_a_path_are_named_after_their_operator() -> None:
    builder = Builder()
    x: Any = builder.input("input", [3, 8, 8])
    for _ in range(2):
        x = builder.add("conv", x, out_channels=8, kernel_size=3)
    x = builder.add("relu", x)
    x = builder.add("conv", x, path="head.out[0].last", out_channels=8, kernel_size=3)
    assert builder.add("relu", x, path="head.out[0].last") is None
    network = builder.network()
    assert [layer.path for layer in network.layers] == [
        "conv[0]",
        "conv[1]",
        "relu",
        "head.out[0].last",
    ]
    assert network.layers[-1].groups == (Group("head", "head"), Group("head.out[0]", "out"))
    assert [p.name for p in network.problems] == ["duplicate-id"]
    assert network.outputs == {"head.out[0].last": 4}


def test_outputs_are_named_or_listed() -> None:
    builder = Builder()
    x = builder.input("input", [3, 8, 8])
    y, z = builder.add("relu", x), builder.add("sigmoid", x)
    assert builder.network().outputs == {"sigmoid": 2}
    assert builder.network([y, z, None]).outputs == {"relu": 1, "sigmoid": 2}
    assert builder.network({"a": y, "b": x}).outputs == {"a": 1, "b": 0}


@pytest.mark.parametrize("sizes", [[], [None, 3], [3, 0], [3, 2.5], [3, True], [1, 2, 3, 4, 5]])
def test_what_is_no_input_is_refused(sizes: Any) -> None:
    with pytest.raises(ValueError, match="input 'x'"):
        Builder().input("x", sizes)


def test_inputs_come_first_and_once() -> None:
    builder = Builder()
    x = builder.input("x", [3])
    with pytest.raises(ValueError, match="already exists"):
        builder.input("x", [3])
    builder.add("relu", x)
    with pytest.raises(ValueError, match="before the first layer"):
        builder.input("y", [3])


def test_a_limit_ends_the_building() -> None:
    builder = Builder(limit=2)
    x: Any = builder.input("x", [3, None, 8])
    x = builder.add("relu", builder.add("relu", x))
    with pytest.raises(TooLarge, match="more than 2 layers"):
        builder.add("relu", x)


def test_no_field_is_called_like_an_option_of_add() -> None:
    options = {"operator", "inputs", "path", "place", "note", "trainable", "composites", "self"}
    for name in operator_names():
        declared = fields_of(operator_class(name))
        assert not options & {*declared, *(field.short for field in declared.values())}, name


def test_a_built_network_is_analysed_and_asserted_like_one_of_a_file() -> None:
    from convcalc.testing import assert_budget

    builder = convcalc.Builder("small")
    x = builder.input("image", [3, 16, 16], batch=2)
    x = builder.add("conv", x, out_channels=8, kernel_size=3)  # type: ignore[assignment]
    network = builder.network(description="for a test")
    body = "input: [3, 16, 16]\nlayers: [conv: {out: 8, k: 3}]\n"
    written = convcalc.analyse(network_of_text(body, batch=2))
    built = convcalc.analyse(network)
    assert built.totals.macs == written.totals.macs
    assert built.receptive_field == written.receptive_field
    assert_budget(network, params={"max": 224, "min": 224})
    with pytest.raises(ValueError, match="name a metric"):
        assert_budget(network)


def test_the_graph_answers_who_makes_and_who_reads_a_tensor() -> None:
    rng = random.Random(7)
    builder = Builder()
    tensors: list[Any] = [builder.input(name, [2, 4, 4]) for name in ("a", "b")]
    for number in range(60):
        read = [rng.choice(tensors) for _ in range(rng.randint(2, 3))]
        tensors.append(builder.add("add", read, path=f"add{number}"))
    network = builder.network([tensors[10], tensors[-1]])
    for tensor in range(62):
        producer = network.producer(tensor)
        made = [layer for number, layer in network.numbered() if number == tensor]
        assert ([producer] if producer else []) == made
        assert list(network.readers(tensor)) == [x for x in network.layers if tensor in x.inputs]
        assert network.name_of(tensor) == (f"add{tensor - 2}" if tensor > 1 else "ab"[tensor])
        assert network.is_output(tensor) == (tensor in (10, 61))
        assert network.tensor(network.index(tensor)) == tensor
        assert str(network.shape(tensor)) == "2×4×4"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_a_problem(value: float) -> None:
    for operator, fields in (
        ("conv", {"out": value, "k": 3}),
        ("upsample", {"scale": value}),
        ("dropout", {"rate": value}),
    ):
        ((name, message, _),) = problems_of(operator, [3, 8, 8], fields)
        assert (name, message.endswith("but a finite number is expected")) == ("wrong-type", True)


def test_what_is_no_tensor_is_refused_and_a_missing_input_is_a_problem() -> None:
    builder = Builder()
    for wrong in ("input", [1]):
        with pytest.raises(TypeError, match="not tensors"):
            builder.add("relu", wrong)  # type: ignore[arg-type]
    assert builder.add("relu", []) is None
    assert [p.message for p in builder.network().problems] == ["'relu' needs an input"]
    with pytest.raises(ValueError, match="batch"):
        builder.input("x", [3, 8, 8], batch=0)
