"""Traces the numbers of a layer to their source: an expression, param, variant, loop or default.

:class:`Origins` observes the expansion of a network. For each requested layer it follows every
field from its text in the file through the names it uses, call by call, to the numbers that were
written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import Rejected
from convcalc.language.expand.scopes import Call, Frame
from convcalc.language.expand.tensors import EVERY
from convcalc.language.parse.coercion import field_words
from convcalc.language.parse.tree import COMPOSITES, Argument, Unit
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import free_names
from convcalc.language.syntax.sizes import BLOCK, CHANNELS, OF_BLOCK, SIZES, value_in
from convcalc.model.graph.paths import may_refer_to
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import fields_of


class Origin(NamedTuple):
    """The origin of one value: ``text`` is what the file says, ``how`` describes its role.

    ``parts`` are the origins of the names in ``text``; ``place`` is None for a value that is not
    written in a file.
    """

    name: str
    value: Any
    text: str
    how: str
    place: Place | None = None
    parts: tuple[Origin, ...] = ()


class Origins:
    """Records the origins of the fields of the given layers, by path; of all layers if None."""

    def __init__(self, paths: frozenset[str] | None = None) -> None:
        self.paths = paths
        self.found: dict[str, tuple[Origin, ...]] = {}
        self.unit: Unit

    def __call__(self, call: Call, unit: Unit) -> None:
        """Records one layer, while its scope is still the one that the layer was made in."""
        if self.paths is None or any(may_refer_to(path, call.path) for path in self.paths):
            self.unit = unit
            self.found[call.path] = tuple(self.field_origins(call))

    def field_origins(self, call: Call) -> list[Origin]:
        """The origins of all fields of a layer, given or default."""
        assert call.item.operator is not None
        given = {argument.name: argument for argument in call.item.arguments}
        return [
            self.field_origin(name, field, given.get(name), call)
            for name, field in fields_of(call.item.operator).items()
        ]

    def field_origin(
        self, name: str, field: Field, argument: Argument | None, call: Call
    ) -> Origin:
        """The origin of one field; its value is None here, because the operator holds it."""
        if argument is None:
            return Origin(name, None, "", "default")
        if argument.reference is not None:
            return Origin(name, None, argument.reference.text, "layer", argument.node.place)
        parts = self.name_origins(argument.node, field_words(field), call)
        return Origin(name, None, text_of(argument.node), "given", argument.node.place, parts)

    # --- names --------------------------------------------------------------------------------

    def name_origins(
        self, node: nodes.Node, words: tuple[str, ...], call: Call
    ) -> tuple[Origin, ...]:
        """The origins of the names that a node of an item uses."""
        return tuple(self.name_origin(name, call) for name in _names(node, words, call.scope))

    def name_origin(self, name: str, call: Call) -> Origin:
        """The origin of a name that an item uses: one of its own loops, or from outside."""
        item, value = call.item, call.scope.get(name)
        for loop, node in item.loops:
            if loop == name:
                return self.loop_origin(name, node, call)
        if name == "i" and item.indexed:
            node = item.repeat[1] if item.repeat else item.loops[0][1]
            what = "repeat" if item.repeat else "for"
            return Origin(name, value, "", f"index of the {what}", node.place)
        if is_size(name, call.scope) and not name.startswith("block."):
            label = call.inputs[0].label if call.inputs[0] else ""
            what = "channels" if name == CHANNELS else name
            return Origin(name, value_in(call.scope, name), "", f"{what} of {label}")
        return self.outer_origin(name, call.frame)

    def loop_origin(self, name: str, node: nodes.Node, call: Call) -> Origin:
        """The origin of a ``for`` variable: one value of its list."""
        value = call.scope[name]
        if isinstance(node, nodes.Sequence) and not any(
            _names_several(part, call.frame) for part in node.items
        ):
            how, part = f"for, value {call.turn + 1} of {len(node.items)}", node.items[call.turn]
            parts = self.outer_origins(part, call.frame)
            return Origin(name, value, text_of(part), how, part.place, parts)
        text = f"{text_of(node)}[{call.turn}]"
        parts = self.outer_origins(node, call.frame)
        return Origin(name, value, text, "for", node.place, parts)

    def outer_origins(self, node: nodes.Node, frame: Frame) -> tuple[Origin, ...]:
        """The origins of the names in a node that is evaluated outside an item's own loops."""
        return tuple(self.outer_origin(name, frame) for name in _names(node, (), frame.scope))

    def outer_origin(self, name: str, frame: Frame) -> Origin:
        """The origin of a name from outside an item: from a composite, its block, or the file."""
        call = frame.call
        if call is None:
            return file_param(name, self.unit)
        if call.item.kind in COMPOSITES:
            return self.name_origin(name, call)
        block, value = call.item.block, frame.scope.get(name)
        assert block is not None
        if is_size(name, frame.scope):
            label = call.inputs[0].label if call.inputs[0] else ""
            size = name.removeprefix("block.")
            what = (
                f"{'channels' if size == CHANNELS else size} of {label}, the input of {block.name}"
            )
            return Origin(name, value_in({BLOCK: frame.scope[BLOCK]}, f"block.{size}"), "", what)
        if name not in block.params:
            return file_param(name, block.unit)
        for argument in call.item.arguments:
            if argument.name == name:
                how, node = f"param of {block.name}", argument.node
                layers = argument.references is not None
                parts = () if layers else self.name_origins(node, (), call)
                return Origin(name, value, text_of(node), how, node.place, parts)
        default = block.params[name].default
        assert default is not None
        parts = self.outer_origins(default, frame)
        how = f"default of a param of {block.name}"
        return Origin(name, value, text_of(default), how, default.place, parts)


def file_param(name: str, unit: Unit) -> Origin:
    """The origin of a file's param: the command line, a variant, or its default."""
    node, value = unit.given.get(name), unit.scope.get(name)
    if node is None:  # params of an imported file keep their defaults
        node = unit.params[name].default
    assert node is not None
    if node is unit.params[name].default:
        how = "default of a param of the file"
    elif node.place.file.startswith("<"):
        return Origin(name, value, text_of(node), "set for this run")
    elif node.place.file != unit.file:
        return Origin(name, value, text_of(node), f"value in {node.place.file}", node.place)
    else:
        how = f"variant {_variant(node, unit)}"
    parts = tuple(file_param(used, unit) for used in _names(node, (), unit.scope))
    return Origin(name, value, text_of(node), how, node.place, parts)


def _variant(node: nodes.Node, unit: Unit) -> str:
    """The name of the variant whose mapping holds a node; empty if none does."""
    for name, mapping in unit.variants.items():
        if any(value is node for _, value in mapping.entries):
            return name
    return ""


def is_size(name: str, scope: Mapping[str, Any]) -> bool:
    """Whether a name stands for a size of what is read, and for no param."""
    return name == CHANNELS or name in OF_BLOCK or (name in SIZES and name not in scope)


def _names(
    node: nodes.Node, words: tuple[str, ...], scope: Mapping[str, Any]
) -> dict[str, nodes.Scalar]:
    """The names of a scope that a node uses, in the order of the text.

    Bare ``words`` that stand for themselves are not names.
    """
    try:
        found = free_names(node, words)
    except Rejected:  # not an expression: a count with a suffix, or a text
        return {}
    return {
        name: found[name]
        for name in sorted(found, key=_position(found))
        if name in scope or is_size(name, scope)
    }


def _position(found: Mapping[str, nodes.Scalar]) -> Callable[[str], tuple[Place, int]]:
    """A sort key: the place of a name in the text."""

    def position(name: str) -> tuple[Place, int]:
        at = re.search(rf"\b{re.escape(name)}\b", found[name].text)
        return found[name].place, at.start() if at else 0

    return position


def text_of(node: nodes.Node) -> str:
    """The text of a node, in YAML flow style."""
    if isinstance(node, nodes.Sequence):
        return f"[{', '.join(map(text_of, node.items))}]"
    if isinstance(node, nodes.Mapping):
        return f"{{{', '.join(f'{key.text}: {text_of(value)}' for key, value in node.entries)}}}"
    return node.text


def _names_several(node: nodes.Node, frame: Frame) -> bool:
    """Whether an item of a list stands for any number of layers."""
    text = node.text if isinstance(node, nodes.Scalar) else ""
    return EVERY in text or text in frame.lists
