"""Nodes as an ONNX file, by the onnx package; weights as zeros that the file makes in place.

A file without weights has to say their sizes somewhere. What was tried, with onnx 1.23, ONNX
Runtime 1.32, onnxsim, onnxslim, onnxoptimizer, onnx-tool, OpenVINO and Netron:

    initializers without data         refused by the checker, ONNX Runtime and onnx-tool
    external data that is not there   refused by the checker and ONNX Runtime
    sparse initializers               no shape inference for operators that take tensors
    Constant with sparse_value        onnxsim, onnxoptimizer, onnx-tool and the reference fail
    inputs of the graph               all accept it; a network of 161 weights has 162 inputs to feed
    ConstantOfShape                   all accept it, and it runs

So each weight is a node ConstantOfShape, about 60 bytes, whose output has the weight's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from convcalc._version import __version__
from convcalc.errors import Error
from convcalc.exporting.onnx.nodes import FLOAT, Node, Unwritable, Value
from convcalc.exporting.onnx.writing import Written, written
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

OPSET, IR = 21, 10
STORED = "stored"  # metadata of a node: what its output is in the network
SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
_NOT_INFERRED = ("MaxUnpool",)  # with a size that is given
INSTALL = "pip install 'convcalc[onnx]'"


class NeedsOnnx(Error):
    """The onnx package is not there."""


def onnx_file(network: Network) -> bytes:
    """A network as an ONNX file without weights, all sizes stated.

    Raises NeedsOnnx without the onnx package, Unwritable where a layer has no counterpart in ONNX.
    """
    try:
        import onnx
    except ImportError:
        raise NeedsOnnx("an ONNX file needs the onnx package", INSTALL) from None
    found = written(network)
    model = _Model(network, found).proto()
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    _compare(network, found, model)
    _forget_sizes(model, {value.name for value in found.nodes.stored.values()})
    return bytes(model.SerializeToString(deterministic=True))


class _Model:
    """Names for everything, and the messages."""

    def __init__(self, network: Network, found: Written) -> None:
        self.network = network
        self.found = found
        self.taken: set[str] = set()

    def name(self, wanted: str) -> str:
        """A name that nothing else has, in characters that a file can hold."""
        wanted = wanted.encode("utf-8", "backslashreplace").decode() or "_"
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name

    def proto(self) -> Any:
        """The whole model."""
        from onnx import helper

        self.name_all()
        graph = helper.make_graph(
            [self.node(node) for node in self.found.nodes.nodes],
            self.network.name,
            [_info(value) for value in self.found.inputs.values()],
            [_info(value) for value in self.found.outputs.values()],
            [_tensor(value) for value in self.found.nodes.numbers.values()],
            doc_string=self.network.description,
            value_info=[_info(value) for value in self.not_inferred()],
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR,
            producer_name="convcalc",
            producer_version=__version__,
        )

    def not_inferred(self) -> Iterator[Value]:
        """Tensors whose sizes ONNX does not infer."""
        returned = set(self.found.outputs.values())
        for node in self.found.nodes.nodes:
            if node.op in _NOT_INFERRED and node.outputs[0] not in returned:
                yield node.outputs[0]

    def name_all(self) -> None:
        """Inputs and outputs first, so that they have the names of the network."""
        network, found = self.network, self.found
        for values in (found.inputs, found.outputs):
            for name, value in values.items():
                value.name = self.name(name)
        stored = {value: name for name, value in found.nodes.stored.items()}
        for value, name in stored.items():
            value.name = self.name(name)
        for layer, value in zip(network.layers, found.layers, strict=True):
            if not value.name:
                value.name = self.name(layer.path)
        for number in found.nodes.numbers.values():
            number.name = self.name(_text(number.numbers))
        for node in found.nodes.nodes:
            for value in node.outputs:
                if value.name == "" or value.name not in self.taken:
                    path = network.layers[node.layer].path if node.layer >= 0 else "output"
                    value.name = self.name(value.name or f"{path}/{node.op}")

    def node(self, node: Node) -> Any:
        """A node, with the modules that it belongs to as PyTorch's exporter writes them."""
        from onnx import helper

        attributes = {key.removesuffix("_type"): each for key, each in node.attributes.items()}
        if "value" in attributes:
            attributes["value"] = helper.make_tensor("value", 1, [1], [attributes["value"]])
        made = helper.make_node(
            node.op,
            ["" if value is None else value.name for value in node.inputs],
            [value.name for value in node.outputs],
            name=None if node.stored else node.outputs[0].name,
            **attributes,
        )
        if (
            node.op == "ConstantOfShape"
            and node.outputs[0].kind != FLOAT
            and "value" not in attributes
        ):
            made.attribute.append(
                helper.make_attribute("value", helper.make_tensor("value", 7, [1], [0]))
            )
        entries = [(STORED, node.stored)] if node.stored else list(self.scopes(node))
        for key, text in entries:
            made.metadata_props.add(key=key, value=text)
        return made

    def scopes(self, node: Node) -> Iterator[tuple[str, str]]:
        """The paths and classes of the modules around a node, from the network to the node."""
        if node.layer < 0:
            return
        layer = self.network.layers[node.layer]
        if not layer.groups and node.outputs[0].name == layer.path:
            return
        groups = [(group.path, group.kind) for group in layer.groups]
        rows = [("", self.network.name), *groups, (layer.path, layer.name), ("", node.op)]
        names, kinds = zip(*rows, strict=True)
        yield SCOPES, _quoted(names)
        yield CLASSES, _quoted(kinds)


def _quoted(words: Iterable[str]) -> str:
    """A list of strings as Python writes it, in which no quote stands for itself."""
    return "[" + ", ".join(f"'{_plain(word)}'" for word in words) + "]"


def _plain(word: str) -> str:
    return word.encode("utf-8", "backslashreplace").decode().replace("'", "\\x27")


def _text(numbers: tuple[float, ...]) -> str:
    """A short name for a list of numbers, without a point: with one it would be a weight's."""
    words = [f"{number:g}".replace(".", ",") for number in numbers[:8]]
    return f"[{' '.join(words)}{' …' if len(numbers) > 8 else ''}]"


def _info(value: Value) -> Any:
    """The name, the type and the sizes of a tensor; one that is not known is left open."""
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT if value.kind == FLOAT else TensorProto.INT64
    sizes = [size if known((size,)) else None for size in value.dims]
    return helper.make_tensor_value_info(value.name, kind, sizes)


def _tensor(value: Any) -> Any:
    """A tensor of numbers."""
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT if value.kind == FLOAT else TensorProto.INT64
    return helper.make_tensor(value.name, kind, value.dims, value.numbers)


def _forget_sizes(model: Any, names: set[str]) -> None:
    """Leave out the sizes of stored tensors, which their nodes state."""
    left = [info for info in model.graph.value_info if info.name not in names]
    del model.graph.value_info[:]
    model.graph.value_info.extend(left)


def _compare(network: Network, found: Written, model: Any) -> None:
    """Raises Unwritable where ONNX makes another size of a layer than the network."""
    infos = (*model.graph.value_info, *model.graph.output)
    sizes = {info.name: [d.dim_value for d in info.type.tensor_type.shape.dim] for info in infos}
    for layer, value in zip(network.layers, found.layers, strict=True):
        ours, theirs = layer.analysis.output.dims, sizes.get(value.name, [])
        agree = len(ours) == len(theirs) and all(
            not known((n,)) or n == m for n, m in zip(ours, theirs, strict=True)
        )
        if not agree:
            made = "×".join(map(str, theirs)) or "nothing"
            wanted = "×".join(map(str, ours))
            raise Unwritable(f"{layer.path}: {layer.name} makes {wanted}, in ONNX {made}")
