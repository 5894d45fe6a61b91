"""Walks a Keras model and the models in it, and writes each call of a layer as foreign nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Graph, Input, Node, Sizes, Unreadable
from convcalc.importing.formats.keras.calls import (
    Call,
    Read,
    calls_of,
    name_of,
    objects,
    sizes_of,
)
from convcalc.importing.formats.keras.layers import LAYERS, OPERATIONS, Unfit
from convcalc.importing.formats.keras.settings import LayerCall
from convcalc.model.graph.network import Group

MOST_NODES = 200_000
MOST_DEPTH = 16  # of models in models
_AXES = {
    True: ("", "b", "bc", "b0c", "b01c", "b012c"),
    False: ("", "b", "bc", "bc0", "bc01", "bc012"),
}


def graph_of(model: Mapping[str, Any], file: str) -> Graph:
    """The graph of a model; Unreadable if it is damaged, or a class of the user's own."""
    try:
        return _Walk(model, file).graph()
    except RecursionError:
        raise Unreadable("it is nested too deep") from None


class _Walk:
    """One model on its way to a graph."""

    def __init__(self, model: Mapping[str, Any], file: str) -> None:
        self.model = model
        self.file = file
        self.nodes: list[Node] = []
        self.constants: dict[str, Constant] = {}
        self.shapes: dict[str, Sizes] = {}
        self.inputs: dict[str, Input] = {}
        self.called: dict[str, int] = {}
        self.is_last = _is_last(model)

    def graph(self) -> Graph:
        """The whole graph."""
        config = config_of(self.model)
        if not is_model(self.model):
            kind = self.model.get("class_name")
            message = f"'{kind}' is a class of its own, whose layers are in its code"
            raise Unreadable(message, "export it as ONNX, or build it of Keras' functional API")
        made = self.walk(self.model, None, "", "", (), True)
        if not self.inputs:
            advice = "call model.build((None, height, width, channels)) before it is saved"
            raise Unreadable("it was never built, so it has no input", advice)
        names = _output_names(config, len(made))
        name = config.get("name")
        return Graph(
            name if isinstance(name, str) else "",
            self.inputs,
            dict(zip(names, made, strict=True)),
            self.nodes,
            self.constants,
            self.shapes,
            shares=True,
        )

    # --- models -------------------------------------------------------------------------------

    def walk(
        self,
        model: Mapping[str, Any],
        given: Sequence[str] | None,
        path: str,
        weights: str,
        scope: tuple[Group, ...],
        trainable: bool,
    ) -> list[str]:
        """The outputs of a model applied to tensors, or to inputs of the graph if none are given.

        ``path`` is where its layers are; ``weights`` what their weights are called, whichever call
        of the model it is.
        """
        if len(scope) > MOST_DEPTH:
            raise Unreadable(f"models are nested more than {MOST_DEPTH} deep")
        config = config_of(model)
        trainable = trainable and config.get("trainable", True) is not False
        if is_functional(model):
            return self.functional(config, given, path, weights, scope, trainable)
        return self.sequential(config, given, path, weights, scope, trainable)

    def functional(
        self,
        config: Mapping[str, Any],
        given: Sequence[str] | None,
        path: str,
        weights: str,
        scope: tuple[Group, ...],
        trainable: bool,
    ) -> list[str]:
        """The outputs of a model whose layers say what they read."""
        calls, inputs, outputs = calls_of(config)
        layers = {name_of(each): each for each in objects(config.get("layers"), "layers")}
        if given is None:
            given = [self.add_input(layers.get(name, {}), name) for name, _, _ in inputs]
        if len(given) != len(inputs):
            raise Unreadable(f"a model of {len(inputs)} inputs is called with {len(given)}")
        tensors = {
            (name, number): [tensor]
            for (name, number, _), tensor in zip(inputs, given, strict=True)
        }
        for call in calls:
            if call.layer.get("class_name") == "InputLayer":
                continue
            reads = [self.tensor(tensors, read) for read in call.reads]
            names = {read.ref: name for read, name in zip(call.reads, reads, strict=True)}
            tensors[call.name, call.number] = self.call(
                call, names, path, weights, scope, trainable
            )
        return [self.tensor(tensors, Read(ref)) for ref in outputs]

    def tensor(self, tensors: Mapping[tuple[str, int], Sequence[str]], read: Read) -> str:
        """The name of a tensor, of which its reader states the sizes."""
        name, number, at = read.ref
        made = tensors.get((name, number))
        if made is None or not 0 <= at < len(made):
            raise Unreadable(f"there is no output {at} of call {number} of '{name}'")
        if read.sizes is not None:
            self.shapes.setdefault(made[at], read.sizes)
        return made[at]

    def sequential(
        self,
        config: Mapping[str, Any],
        given: Sequence[str] | None,
        path: str,
        weights: str,
        scope: tuple[Group, ...],
        trainable: bool,
    ) -> list[str]:
        """The output of a model whose layers follow each other."""
        layers = objects(config.get("layers"), "layers")
        if given is None:
            given = [self.add_input(*_first_input(config, layers))] if layers else []
        if len(given) != 1:
            raise Unreadable("a Sequential model has no input")
        made = list(given)
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                continue
            build = layer.get("build_config")
            sizes = sizes_of(build.get("input_shape")) if isinstance(build, dict) else None
            if sizes is not None:
                self.shapes.setdefault(made[0], sizes)
            read = Read(("", 0, 0), sizes)
            call = Call(layer, 0, (read,), (read,))
            made = self.call(call, {read.ref: made[0]}, path, weights, scope, trainable)
            if len(made) != 1:
                raise Unreadable("a layer of a Sequential model has several outputs")
        return made

    def add_input(self, layer: Mapping[str, Any], name: str) -> str:
        """An input of the graph, with the sizes that its layer states."""
        config = layer.get("config")
        config = config if isinstance(config, dict) else {}
        dims = sizes_of(config.get("batch_shape")) or sizes_of(config.get("batch_input_shape"))
        if dims is None:
            raise Unreadable("an input states no sizes", element=f"layer {name}")
        known = _AXES[self.is_last]
        self.inputs[name] = Input(dims, known[len(dims)] if len(dims) < len(known) else "")
        return name

    # --- layers -------------------------------------------------------------------------------

    def call(
        self,
        call: Call,
        names: Mapping[Any, str],
        path: str,
        weights: str,
        scope: tuple[Group, ...],
        trainable: bool,
    ) -> list[str]:
        """The outputs of a layer."""
        if len(self.nodes) > MOST_NODES:
            raise Unreadable(f"it has more than {MOST_NODES:,} nodes")
        own = f"{path}.{call.name}" if path else call.name
        number = self.called[own] = self.called.get(own, -1) + 1
        place = f"{own}[{number}]" if number else own
        shared = f"{weights}.{call.name}" if weights else call.name
        kind = str(call.layer.get("class_name"))
        inner = (*scope, Group(place, kind))
        if is_model(call.layer):
            given = [names[read.ref] for read in call.reads]
            self.count()
            return self.walk(call.layer, given, place, shared, inner, trainable)
        config = config_of(call.layer)
        writer = LayerCall(
            self,
            call,
            config,
            names,
            place,
            shared,
            inner,
            self.is_last,
            trainable and config.get("trainable", True) is not False,
        )
        table = OPERATIONS if _is_operation(call.layer) else LAYERS
        rule = table.get(kind) if _is_own(call.layer) else None
        start = len(self.nodes)
        try:
            if rule is None:
                raise Unfit(f"no rule for {kind}")
            return [rule(writer)]
        except Unfit as reason:
            del self.nodes[start:]
            return [writer.unmapped(str(reason))]

    def count(self) -> None:
        """Count a model that is called, which has perhaps no nodes."""
        self.models = getattr(self, "models", 0) + 1
        if self.models > MOST_NODES:
            raise Unreadable(f"it has more than {MOST_NODES:,} nodes")

    def add(self, node: Node) -> None:
        """Add a node to the graph."""
        self.nodes.append(node)

    def place(self, path: str) -> Place:
        """Where a layer is said to be."""
        return Place(self.file, 1, 1, 0, f"layer {path}")


def config_of(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a layer."""
    config = layer.get("config")
    if isinstance(config, list) and layer.get("class_name") == "Sequential":  # Keras 1
        return {"layers": config}
    if not isinstance(config, dict):
        raise Unreadable("a layer has no settings", element=f"layer {layer.get('name')!s:.60}")
    return config


def is_functional(layer: Mapping[str, Any]) -> bool:
    """Whether a model's layers say what they read; also one of a class derived from Keras'."""
    config = layer.get("config")
    return isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config)


def is_model(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is a model whose layers are in the file."""
    return is_functional(layer) or layer.get("class_name") == "Sequential"


def _is_own(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is one of Keras' own, and not of a class of the user's with such a name."""
    module = layer.get("module")
    registered = layer.get("registered_name")
    if module is None:  # of Keras 2
        return registered is None or (isinstance(registered, str) and "Custom>" not in registered)
    return isinstance(module, str) and module.partition(".")[0] in ("keras", "tf_keras")


def _is_operation(layer: Mapping[str, Any]) -> bool:
    module = layer.get("module")
    return isinstance(module, str) and ".ops." in module


def _is_last(model: Any) -> bool:
    """Whether channels come last: what the first layer that says it says."""
    for settings in _settings(model):
        found = settings.get("data_format")
        if found in ("channels_first", "channels_last"):
            return bool(found == "channels_last")
    return True


def _settings(model: Any) -> Iterator[Mapping[str, Any]]:
    config = model.get("config") if isinstance(model, dict) else None
    if isinstance(config, dict):
        yield config
        layers = config.get("layers")
        for layer in layers if isinstance(layers, list) else ():
            yield from _settings(layer)


def _first_input(
    config: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], str]:
    """The layer that states the input of a Sequential model, and the input's name."""
    first = layers[0]
    settings = config_of(first)
    if sizes_of(settings.get("batch_shape")) or sizes_of(settings.get("batch_input_shape")):
        is_input = first.get("class_name") == "InputLayer"
        return first, name_of(first) if is_input else "input"
    build = first.get("build_config")
    for stated in (
        config.get("build_input_shape"),
        build.get("input_shape") if isinstance(build, dict) else None,
    ):
        if sizes_of(stated):
            return {"config": {"batch_shape": list(sizes_of(stated) or ())}}, "input"
    if is_functional(first):
        inner = objects(settings.get("layers"), "layers")
        return next((each for each in inner if each.get("class_name") == "InputLayer"), {}), "input"
    if is_model(first):
        inner = objects(settings.get("layers"), "layers")
        if inner:
            return _first_input(settings, inner)
    advice = "call model.build((None, height, width, channels)) before it is saved"
    raise Unreadable("it was never built, so it has no input", advice)


def _output_names(config: Mapping[str, Any], count: int) -> list[str]:
    """Return what the outputs are called: the layers that make them."""
    outputs = config.get("output_layers")
    if not outputs:
        return [f"output[{i}]" if count > 1 else "output" for i in range(count)]
    _, _, refs = calls_of(config)
    found: list[str] = []
    for name, _, _ in refs:
        again = sum(each == name or each.startswith(f"{name}[") for each in found)
        found.append(f"{name}[{again}]" if again else name)
    return found
