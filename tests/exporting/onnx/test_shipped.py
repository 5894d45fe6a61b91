"""Networks that ship: every seventeenth by its name; all of them with benchmarks/onnx_files.py."""

from __future__ import annotations

from zlib import crc32

import pytest

pytest.importorskip("onnx", reason="the onnx package is not installed")

from exporting.onnx.agreement import (
    checked,
    differences,
    fields_differ,
    stated,
)

from convcalc.exporting.onnx.model import STORED, onnx_file
from convcalc.exporting.onnx.nodes import Unwritable
from convcalc.language.reading import read_network
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.graph.network import Network

SAMPLE = [name for name in shipped_names() if crc32(name.encode()) % 17 == 0]
REFUSED = (
    *("deform_conv version 3", "ps_roi_pool", "deform_roi_pool", "cond_conv", "opaque"),
    "fourier_unit",
)


def shipped(name: str) -> Network:
    return read_network(shipped_names()[name])


@pytest.mark.parametrize("name", SAMPLE)
def test_a_shipped_network_is_written_checked_and_read_back(name: str) -> None:
    network = shipped(name)
    try:
        content = onnx_file(network)
    except Unwritable as error:
        assert any(word in str(error) for word in (*REFUSED, "scatter", "in training"))
        return
    sizes = stated(checked(content))
    for path, shape in ((each.path, each.analysis.output) for each in network.layers):
        assert sizes.get(path, list(shape.dims)) == list(shape.dims)
    assert differences(network, content) == {}
    assert fields_differ(network, content) == {}


def test_a_file_is_small_states_all_sizes_and_names_each_weight_once() -> None:
    network = shipped("resnet50")
    content = onnx_file(network)
    assert len(content) < 130_000
    model = checked(content)
    stored = [
        node for node in model.graph.node if any(p.key == STORED for p in node.metadata_props)
    ]
    names = [node.output[0] for node in stored]
    assert len(set(names)) == len(names) == 161 + 2 * 53
    sizes = stated(model)
    made = {name for node in model.graph.node for name in node.output}
    assert made - set(names) <= set(sizes)


def test_weights_that_are_shared_are_one_weight() -> None:
    content = onnx_file(shipped("fcos_resnet50_fpn"))
    model = checked(content)
    readers = [node for node in model.graph.node if "head3.classes.weight" in node.input]
    assert len(readers) == 5


def test_modules_are_written_as_pytorch_writes_them() -> None:
    model = checked(onnx_file(shipped("resnet18")))
    found = {
        node.name: {entry.key: entry.value for entry in node.metadata_props}
        for node in model.graph.node
    }
    conv = next(name for name in found if name.startswith("layer[0].") and name.endswith(".conv"))
    assert found[conv]["pkg.torch.onnx.name_scopes"].startswith("['', 'layer[0]', 'layer[0].")
    assert "'conv', 'Conv']" in found[conv]["pkg.torch.onnx.class_hierarchy"]


def test_the_same_bytes_come_every_time() -> None:
    assert onnx_file(shipped("swin_t")) == onnx_file(shipped("swin_t"))
