"""The calls of layers in a Keras model: which layer, of which tensors, in an order that works.

Keras 3 writes a call's arguments with the tensors among them; Keras 2 a list of tensors, each by
its layer, the number of that layer's call, and the number of the output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from convcalc.importing.foreign import Sizes, Unreadable

Ref = tuple[str, int, int]  # layer, number of its call, number of the output

_First = tuple[Mapping[str, int], Mapping[str, int]]  # of what calls read, and of outputs


class Read(NamedTuple):
    """A tensor that a call reads, with the sizes that the file states for it."""

    ref: Ref
    sizes: Sizes | None = None


class Call(NamedTuple):
    """A layer applied to tensors; ``arguments`` are all that it was called with, in order."""

    layer: Mapping[str, Any]
    number: int
    reads: tuple[Read, ...]
    arguments: tuple[Any, ...] = ()  # tensors as Read
    named: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """The name of the layer."""
        return name_of(self.layer)


def calls_of(config: Mapping[str, Any]) -> tuple[list[Call], list[Ref], list[Ref]]:
    """The calls of a functional model in order, and its inputs and outputs."""
    layers = objects(config.get("layers"), "layers")
    if len({name_of(layer) for layer in layers}) < len(layers):
        raise Unreadable("two of its layers have one name")
    calls = [call for layer in layers for call in _calls(layer)]
    inputs, outputs = (list(_refs(config.get(key))) for key in ("input_layers", "output_layers"))
    first, last = _first_numbers(layers, calls)
    calls = [_renumbered(call, first) for call in calls]
    outputs = [(name, max(0, number - last.get(name, 0)), at) for name, number, at in outputs]
    return _ordered(calls, inputs), inputs, outputs


def name_of(layer: Mapping[str, Any]) -> str:
    """The name of a layer."""
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    if not isinstance(name, str) or not name:
        raise Unreadable("a layer has no name")
    return name


def objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    """A list of objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Unreadable(f"its {what} are not a list of objects")
    return value


def _calls(layer: Mapping[str, Any]) -> Iterator[Call]:
    nodes = layer.get("inbound_nodes") or []
    if not isinstance(nodes, list):
        raise Unreadable("what a layer reads is not a list", element=f"layer {name_of(layer)}")
    if nodes and _is_ref(nodes[0]):  # Keras 1 and 2 of a single node
        nodes = [nodes]
    for number, node in enumerate(nodes):
        if isinstance(node, dict):
            args, kwargs = node.get("args") or [], node.get("kwargs") or {}
            if not isinstance(args, list) or not isinstance(kwargs, dict):
                raise Unreadable("a call has no arguments", element=f"layer {name_of(layer)}")
            arguments = tuple(map(_argument, args))
            named = {key: _argument(value) for key, value in kwargs.items()}
            reads = tuple(_flat([*arguments, *named.values()]))
            yield Call(layer, number, reads, arguments, named)
        elif isinstance(node, list):
            reads = tuple(Read(ref) for ref in _refs(node))
            named = node[0][3] if node and len(node) == 1 and len(node[0]) == 4 else {}
            yield Call(layer, number, reads, reads, named if isinstance(named, dict) else {})
        else:
            raise Unreadable("a call is not an object", element=f"layer {name_of(layer)}")


def _argument(value: Any) -> Any:
    """An argument with its tensors as Read."""
    if isinstance(value, list):
        return [_argument(each) for each in value]
    if isinstance(value, dict):
        config = value.get("config")
        if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
            (ref,) = _refs(config.get("keras_history"))
            return Read(ref, sizes_of(config.get("shape")))
        if value.get("class_name") == "__tuple__":
            return _argument(list(value.get("items") or []))
        return {key: _argument(each) for key, each in value.items()}
    return value


def _flat(value: Any) -> Iterator[Read]:
    if isinstance(value, Read):
        yield value
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _flat(each)


def sizes_of(value: Any) -> Sizes | None:
    """Sizes as a file states them; None if there are none."""
    if isinstance(value, dict):  # of a tuple
        value = value.get("items")
    if not isinstance(value, list):
        return None
    if not all(each is None or type(each) is int for each in value):
        return None
    return tuple(value)


def _is_ref(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and type(value[1]) is int
        and type(value[2]) is int
    )


def _refs(value: Any) -> Iterator[Ref]:
    """The tensors in nested lists, or in an object by name."""
    if _is_ref(value):
        yield value[0], value[1], value[2]
    elif isinstance(value, dict):
        for each in value.values():
            yield from _refs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _refs(each)
    else:
        raise Unreadable(f"a tensor is {value!r:.40}, not a layer's name with two numbers")


def _first_numbers(layers: Sequence[Mapping[str, Any]], calls: Sequence[Call]) -> _First:
    """From which number on the calls of nested models count.

    Such a model has a call of its own, with its own inputs, that is not in the file. Keras 2 counts
    it everywhere, if there was one; Keras 3 in the list of outputs alone, for functional models.
    """
    counts = Counter(call.name for call in calls)
    numbers: dict[str, list[int]] = {}
    for call in calls:
        for read in call.reads:
            numbers.setdefault(read.ref[0], []).append(read.ref[1])
    reads, outputs = {}, {}
    for layer in layers:
        name, config = name_of(layer), layer.get("config")
        if not counts[name] or not isinstance(config, dict) or "layers" not in config:
            continue
        is_past = max(numbers.get(name, [0])) >= counts[name]
        if "module" in layer:
            reads[name] = int(is_past)
            outputs[name] = int("output_layers" in config)
        else:
            reads[name] = outputs[name] = int(0 not in numbers.get(name, []))
    return reads, outputs


def _renumbered(call: Call, first: Mapping[str, int]) -> Call:
    if not any(read.ref[0] in first for read in call.reads):
        return call

    def of(value: Any) -> Any:
        if isinstance(value, Read):
            name, number, at = value.ref
            return value._replace(ref=(name, number - first.get(name, 0), at))
        if isinstance(value, dict):
            return {key: of(each) for key, each in value.items()}
        return [of(each) for each in value] if isinstance(value, list) else value

    reads = tuple(map(of, call.reads))
    return call._replace(
        reads=reads,
        arguments=tuple(map(of, call.arguments)),
        named={key: of(each) for key, each in call.named.items()},
    )


def _ordered(calls: Sequence[Call], inputs: Sequence[Ref]) -> list[Call]:
    """The calls so that each reads what was made before, as far as possible in their own order."""
    at = {(call.name, call.number): index for index, call in enumerate(calls)}
    given = {(name, number) for name, number, _ in inputs}
    readers: dict[int, list[int]] = {}
    missing = [0] * len(calls)
    for index, call in enumerate(calls):
        for name, number in {(read.ref[0], read.ref[1]) for read in call.reads} - given:
            maker = at.get((name, number))
            if maker is None:
                message = f"it reads a tensor of '{name}' that no call makes"
                raise Unreadable(message, element=f"layer {call.name}")
            readers.setdefault(maker, []).append(index)
            missing[index] += 1
    ready = [index for index, count in enumerate(missing) if not count]
    heapify(ready)
    found = []
    while ready:
        index = heappop(ready)
        found.append(calls[index])
        for reader in readers.get(index, ()):
            missing[reader] -= 1
            if not missing[reader]:
                heappush(ready, reader)
    if len(found) < len(calls):
        raise Unreadable("its layers read each other in a circle")
    return found
