"""A network as a flat body: one term for each of its layers, with its fields as a file has them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from convcalc.exporting.source.terms import NONE, Op
from convcalc.model.graph.network import (
    CONTAINER,
    FUNCTION,
    METHOD,
    SUBCLASS,
    Layer,
    Network,
    parts_of,
)
from convcalc.model.operators.contract import Recorded
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import fields_of
from convcalc.model.operators.values import default_value
from convcalc.model.quantities.unknown import UNKNOWN

# What is never a module, so that no tool counts it otherwise by the form that it has in code.
JOINS = frozenset(("add", "mul", "concat", "maximum"))
_FORMS = {
    FUNCTION: ("functional", True),
    METHOD: ("functional", METHOD),
    SUBCLASS: ("subclass", True),
    CONTAINER: ("subclass", CONTAINER),
}


def flat_body(network: Network, offset: int = 0) -> list[Op]:
    """A term for each layer, in order; further outputs of a layer belong to its term.

    ``offset`` is added to the numbers of tensors, to tell those of several networks apart.
    """
    found: list[Op] = []
    skip = 0
    for number, layer in enumerate(network.layers, len(network.inputs) + offset):
        if skip:
            skip -= 1
            continue
        names = list(layer.analysis.ports)
        skip = len(names)
        ports = {number + 1 + index: name for index, name in enumerate(names)}
        fields = fields_at(layer)
        layers = sum(isinstance(v, Recorded) for v in vars(layer.operator).values())
        owner = network.tensor(layer.shares) + offset if layer.shares >= 0 else NONE
        inputs = tuple(tensor + offset for tensor in layer.inputs)
        found.append(
            Op(
                layer.name,
                fields,
                inputs,
                number,
                layer.path,
                beside=_beside(layer, network),
                ports=ports,
                layers=inputs[len(inputs) - layers :] if layers else (),
                owner=owner,
            )
        )
    return found


def _beside(layer: Layer, network: Network) -> Mapping[str, Any]:
    """Return what is beside the type of a layer."""
    found: dict[str, Any] = {}
    if layer.note:
        found["note"] = layer.note
    if not layer.trainable:
        found["trainable"] = False
    if layer.form and layer.name not in JOINS:
        parts = parts_of(layer.form)
        key, value = _FORMS[next(iter(parts.values()), layer.form)]
        found[key] = {name: _FORMS[form][1] for name, form in parts.items()} or value
    if layer.shares >= 0 and layer.own:
        stored = network.layers[layer.shares].analysis.stored
        found["only"] = tuple(name for name in stored if name not in layer.own)
    return found


def fields_at(layer: Layer) -> dict[str, Any]:
    """The fields of a layer as a file writes them, those at their defaults too, in the order in
    which they are declared; a layer that one names is left to the inputs."""
    operator = layer.operator
    return {
        name: written(getattr(operator, name), declared)
        for name, declared in fields_of(type(operator)).items()
        if declared.kind != "layer"
    }


def defaults_at(layer: Layer) -> dict[str, Any]:
    """The defaults of the fields of a layer, as :func:`fields_at` writes values."""
    rank = layer.shapes[0].rank if layer.shapes else 0
    return {
        name: written(default_value(name, declared, rank), declared)
        for name, declared in fields_of(type(layer.operator)).items()
        if not declared.required and declared.kind != "layer"
    }


def written(value: Any, declared: Field) -> Any:
    """A value in canonical form as a file writes it: one number for all axes where they agree."""
    if value is UNKNOWN:
        return None
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    if not isinstance(value, tuple | list):
        return value
    parts = tuple(written(part, declared) for part in value)
    if declared.kind == "padding":
        parts = tuple(
            part[0] if isinstance(part, tuple) and len(set(part)) == 1 else part for part in parts
        )
    if declared.kind in _PER_AXIS and parts and len(set(parts)) == 1:
        alone = parts[0]
        return parts if isinstance(alone, tuple) else alone
    return parts


_PER_AXIS = ("axes", "scales", "sizes", "padding", "extent")
