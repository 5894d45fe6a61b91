"""Reads an OpenVINO ``.xml`` file into a foreign graph. Weights stay in their ``.bin`` file.

So do the numbers that say how axes are reduced, sliced or permuted. What they were is taken from
the sizes of what goes in and comes out; where these allow several ways, the elements are moved in
an order that is not known. A constant of one number is not a weight; larger ones are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import prod

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Content, Graph, Input, Node, OneGraph, Unreadable
from convcalc.importing.formats.onnx.scopes import scope_of_name
from convcalc.importing.formats.openvino.layers import RULES, Joined, Reading, idle
from convcalc.importing.formats.openvino.markup import Document, Layer, Port, read_document
from convcalc.model.graph.network import Group

_FLOATS = ("f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i8", "u8", "i4", "u4", "nf4")
_AXES = ("", "c", "bc", "bc0", "bc01", "bc012")
_LOOPS = ("If", "Loop", "TensorIterator")


def open_model(content: Content, file: str) -> OneGraph:
    """The model of a file; Unreadable if it is damaged, too large, or too old."""
    document = read_document(content)
    if document.version not in ("10", "11"):
        advice = "convert the model again; versions 10 and 11 are read"
        raise Unreadable(f"it is of version '{document.version:.20}'", advice)
    return OneGraph(_Graph(document, file).graph())


class _Graph:
    """One file on its way to a graph."""

    def __init__(self, document: Document, file: str) -> None:
        self.document = document
        self.file = file
        self.constants: dict[str, Constant] = {}
        self.nodes: list[Node] = []
        self.readers: dict[Port, list[tuple[str, str]]] = {}
        for to, made in document.edges.items():
            self.readers.setdefault(made, []).append(to)
        self.done: set[str] = set()

    def graph(self) -> Graph:
        """The whole graph."""
        inputs, outputs = {}, {}
        document = self.document
        for layer in self.ordered():
            if layer.type == "Parameter" and layer.outputs:
                sizes = layer.outputs[0].sizes
                axes = _AXES[len(sizes)] if len(sizes) < len(_AXES) else ""
                inputs[self.tensor(layer, 0)] = Input(sizes, axes)
            elif layer.type == "Result":
                read = self.read(layer)
                if read:
                    outputs[self.output_name(layer, read[0])] = read[0]
            elif layer.id not in self.done:
                self.add(layer)
        named = self.named_inputs(inputs)
        back = dict(zip(inputs, named, strict=True))
        nodes = [
            node._replace(inputs=tuple(back.get(each, each) for each in node.inputs))
            for node in self.nodes
        ]
        shapes = {
            self.tensor(layer, index): output.sizes
            for layer in document.layers.values()
            for index, output in enumerate(layer.outputs)
        }
        name = document.name
        return Graph(
            name,
            named,
            {key: back.get(each, each) for key, each in outputs.items()},
            nodes,
            self.constants,
            shapes,
            f"converted by OpenVINO {document.runtime}" if document.runtime else "",
        )

    def named_inputs(self, inputs: Mapping[str, Input]) -> dict[str, Input]:
        """The inputs by the names that the file has for them."""
        found: dict[str, Input] = {}
        layers = [each for each in self.document.layers.values() if each.type == "Parameter"]
        names = {self.tensor(each, 0): each.name for each in layers if each.outputs}
        for key, given in inputs.items():
            name = names.get(key) or key
            found[name if name not in found else key] = given
        return found

    def output_name(self, layer: Layer, tensor: str) -> str:
        """Return what an output is called."""
        number, _, port = tensor.partition(":")
        maker = self.document.layers.get(number)
        for output in maker.outputs if maker else ():
            if output.port == port and output.names:
                return output.names.partition(",")[0]
        return maker.name if maker else layer.name

    # --- the order ----------------------------------------------------------------------------

    def ordered(self) -> Iterator[Layer]:
        """The layers so that each reads what was made before."""
        layers = list(self.document.layers.values())
        at = {layer.id: index for index, layer in enumerate(layers)}
        missing = [0] * len(layers)
        readers: list[list[int]] = [[] for _ in layers]
        for (to, _), (made, _) in self.document.edges.items():
            if to not in at or made not in at:
                raise Unreadable(f"an edge joins '{made:.40}' and '{to:.40}', which are not there")
            readers[at[made]].append(at[to])
            missing[at[to]] += 1
        ready = [index for index, count in enumerate(missing) if not count]
        heapify(ready)
        count = 0
        while ready:
            index = heappop(ready)
            count += 1
            yield layers[index]
            for reader in readers[index]:
                missing[reader] -= 1
                if not missing[reader]:
                    heappush(ready, reader)
        if count < len(layers):
            raise Unreadable("its layers read each other in a circle")

    # --- layers -------------------------------------------------------------------------------

    @staticmethod
    def tensor(layer: Layer, index: int) -> str:
        """The name of an output."""
        return f"{layer.id}:{layer.outputs[index].port}"

    def read(self, layer: Layer) -> list[str]:
        """The names of what a layer reads, in order."""
        edges = self.document.edges
        found = (edges.get((layer.id, port)) for port in layer.inputs)
        return [":".join(each) for each in found if each is not None]

    def add(self, layer: Layer) -> None:
        """The nodes, or the constants, of a layer."""
        names = self.read(layer)
        made = [self.tensor(layer, index) for index in range(len(layer.outputs))]
        if layer.type == "Const":
            self.add_constant(layer)
        elif layer.type == "ShapeOf" or (
            names and all(name in self.constants for name in names) and layer.type not in _LOOPS
        ):
            self.fold(layer, names)
        elif made:
            reading = Reading(layer, names, made, self.constants, self)
            rule = RULES.get(layer.type)
            found = rule(reading) if rule else reading.unmapped(f"no rule for {layer.type}")
            scope = _scope(layer.name) or self.scope_after(found, made)
            place = Place(self.file, 1, 1, 0, f"layer {layer.name}")
            self.nodes += [
                node._replace(place=place, name=layer.name, scope=() if idle(node) else scope)
                for node in found
            ]

    def scope_after(self, found: Sequence[Node], made: Sequence[str]) -> tuple[Group, ...]:
        """The module around the sum that a convolution took over, where a norm went into both."""
        after = next((name for node in found for name in node.outputs if name not in made), "")
        layer = self.document.layers.get(after.partition(":")[0])
        return _scope(layer.name)[:-1] if layer is not None else ()

    def add_constant(self, layer: Layer) -> None:
        """A constant: its sizes; its numbers are in another file."""
        for index, output in enumerate(layer.outputs):
            dims = tuple(size or 0 for size in output.sizes)
            is_float = layer.data.get("element_type", "") in _FLOATS
            learned = is_float and prod(dims) > 1
            kind = "float" if is_float else "int"
            name = self.tensor(layer, index)
            self.constants[name] = Constant(dims, None, kind, layer.name, dims, learned)

    def fold(self, layer: Layer, names: Sequence[str]) -> None:
        """Return what is computed of constants, or of sizes: the largest is what it stems from."""
        held = [self.constants[name] for name in names if name in self.constants]
        learned = [each for each in held if each.learned and layer.type != "ShapeOf"]
        source = max(learned, key=lambda each: prod(each.stored or each.dims), default=None)
        for index, output in enumerate(layer.outputs):
            dims = tuple(size or 0 for size in output.sizes)
            name = self.tensor(layer, index)
            if source is None or prod(dims) <= 1:
                self.constants[name] = Constant(dims, None, "float" if learned else "int")
            else:
                self.constants[name] = source._replace(dims=dims)

    def joined(self, tensor: str, kind: str) -> Joined | None:
        """The constant that a layer of some kind joins to a tensor that nothing else reads."""
        number, _, port = tensor.partition(":")
        readers = self.readers.get((number, port), [])
        if len(readers) != 1:
            return None
        layer = self.document.layers[readers[0][0]]
        others = [name for name in self.read(layer) if name != tensor]
        if layer.type != kind or len(others) != 1 or not layer.outputs:
            return None
        dims = self.peek(others[0])
        return None if dims is None else Joined(others[0], dims, self.tensor(layer, 0), layer.id)

    def peek(self, tensor: str) -> tuple[int, ...] | None:
        """The sizes of a constant that is perhaps made only later; None if it is computed."""
        number, _, port = tensor.partition(":")
        layer = self.document.layers[number]
        sizes = next((each.sizes for each in layer.outputs if each.port == port), ())
        for _ in range(8):
            if layer.type == "Const":
                return tuple(size or 0 for size in sizes)
            names = self.read(layer)
            if layer.type not in ("Convert", "Reshape", "Unsqueeze", "Multiply") or not names:
                return None
            layer = self.document.layers[names[0].partition(":")[0]]
        return None


def _scope(name: str) -> tuple[Group, ...]:
    """The modules that a layer's name tells of, as OpenVINO writes those of PyTorch and ONNX."""
    if name.startswith("/"):
        return scope_of_name(name)
    head, _, rest = name.partition("/")
    if not rest or not head.startswith("__module."):
        return ()
    parts = head.split(".")[1:]
    return tuple(Group(".".join(parts[: k + 1]), each) for k, each in enumerate(parts))
