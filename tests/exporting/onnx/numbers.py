"""Runs a written file by onnx's reference implementation, with weights that are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.exporting.onnx.model import STORED, onnx_file
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target


def made_by(layers: str, inputs: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    """What the first output of layers in YAML is, of arrays (batch, channels, …).

    ``weights`` are those of the layer ``case``, by the names that the operator gives them.
    """
    from onnx import load_from_string
    from onnx.reference import ReferenceEvaluator

    sizes = {name: list(each.shape[1:]) for name, each in inputs.items()}
    batch = next(iter(inputs.values())).shape[0]
    text = f"convcalc: 1\nname: case\ninputs: {sizes}\nlayers:\n{layers}"
    network = read_network(Target("case.yaml", None, text), batch=batch)
    assert not [each for each in network.problems if each.severity == "error"]
    model = load_from_string(onnx_file(network))
    left = []
    given = dict(inputs)
    for node in model.graph.node:
        if not any(entry.key == STORED for entry in node.metadata_props):
            left.append(node)
            continue
        key = node.output[0].removeprefix("case.")
        array = weights[key]
        sizes_of = {t.name: list(t.int64_data) or None for t in model.graph.initializer}
        dims = sizes_of[node.input[0]]
        given[node.output[0]] = array.reshape(dims) if dims else array
        model.graph.input.add().CopyFrom(_like(node.output[0], given[node.output[0]]))
    del model.graph.node[:]
    model.graph.node.extend(left)
    return ReferenceEvaluator(model).run(None, given)[0]


def _like(name: str, array: Any) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
