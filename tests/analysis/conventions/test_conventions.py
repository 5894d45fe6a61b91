"""Other tools' numbers, as measured: every cell of the tables is met or is a known exception."""

from __future__ import annotations

import pytest
import shipped
from measured import (
    EXCEPTIONS,
    FORMS,
    LAYERS,
    MODELS,
    TABLES,
    TIMM,
    TORCHVISION,
    amount,
    case_network,
    cells,
    network_of,
    parsed,
)

import convcalc
from convcalc.analysis.conventions import convention, convention_names, form_entries, manual, number
from convcalc.analysis.conventions.counting import layer_counts
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.language.sources.shipped import shipped_folder
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

# --- what was measured ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_counts_what_the_tool_prints(name: str) -> None:
    columns, case = LAYERS[name]
    known_to_differ = {
        column: ours
        for entry in EXCEPTIONS["layers"]
        if entry["case"] == name
        for column, ours in entry["ours"].items()
    }
    network = case_network(case)
    measured = dict(cells(columns, case["counts"]))
    ours = {column: amount(network, column) for column in measured}
    assert {c: n for c, n in ours.items() if n != measured[c]} == known_to_differ


@pytest.mark.parametrize("name", MODELS["models"])
def test_a_model_counts_what_the_tool_prints(name: str) -> None:
    network = convcalc.load(name)
    measured = dict(cells(MODELS["columns"], MODELS["models"][name]))
    more = {column: amount(network, column) - n for column, n in measured.items()}
    assert {c: n for c, n in more.items() if n} == model_exceptions(name)


@pytest.mark.parametrize("name", TORCHVISION["models"])
def test_a_network_of_torchvision_counts_what_the_tool_prints(name: str) -> None:
    network = shipped.network(name)
    measured = dict(cells(TORCHVISION["columns"], TORCHVISION["models"][name]))
    assert {column: amount(network, column) for column in measured} == measured


@pytest.mark.parametrize("name", TIMM["models"])
def test_a_network_of_timm_counts_what_the_tool_prints(name: str) -> None:
    network = shipped.network(name)
    measured = dict(cells(TIMM["columns"], TIMM["models"][name]))
    more = {column: amount(network, column) - n for column, n in measured.items()}
    expected = {c: n for entry in TIMM["exceptions"] for c, n in entry.get(name, {}).items()}
    assert {c: n for c, n in more.items() if n} == expected


@pytest.mark.parametrize("name", FORMS["cases"])
def test_a_function_a_method_and_a_derived_class_count_what_the_tool_prints(name: str) -> None:
    case = FORMS["cases"][name]
    network = network_of(f"[{case['layer']}]", FORMS["input"], batch=FORMS["batch"])
    measured = dict(cells(FORMS["columns"], case["counts"]))
    ours = {column: amount(network, column) for column in measured}
    assert {c: n for c, n in ours.items() if n != measured[c]} == case.get("ours", {})


def model_exceptions(name: str) -> dict[str, int]:
    """The differences that are explained; a list has one number per model."""
    index = list(MODELS["models"]).index(name)
    found = {
        column: more[index] if isinstance(more, list) else more
        for entry in EXCEPTIONS["models"]
        if entry["model"] in (name, "*")
        for column, more in entry["more"].items()
    }
    return {column: more for column, more in found.items() if more}


def test_the_exceptions_are_so_many() -> None:
    sizes = [len(t["cases"]) for t in TABLES]
    rows = [case["counts"] for _, case in LAYERS.values()]
    printed = sum(n is not None for row in rows for n in row)
    assert (sizes, len(LAYERS), printed) == ([62, 54, 3], 119, 2596)
    assert sum(len(entry["ours"]) for entry in EXCEPTIONS["layers"]) == 16
    assert all(None not in row for row in MODELS["models"].values())
    assert len(MODELS["models"]) * len(MODELS["columns"]) == 14 * 28
    assert sum(len(model_exceptions(name)) for name in MODELS["models"]) == 14
    assert len(EXCEPTIONS["without_operator"]) == 8
    assert (len(TORCHVISION["models"]), len(FORMS["cases"])) == (75, 40)
    assert len(TIMM["models"]) == 44
    assert sum(len(entry) - 1 for entry in TIMM["exceptions"]) == 8
    for table in (TORCHVISION["models"].values(), [c["counts"] for c in FORMS["cases"].values()]):
        assert all(number is not None for row in table for number in row[:-2])


# --- models as torchvision and Keras write them --------------------------------------------------


def rewritten(file: str, *changes: tuple[str, str]) -> Network:
    """A shipped network with changes to the text of its file; imports are left out."""
    text = (shipped_folder() / file).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parsed(text)


def test_convnext_with_convolutions_for_linear_layers_is_not_torchvisions() -> None:
    network = rewritten(
        "convnext.convcalc.yaml", ("shrink: shrink}", "shrink: shrink, conv_mlp: true}")
    )
    measured = dict(cells(MODELS["columns"], MODELS["models"]["convnext_tiny"]))
    more = {"torchinfo.macs": 4146611616, "calflops.flops": 10725120, "deepspeed.flops": 10725120}
    for column, excess in more.items():
        assert amount(network, column) - measured[column] == excess
    assert amount(network, "torchinfo-main.macs") == measured["torchinfo-main.macs"]


def test_equal_biases_of_an_untrained_resnet_are_stored_once() -> None:
    network = convcalc.load("resnet50")
    norms = [x.shapes[0].channels for x in network.layers if x.name == "batch_norm"]
    stored_once = amount(network, "onnx-tool.params") - sum(norms) + sum(set(norms))
    assert stored_once == 25_507_944


# Measured with tensorflow-cpu 2.21.0 and keras 3.15.1, tf.compat.v1.profiler, on the frozen graphs
# of keras.applications at 3x224x224; and what its networks have beside the shipped ones.
SOFTMAX = 5 * 1000  # behind the classifier, where the shipped networks end in logits
PIXELS = 3 * 224 * 224
KERAS = {
    "mobilenet_v2": (615_292_208, SOFTMAX),
    "densenet121": (5_702_474_160, SOFTMAX),
    # Rescaling multiplies and adds, Normalization subtracts, divides, and takes three maxima.
    "efficientnet_b0": (803_050_119, SOFTMAX + 2 * PIXELS + 2 * PIXELS + 3),
    # torchvision's adaptive pooling from 7x7 to 7x7 is missing.
    "vgg16": (30_960_211_824, SOFTMAX - 512 * 7 * 7),
}


@pytest.mark.parametrize("name", KERAS)
def test_keras_models_have_the_profilers_flops(name: str) -> None:
    measured, more = KERAS[name]
    assert amount(convcalc.load(name), "tf-profiler.flops") + more == measured


def test_keras_resnet50_strides_early_and_has_biases_before_its_norms() -> None:
    network = convcalc.load("resnet_v1_50")
    made = [x.analysis.output for x in network.layers if x.name == "conv"]
    biases = sum(shape.numel for shape in made)
    assert amount(network, "keras.flops") + biases + SOFTMAX == 7_755_299_312
    assert amount(network, "keras.params") + sum(s.channels for s in made) == 25_636_712


# --- the rules -----------------------------------------------------------------------------------


def test_every_convention_has_a_manual_page_and_a_headline() -> None:
    assert len(convention_names()) == 18
    for name in convention_names():
        assert len(manual(name).split("\n")) > 5
        chosen, headline = number(name)
        assert chosen is convention(name)
        assert headline is chosen.counts[0]
        keys = [count.key for count in chosen.counts]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("fvcor", "use 'fvcore'"),
        ("calflops.mac", "use 'calflops.macs'"),
        ("thop.zzz", "numbers: thop.macs, thop.params"),
        ("zzz", f"conventions: {', '.join(convention_names())}, convcalc"),
    ],
)
def test_an_unknown_convention_is_a_key_error_with_advice(word: str, advice: str) -> None:
    with pytest.raises(UnknownName) as caught:
        number(word)
    assert isinstance(caught.value, KeyError)
    assert caught.value.help == advice


@pytest.mark.parametrize("name", convention_names())
def test_a_composite_is_counted_as_its_parts_in_a_row(name: str) -> None:
    whole = network_of("[{separable_conv: {out: 24, k: 3, p: 1}}]", (16, 9, 9), batch=2)
    parts = network_of(
        "[{depthwise_conv: {k: 3, p: 1}}, {pointwise_conv: {out: 24}}]", (16, 9, 9), batch=2
    )
    for count in convention(name).counts:
        column = f"{name}.{count.key}"
        assert amount(whole, column) == amount(parts, column)
    assert amount(whole, f"{name}.params") == amount(parts, f"{name}.params")


def test_squeeze_and_excitation_is_pooling_convolutions_activations_and_a_product() -> None:
    """16 to 4 and back on 7×7: the operations that onnx-tool and fvcore see, added by hand."""
    network = network_of("[{squeeze_excite: {squeeze_channels: 4}}]", (16, 7, 7))
    pool, reduce, expand = 16 * 49, 4 * 16, 16 * 4
    assert amount(network, "fvcore.flops") == pool + reduce + expand
    by_onnx = (pool + 4 * 16) + (reduce + 4) + 4 + (expand + 16) + 32 * 16 + 16 * 49
    assert amount(network, "onnx-tool.macs") == by_onnx


def test_a_norm_is_folded_only_where_nothing_else_reads_the_convolution() -> None:
    conv = "{conv: {out: 16, k: 3, p: 1, bias: false}, id: a}"
    alone = network_of(f"[{conv}, batch_norm]", (16, 8, 8))
    read_twice = network_of(f"[{conv}, {{batch_norm: {{}}, id: b}}, {{add: [a, b]}}]", (16, 8, 8))
    macs, elements = 16 * 16 * 9 * 64, 16 * 64
    assert amount(alone, "onnx-tool.macs") == macs + elements
    assert amount(read_twice, "onnx-tool.macs") == macs + 31 * elements + elements


def test_a_norm_behind_a_composite_is_folded_into_its_last_part() -> None:
    row = "{depthwise_conv: {k: 3, p: 1, bias: false}}, {pointwise_conv: {out: 4, bias: false}}"
    separable = "{separable_conv: {out: 4, k: 3, p: 1, bias: false}}"
    for key in ("macs", "params"):
        whole, parts = (
            amount(network_of(f"[{layers}, batch_norm]", (8, 6, 6)), f"onnx-tool.{key}")
            for layers in (separable, row)
        )
        assert whole == parts


def test_the_heads_of_a_detector_count_every_region() -> None:
    """torchvision publishes 134.38 for 800x800 and 1000 regions, with their MACs."""
    network = convcalc.load("fasterrcnn_resnet50_fpn")
    assert round(amount(network, "torchvision.macs") / 1e9, 2) == 134.38
    assert amount(network, "timm.macs") == amount(network, "fvcore.flops")
    two = convcalc.load("fasterrcnn_resnet50_fpn", batch=2)
    assert amount(two, "torchvision.macs") == amount(network, "torchvision.macs")


def test_weights_beside_the_parts_of_a_composite_are_parameters_too() -> None:
    """The main weights of a deformable convolution: 16 to 32 channels, 3x3, with a bias."""
    network = network_of("[{deform_conv: {version: 1, out: 32, k: 3, p: 1}}]", (16, 8, 8))
    offsets, main = 18 * (16 * 9 + 1), 32 * (16 * 9 + 1)
    for tool in ("keras", "fvcore", "onnx-tool", "ptflops"):
        assert amount(network, f"{tool}.params") == offsets + main
    assert amount(network, "thop.params") == offsets  # torchvision's DeformConv2d has no hook


# --- functions, methods, derived classes ---------------------------------------------------------

FORM_KEYS = ("functional: true", "functional: method", "subclass: true")


@pytest.mark.parametrize("name", convention_names())
def test_what_a_tool_does_not_tell_apart_counts_the_same_in_every_form(name: str) -> None:
    """A convolution, a join and a parameter, by the forms that the convention names."""
    layers = "{conv: {out: 8, k: 3, p: 1}}, {residual: [relu]}, global_avg_pool"
    plain = network_of(f"[{layers}]", (8, 6, 6))
    for form, key in zip(("function", "method", "subclass"), FORM_KEYS, strict=True):
        written = network_of(f"[{{seq: [{layers}], {key}}}]", (8, 6, 6))
        for count in (*convention(name).counts, convention(name).parameters):
            column = f"{name}.{count.key}"
            if form not in count.forms:
                assert amount(written, column) == amount(plain, column)
            elif not count.forms[form]:
                assert amount(written, column) == 0


def test_parameters_that_a_function_takes_are_none_to_a_tool_that_hooks_modules() -> None:
    for key in FORM_KEYS:
        conv = f"{{conv: {{out: 8, k: 3, bias: false}}, {key}}}"
        network = network_of(f"[{conv}, {{linear: {{out: 2}}}}]", (4, 3, 3))
        assert amount(network, "thop.params") == 8 * 2 + 2
        for tool in ("ptflops", "torchinfo", "calflops", "fvcore", "thop-ultralytics"):
            assert amount(network, f"{tool}.params") == 8 * 4 * 9 + 8 * 2 + 2


def test_the_parts_of_a_composite_have_its_form() -> None:
    gate = "squeeze_excite: {squeeze_channels: 4}"
    module, function, method = (
        network_of(f"[{{{gate}{key}}}]", (16, 7, 7))
        for key in ("", ", functional: true", ", functional: method")
    )
    pool, maps = 16 * 49, 4 * 16 + 16 * 4
    assert amount(module, "ptflops.macs") == 2 * pool + maps + (4 + 16) + 2 * 4
    assert amount(function, "ptflops.macs") == pool + 4  # its pooling and its ReLU, once each
    assert amount(function, "thop.macs") == amount(method, "ptflops.macs") == 0
    assert amount(function, "fvcore.flops") == amount(module, "fvcore.flops")
    assert amount(method, "fvcore.flops") == amount(module, "fvcore.flops") - pool


def test_attention_by_a_function_is_unknown_where_nobody_measured_it() -> None:
    network = network_of("[{attention: {heads: 4}, functional: true}]", (64, 50))
    assert not known(amount(network, "ptflops.macs"))
    assert amount(network, "thop.macs") == 0


def test_work_declared_in_a_file_is_unknown_in_every_form() -> None:
    opaque = "{opaque: {output: [8, 4, 4], macs: 9, params: 1, receptive_field: unknown}, %s}"
    for key in FORM_KEYS:
        network = network_of(f"[{opaque % key}]", (3, 8, 8))
        for name in convention_names():
            assert not known(amount(network, f"{name}.{convention(name).counts[0].key}"))


def test_the_rule_says_what_the_layer_is_in_code() -> None:
    network = network_of(
        "[relu, {relu: {}, functional: true}, {relu: {}, functional: method}]", (4, 5, 5)
    )
    leaves = [layer["macs"][0] for layer in layer_counts(network, "ptflops")]
    assert [each.rule_text for each in leaves] == ["2·E", "E, a function", "0, a method"]
    assert [each.title for each in leaves] == ["relu", "relu (function)", "relu (method)"]
    assert [each.missed for each in leaves] == [False, False, True]
    (by_thop,) = {
        each.rule_text for layer in layer_counts(network, "thop") for each in layer["macs"]
    }
    assert by_thop == "0"  # in no form does it count


def test_a_table_of_each_tool_says_how_forms_count() -> None:
    found = {(each.form, each.title): each.text for each in form_entries(convention("fvcore"))}
    assert found == {("method", "flops"): "as a module, but adaptive_avg_pool, global_avg_pool: 0"}
    assert [each.text for each in form_entries(convention("thop"))] == ["0"] * 8
    assert form_entries(convention("torch")) == []


@pytest.mark.parametrize("name", ["ptflops", "ptflops-aten", "calflops", "deepspeed"])
def test_frozen_parameters_are_left_out_by(name: str) -> None:
    conv = "{conv: {out: 8, k: 1, bias: false}"
    network = network_of(f"[{conv}, trainable: false}}, {conv}}}]", (4, 5, 5))
    assert amount(network, f"{name}.params") == 8 * 8
    assert amount(network, "fvcore.params") == 4 * 8 + 8 * 8


def test_two_groups_double_the_gradient_of_the_weights_in_torchs_count() -> None:
    network = network_of("[{conv: {out: 16, k: 3, p: 1, g: 2}}]", (16, 8, 8))
    forward = 2 * 16 * 8 * 9 * 64
    assert amount(network, "torch-training.flops") == forward * (1 + 1 + 2)
    assert amount(network, "torch-training.right") == 3 * forward


@pytest.mark.parametrize("name", convention_names())
def test_counts_grow_with_the_batch_or_are_those_of_one_sample(name: str) -> None:
    one, four = (convcalc.load("mobilenet_v3_large", batch=batch) for batch in (1, 4))
    once = {"torchscan.flops", "tf-profiler.flops", "keras.flops"}  # they add work per channel
    for count in convention(name).counts:
        column = f"{name}.{count.key}"
        factor = 1 if convention(name).per_sample else 4
        if column not in once:
            assert amount(four, column) == factor * amount(one, column)
    assert amount(four, f"{name}.params") == amount(one, f"{name}.params")


def test_operators_that_a_tool_ignores_are_named() -> None:
    missed = {
        each.operator
        for layer in layer_counts(convcalc.load("resnet50"), "fvcore")
        for each in layer["flops"]
        if each.missed
    }
    assert missed == {"relu", "max_pool", "add"}


def test_work_of_an_unknown_amount_is_named_too() -> None:
    network = network_of("[relu, {deform_roi_pool: {rois: 4, output_size: 7}}]", (8, 9, 9))
    *_, pool = layer_counts(network, "torch")
    assert {each.operator for each in pool["flops"] if each.missed} >= {"deform_roi_pool sampling"}


def test_declared_numbers_are_unknown_to_every_tool() -> None:
    opaque = "[{opaque: {output: [8, 4, 4], macs: 1000, params: 10, receptive_field: unknown}}]"
    network = network_of(opaque, (3, 8, 8))
    for name in convention_names():
        assert all(not known(amount(network, f"{name}.{c.key}")) for c in convention(name).counts)
