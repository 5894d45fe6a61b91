"""The reader, and what it reads, held against the onnx package; skipped where it is not installed.

Every exported network and every small file: the same nodes, inputs, outputs, attributes, sizes of
stored tensors and of what is computed. Sizes that small files state are those that ONNX infers.
"""

from __future__ import annotations

from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")

from importing.archives import EXPORTERS, exported, truth  # noqa: E402 behind the skip
from importing.onnx_cases import CASES, MICROSOFT, Case  # noqa: E402

from convcalc.importing.foreign import Constant  # noqa: E402
from convcalc.importing.formats.onnx.messages import (  # noqa: E402
    RawNode,
    Subgraph,
    read_function,
    read_graph,
)
from convcalc.importing.formats.onnx.wire import Span, as_span, fields  # noqa: E402

FILES = [(exporter, name) for exporter in EXPORTERS for name in truth()]


@pytest.mark.parametrize(("exporter", "name"), FILES)
def test_every_message_of_an_exported_file_is_read_as_the_package_reads_it(
    exporter: str, name: str
) -> None:
    _compare(exported(exporter)[name])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_message_of_a_small_file_is_read_as_the_package_reads_it(case: Case) -> None:
    _compare(case.content)


def _compare(content: bytes) -> None:
    wanted = onnx.load_from_string(content)
    graph = None
    functions = []
    for number, value in fields(content, Span(0, len(content))):
        if number == 7:
            graph = read_graph(content, as_span(value))
        elif number == 25:
            functions.append(read_function(content, as_span(value)))
    assert graph is not None
    theirs = wanted.graph
    assert graph.name == theirs.name
    assert list(graph.inputs.items()) == [(each.name, _sizes(each)) for each in theirs.input]
    assert list(graph.outputs.items()) == [(each.name, _sizes(each)) for each in theirs.output]
    infos = {each.name: _sizes(each) for each in theirs.value_info}
    assert {name: graph.shapes.get(name) for name in infos} == infos
    stored = {each.name: tuple(each.dims) for each in theirs.initializer}
    assert {name: each.dims for name, each in graph.constants.items()} == stored
    for tensor in theirs.initializer:
        _compare_numbers(graph.constants[tensor.name], tensor)
    _compare_nodes(graph.nodes, theirs.node)
    assert [key for key, _ in functions] == [(f.domain, f.name) for f in wanted.functions]
    for (_, function), other in zip(functions, wanted.functions, strict=True):
        assert function.inputs == tuple(other.input)
        assert function.outputs == tuple(other.output)
        _compare_nodes(function.nodes, other.node)


def _compare_nodes(ours: list[RawNode], theirs: Any) -> None:
    assert len(ours) == len(theirs)
    for node, other in zip(ours, theirs, strict=True):
        assert (node.op, node.domain, node.name) == (other.op_type, other.domain, other.name)
        assert (node.inputs, node.outputs) == (tuple(other.input), tuple(other.output))
        assert node.metadata == {each.key: each.value for each in other.metadata_props}
        assert list(node.attributes) == [each.name for each in other.attribute]
        for attribute in other.attribute:
            _compare_values(node.attributes[attribute.name].value, attribute)


def _compare_values(value: Any, attribute: Any) -> None:
    wanted = onnx.helper.get_attribute_value(attribute)
    if isinstance(wanted, onnx.TensorProto):
        assert value.dims == tuple(wanted.dims)
        _compare_numbers(value, wanted)
    elif isinstance(wanted, onnx.GraphProto):
        assert isinstance(value, Subgraph)
    elif isinstance(wanted, bytes):
        assert value == wanted.decode()
    elif isinstance(wanted, list):
        assert list(value) == [
            each.decode() if isinstance(each, bytes) else each for each in wanted
        ]
    else:
        assert value == wanted


def _compare_numbers(ours: Constant, tensor: Any) -> None:
    """The numbers of a tensor, where ours has them: of small ones that the file holds."""
    if ours.data is None:
        return
    numbers = onnx.numpy_helper.to_array(tensor).ravel().tolist()
    assert list(ours.data) == pytest.approx(numbers, nan_ok=True)


def _sizes(info: Any) -> tuple[int | None, ...] | None:
    """The sizes of a ValueInfoProto; None for one that only has a name."""
    if not info.type.HasField("tensor_type") or not info.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        each.dim_value if each.HasField("dim_value") and each.dim_value > 0 else None
        for each in info.type.tensor_type.shape.dim
    )


# ONNX does not infer the sizes of operators that are not its own.
OWN = [case for case in CASES if MICROSOFT.encode() not in case.content]


@pytest.mark.parametrize("case", OWN, ids=lambda case: case.name)
def test_the_sizes_that_a_small_file_states_are_those_that_onnx_infers(case: Case) -> None:
    model = onnx.load_from_string(case.content)
    (output,) = model.graph.output
    stated = _sizes(output)
    output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    found = _sizes(inferred.graph.output[0])
    if found is not None and stated is not None:
        assert len(found) == len(stated)
        for a, b in zip(found, stated, strict=True):
            assert a is None or b is None or a == b
