"""Networks that OpenVINO converted from PyTorch, held against PyTorch's numbers for them."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest
import yaml
from importing.archives import DATA, unpacked
from importing.damaging import damaged, outcome

from convcalc.analysis.analyse import analyse
from convcalc.importing.formats import detect
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target


@cache
def truth() -> dict[str, dict[str, Any]]:
    """PyTorch's numbers for each network."""
    return dict(yaml.safe_load((DATA / "openvino.yaml").read_text(encoding="utf-8")))


@cache
def converted() -> dict[str, bytes]:
    """What OpenVINO wrote, by the network's name."""
    found = unpacked("openvino.tar.xz")
    return {name.removesuffix(".xml"): text for name, text in found.items()}


def read(content: bytes | str) -> NetworkFile:
    """The network of a file."""
    return read_target(Target("model.xml", None, content, format="openvino"))


@pytest.mark.parametrize("name", truth())
def test_every_network_has_the_macs_of_pytorch(name: str) -> None:
    found = read(converted()[name])
    assert [p.message for p in found.problems] == []
    assert analyse(found).totals.macs == truth()[name]["macs"]


# In DenseNet norms stand before their convolutions, where they cannot be folded; the biases of the
# convolutions of UNet are those of its norm after it was.
@pytest.mark.parametrize("name", sorted({*truth()} - {"densenet121", "unet"}))
def test_params_are_those_of_pytorch_after_norms_were_folded(name: str) -> None:
    wanted = truth()[name]
    params = analyse(read(converted()[name])).totals.params
    assert params == wanted["params"] - wanted["normalised"]


def test_a_file_is_known_by_its_root() -> None:
    assert detect(converted()["unet"][:4096], "unet.xml") == "openvino"
    assert detect(b"<?xml version='1.0'?><html><layers>", "page.xml") == ""


# --- models written here -----------------------------------------------------------------------


def port(number: int, sizes: str) -> str:
    """A port with its sizes."""
    dims = "".join(f"<dim>{size}</dim>" for size in sizes.split())
    return f'<port id="{number}" precision="FP32">{dims}</port>'


def layer(number: int, kind: str, inputs: list[str], outputs: list[str], **data: str) -> str:
    """A layer, whose outputs are numbered on from its inputs."""
    read_ports = "".join(port(i, sizes) for i, sizes in enumerate(inputs))
    made = "".join(port(len(inputs) + i, sizes) for i, sizes in enumerate(outputs))
    settings = "".join(f' {key}="{value}"' for key, value in data.items())
    return (
        f'<layer id="{number}" name="l{number}" type="{kind}" version="opset1"><data{settings}/>'
        f"<input>{read_ports}</input><output>{made}</output></layer>"
    )


def constant(number: int, sizes: str, kind: str = "f32") -> str:
    """A constant, whose numbers are elsewhere."""
    shape = ",".join(sizes.split())
    return layer(number, "Const", [], [sizes], element_type=kind, shape=shape, offset="0")


def model(*layers: str, edges: str, head: str = "", version: str = "11") -> str:
    """A model; edges are ``FROM.PORT>TO.PORT``."""
    lines = []
    for edge in edges.split():
        (a, b), (c, d) = (side.split(".") for side in edge.split(">"))
        lines.append(f'<edge from-layer="{a}" from-port="{b}" to-layer="{c}" to-port="{d}"/>')
    return (
        f'<?xml version="1.0"?>{head}<net name="small" version="{version}"><layers>'
        f"{''.join(layers)}</layers><edges>{''.join(lines)}</edges></net>"
    )


X = layer(0, "Parameter", [], ["1 6 8 8"], shape="1,6,8,8")


def one(kind: str, made: str, *constants: str, reads: str = "1 6 8 8", **data: str) -> NetworkFile:
    """A model of one layer that reads constants too."""
    count = 1 + len(constants)
    held = [constant(i + 1, sizes) for i, sizes in enumerate(constants)]
    work = layer(9, kind, [reads, *constants], [made], **data)
    end = layer(10, "Result", [made], [])
    edges = " ".join(f"{i}.0>9.{i}" for i in range(count)) + f" 9.{count}>10.0"
    source = X if reads == "1 6 8 8" else layer(0, "Parameter", [], [reads])
    return read(model(source, *held, work, end, edges=edges))


WINDOW = {"strides": "2,2", "dilations": "1,1", "pads_begin": "1,1", "pads_end": "1,1"}
ROWS: dict[str, tuple[NetworkFile, int, int]] = {  # with their parameters and MACs
    "convolution": (one("Convolution", "1 4 4 4", "4 6 3 3", **WINDOW), 216, 16 * 216),
    "grouped": (one("GroupConvolution", "1 4 4 4", "2 2 3 3 3", **WINDOW), 108, 16 * 108),
    "depthwise": (one("GroupConvolution", "1 6 4 4", "6 1 1 3 3", **WINDOW), 54, 16 * 54),
    "same": (
        one("Convolution", "1 4 8 8", "4 6 3 3", strides="1,1", auto_pad="same_upper"),
        216,
        64 * 216,
    ),
    "transposed": (
        one("ConvolutionBackpropData", "1 5 15 15", "6 5 3 3", **WINDOW),
        270,
        64 * 270,
    ),
    "transposed groups": (
        one("GroupConvolutionBackpropData", "1 4 15 15", "2 3 2 3 3", **WINDOW),
        108,
        64 * 108,
    ),
    "matrix": (one("MatMul", "1 6 8 5", "8 5"), 40, 48 * 40),
    "turned matrix": (one("MatMul", "1 6 8 5", "5 8", transpose_b="true"), 40, 48 * 40),
    "factor per channel": (one("Multiply", "1 6 8 8", "1 6 1 1"), 6, 0),
    "factor": (one("Multiply", "1 6 8 8", "1"), 0, 0),
    "slope": (one("PReLU", "1 6 8 8", "6"), 6, 0),
    "mean": (one("ReduceMean", "1 6 1 1", "2", keep_dims="true"), 0, 0),
    "reshape": (one("Reshape", "1 384", "2"), 0, 0),
    "transpose": (one("Transpose", "1 8 8 6", "4"), 0, 0),
    "transpose of ones": (
        one("Transpose", "1 1 1 384", "4", reads="1 384 1 1"),
        0,
        0,
    ),
    "pad": (one("Pad", "1 6 10 9", "4", "4", pad_mode="constant"), 0, 0),
    "interpolate": (one("Interpolate", "1 6 16 16", "2", mode="nearest"), 0, 0),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_layer_has_its_params_and_macs(name: str) -> None:
    found, params, macs = ROWS[name]
    remarks = ("linear acts on",)  # on positions, which is meant
    assert [p.message for p in found.problems if not p.message.startswith(remarks)] == []
    totals = analyse(found).totals
    assert (totals.params, totals.macs) == (params, macs)


def test_a_constant_that_is_added_to_each_channel_is_the_bias() -> None:
    content = model(
        X,
        constant(1, "4 6 1 1", "f16"),
        layer(2, "Convert", ["4 6 1 1"], ["4 6 1 1"]),
        layer(3, "Convolution", ["1 6 8 8", "4 6 1 1"], ["1 4 8 8"], strides="1,1"),
        constant(4, "1 4 1 1"),
        layer(5, "Add", ["1 4 8 8", "1 4 1 1"], ["1 4 8 8"]),
        layer(6, "Result", ["1 4 8 8"], []),
        edges="0.0>3.0 1.0>2.0 2.1>3.1 3.2>5.0 4.0>5.1 5.2>6.0",
    )
    (only,) = read(content).layers
    assert (only.name, analyse(read(content)).totals.params) == ("conv", 28)


def test_a_constant_for_each_position_is_no_bias() -> None:
    content = model(
        X,
        constant(1, "4 6 1 1"),
        layer(3, "Convolution", ["1 6 8 8", "4 6 1 1"], ["1 4 8 8"], strides="1,1"),
        constant(4, "1 1 8 8"),
        layer(5, "Add", ["1 4 8 8", "1 1 8 8"], ["1 4 8 8"]),
        layer(6, "Result", ["1 4 8 8"], []),
        edges="0.0>3.0 1.0>3.1 3.2>5.0 4.0>5.1 5.2>6.0",
    )
    found = read(content)
    assert [each.name for each in found.layers] == ["conv", "parameter", "add"]
    assert analyse(found).totals.params == 24 + 64


@pytest.mark.parametrize(
    ("before", "after"), [("1 4 4 4", "1 4 4 4"), ("1 4 4 8", "1 4 4 8"), ("1 4 6 4", "1 4 4 6")]
)
def test_what_the_xml_does_not_say_is_no_guess(before: str, after: str) -> None:
    two_ways = one("Transpose", after, "4", reads=before)
    (moved,) = two_ways.layers
    assert (moved.name, moved.note, analyse(two_ways).totals.macs) == ("opaque", "moved", 0)


def test_height_and_width_of_one_size_keep_their_order() -> None:
    assert one("Transpose", "1 8 4 4", "4", reads="1 4 4 8").layers == ()


def test_a_norm_over_axes_that_are_not_said_has_no_rule() -> None:
    (problem,) = one("MVN", "1 6 8 8", "1").problems
    assert problem.message == "MVN: the axes that it normalises are not in the .xml"


def test_sizes_that_the_file_denies_are_told() -> None:
    (problem,) = one("Convolution", "1 4 5 5", "4 6 3 3", **WINDOW).problems
    assert problem.message == "Conv makes 1×4×4×4, but the file says 1×4×5×5"


DTD = '<!DOCTYPE net [<!ENTITY a "aaaa">]>'
REFUSED = {
    "a document type": (model(X, edges="", head=DTD), "declares a document type"),
    "old": (model(X, edges="", version="7"), "of version '7'"),
    "no layers": (model(edges=""), "it has no layers"),
    "cut off": (model(X, edges="")[:-9], "it is not XML"),
    "not there": (model(X, edges="0.0>7.0"), "which are not there"),
    "twice": (model(X, X, edges=""), "two layers have the id '0'"),
    "no size": (model(layer(0, "Parameter", [], ["1 x"]), edges=""), "a size is 'x'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_model_is_refused(case: str) -> None:
    content, message = REFUSED[case]
    (problem,) = read(content).problems
    assert problem.name == "damaged-model"
    assert message in problem.message


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_refused_or_read(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        content = converted()[rng.choice(("unet", "resnet18", "squeezenet1_1"))]
        outcome(damaged(content, rng), "openvino")
