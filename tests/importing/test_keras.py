"""Models that Keras wrote, held against Keras' own numbers for them."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from functools import cache
from typing import Any

import pytest
import shipped
import yaml
from importing.archives import DATA, unpacked
from importing.damaging import changed, damaged, outcome
from importing.keras_truth import agree, errors, read

from convcalc.analysis.analyse import analyse
from convcalc.importing.formats import detect
from convcalc.language.file_facts import NetworkFile
from convcalc.model.quantities.unknown import UNKNOWN


@cache
def truth() -> dict[str, dict[str, Any]]:
    """Keras' numbers for each model."""
    return dict(yaml.safe_load((DATA / "keras.yaml").read_text(encoding="utf-8")))


@cache
def written() -> dict[str, bytes]:
    """What Keras wrote, by the model's name."""
    return {name.removesuffix(".json"): text for name, text in unpacked("keras.tar.xz").items()}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", truth())
def test_every_model_has_the_numbers_of_keras(name: str) -> None:
    agree(name, written()[name], truth()[name], truth()[name].get("size"))


# The networks of keras.applications that are shipped as networks of convcalc's own. Keras'
# convolutions have a bias before each norm in some of them, so parameters are not compared.
SHIPPED = {
    "ConvNeXtTiny": "convnext_tiny",
    "DenseNet121": "densenet121",
    "DenseNet201": "densenet201",
    "EfficientNetB0": "efficientnet_b0",
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet_v1_1_0",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Large": "mobilenet_v3_large",
    "MobileNetV3Small": "mobilenet_v3_small",
    "ResNet50": "resnet_v1_50",
    "ResNet101": "resnet_v1_101",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    "Xception": "xception",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_network_has_the_macs_of_the_shipped_one(name: str) -> None:
    found = read(written()[name], truth()[name].get("size"))
    assert analyse(found).totals.macs == shipped.report(SHIPPED[name]).totals.macs


# --- files -------------------------------------------------------------------------------------


def archive(config: bytes, method: int = zipfile.ZIP_STORED, name: str = "config.json") -> bytes:
    """A ``.keras`` file with weights that are none."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        opened.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        opened.writestr(name, config)
        opened.writestr("model.weights.h5", b"no weights")
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_is_read_without_its_weights(method: int) -> None:
    content = archive(written()["shared"], method)
    assert detect(content[:4096], "shared.keras") == "keras"
    found, wanted = (analyse(read(each)).totals for each in (content, written()["shared"]))
    assert (found.params, found.macs) == (wanted.params, wanted.macs)


def test_an_archive_whose_directory_is_far_behind_is_read() -> None:
    content = archive(written()["shared"])
    end = content.rindex(b"PK\5\6")
    count, size, at = struct.unpack_from("<HII", content, end + 10)
    far = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    near = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, size, 0xFFFFFFFF, 0)
    found = read(content[:end] + far + locator + near)
    assert analyse(found).totals.params == analyse(read(content)).totals.params


def test_what_to_json_writes_is_known_by_its_content() -> None:
    assert detect(written()["shared"][:4096], "any.name") == "keras"
    assert detect(b'{"convcalc": 1, "layers": []}', "network.json") == ""


def test_layers_of_one_name_are_counted_once() -> None:
    found = read(written()["nested_twice"])
    shares = [layer.path for layer in found.layers if layer.shares >= 0]
    assert shares == ["inner[1].conv", "last[1].conv2d"]


REFUSED = {
    "cut off": (archive(b"{}")[:-30], "no directory"),
    "not there": (archive(b"{}", name="other.json"), "holds no config.json"),
    "no JSON": (archive(b"{"), "cannot be read"),
    "not an object": (archive(b"[]"), "not an object"),
    "too large": (archive(b" " * (64 * 2**20 + 1), zipfile.ZIP_DEFLATED), "larger than 64 MiB"),
    "deep": (archive(b'{"a":' * 100_000), "nested too deep"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_said(case: str) -> None:
    content, message = REFUSED[case]
    (problem,) = read(content).problems
    assert problem.name == "damaged-model"
    assert message in problem.message


# --- models written here -----------------------------------------------------------------------


def layer(kind: str, name: str, reads: str = "", **config: Any) -> dict[str, Any]:
    """A layer as Keras 2 writes it."""
    nodes = [[[each, 0, 0, {}] for each in reads.split()]] if reads else []
    settings = {"name": name, **config}
    return {"class_name": kind, "name": name, "config": settings, "inbound_nodes": nodes}


def model(*layers: dict[str, Any], outputs: str = "", **more: Any) -> dict[str, Any]:
    """A model as Keras 2 writes it: the first layer is its input."""
    names = outputs.split() or [layers[-1]["name"]]
    config = {
        "name": "model",
        "layers": list(layers),
        "input_layers": [[layers[0]["name"], 0, 0]],
        "output_layers": [[name, 0, 0] for name in names],
    }
    return {"class_name": "Functional", "config": config, "keras_version": "2.15.0", **more}


X = layer("InputLayer", "x", batch_input_shape=[None, 32, 32, 3])


def test_a_model_of_keras_2() -> None:
    found = read(
        model(
            X,
            layer(
                "Conv2D", "a", "x", filters=8, kernel_size=[3, 3], strides=[2, 2], padding="same"
            ),
            layer("BatchNormalization", "b", "a", axis=[3]),
            layer("LeakyReLU", "c", "b", alpha=0.1),
            layer("GlobalAveragePooling2D", "d", "c"),
            layer("Dense", "e", "d", units=10, activation="softmax"),
        )
    )
    assert errors(found) == []
    assert found.origin == "saved by Keras 2.15.0"
    totals = analyse(found).totals
    assert totals.params == 8 * 3 * 9 + 8 + 16 + 8 * 10 + 10
    assert totals.macs == 16 * 16 * 8 * 3 * 9 + 80


def test_a_nested_model_of_keras_2_counts_its_calls_from_one() -> None:
    inner = model(
        layer("InputLayer", "y", batch_input_shape=[None, 32, 32, 3]),
        layer("Conv2D", "conv", "y", filters=3, kernel_size=[1, 1]),
    )
    inner |= {"name": "inner", "inbound_nodes": [[["x", 0, 0, {}]], [["inner", 1, 0, {}]]]}
    inner["config"]["name"] = "inner"
    outer = model(X, inner)
    outer["config"]["output_layers"] = [["inner", 2, 0]]
    found = read(outer)
    assert errors(found) == []
    assert [each.path for each in found.layers] == ["inner.conv", "inner[1].conv"]
    assert analyse(found).totals.params == 12


def test_a_sequential_model_of_keras_2_states_its_input_in_its_first_layer() -> None:
    layers = [
        layer("Conv2D", "a", filters=4, kernel_size=3, batch_input_shape=[None, 8, 8, 3]),
        layer("Flatten", "b"),
        layer("Dense", "c", units=2),
    ]
    content = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    assert analyse(read(content)).totals.params == 4 * 27 + 4 + 144 * 2 + 2


def unmapped(kind: str, module: str = "keras.layers", **config: Any) -> NetworkFile:
    """A model with a layer that has no rule, whose reader states its sizes."""
    tensor = {"shape": [None, 5, 6, 7], "dtype": "float32", "keras_history": ["odd", 0, 0]}
    read_by = {"class_name": "__keras_tensor__", "config": tensor}
    odd = layer(kind, "odd", "x", **config) | {"module": module}
    last = layer("Conv2D", "last", filters=2, kernel_size=1)
    last["inbound_nodes"] = [{"args": [read_by], "kwargs": {}}]
    return read(model(X, odd, last))


def test_a_lambda_is_a_layer_of_unknown_work_and_nothing_of_it_is_decoded() -> None:
    code = {"class_name": "__lambda__", "config": {"code": "not base64!", "defaults": None}}
    found = unmapped("Lambda", function=code)
    assert errors(found) == ["no rule for Lambda"]
    odd, last = found.layers
    assert odd.analysis.output.dims == (1, 7, 5, 6)
    assert (odd.operator.params, odd.operator.macs) == (0, None)  # type: ignore[attr-defined]
    assert analyse(found).layers[1].params == last.analysis.weights["weight"][1] * 2 + 2 == 16


def test_the_parameters_of_a_class_of_ones_own_are_unknown() -> None:
    found = unmapped("Conv2D", "my.layers", filters=4, kernel_size=1)
    assert errors(found) == ["no rule for Conv2D"]
    assert analyse(found).totals.params is UNKNOWN


def test_settings_without_a_rule_are_told() -> None:
    assert errors(unmapped("ReLU", threshold=0.5)) == [
        "ReLU: a ReLU with a threshold, or with a slope and a bound"
    ]


def test_sizes_that_the_file_denies_are_told() -> None:
    assert "but the file says ?×5×6×7" in errors(unmapped("ReLU"))[0]


BROKEN = {
    "a layer that is not there": (
        model(X, layer("ReLU", "a", "none")),
        "reads a tensor of 'none' that no call makes",
    ),
    "a circle": (
        model(X, layer("Add", "a", "x b"), layer("ReLU", "b", "a")),
        "read each other in a circle",
    ),
    "two of a name": (model(X, layer("ReLU", "x", "x")), "two of its layers have one name"),
    "a class of its own": (
        {"class_name": "MyNet", "config": {}},
        "'MyNet' is a class of its own, whose layers are in its code",
    ),
    "never built": (
        {"class_name": "Sequential", "config": {"layers": [layer("Dense", "a", units=2)]}},
        "it was never built",
    ),
    "no settings": (model(X, layer("ReLU", "a", "x") | {"config": 1}), "no settings"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_model_that_is_none_is_refused(case: str) -> None:
    content, message = BROKEN[case]
    (problem,) = read(content).problems
    assert problem.name == "damaged-model"
    assert message in problem.message


# --- damaged files -----------------------------------------------------------------------------

SMALL = [name for name in truth() if name.islower()]  # those of keras_cases.py


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_refused_or_read(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        content = written()[rng.choice(SMALL)]
        kind = rng.randrange(3)
        if kind == 0:
            content = changed(content, rng)
        else:
            content = damaged(archive(content) if kind == 1 else content, rng)
        outcome(content, "keras")
