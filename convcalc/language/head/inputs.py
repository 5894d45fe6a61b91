"""The inputs of a network: their shapes, from the file or from the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import trunc
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.language.head.head import Head
from convcalc.language.input_order import misordered
from convcalc.language.sources.target import TargetError
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import value_of
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

Size = int | None
Inputs = Mapping[str, Sequence[Size]] | Sequence[Size] | None


def declared_inputs(head: Head) -> dict[str, nodes.Node]:
    """The nodes of ``input: [...]`` or ``inputs: {name: [...]}``, by name."""
    single, several = head.top("input"), head.top("inputs")
    if single is not None and several is not None:
        place = several.place
        head.problem("duplicate-key", "both 'input' and 'inputs' are given", place)
    if several is not None:
        return {key.text: node for key, node in head.units.entries(several, "inputs")}
    if single is not None:
        return {"input": single}
    return {}


class InputShapes:
    """The shapes of the inputs of one network; ``sources`` takes the texts of given ones."""

    def __init__(self, head: Head, batch: int, sources: dict[str, str]) -> None:
        self.head = head
        self.batch = batch
        self.sources = sources

    def shapes(self, given: Inputs) -> dict[str, Shape]:
        """The shapes of the inputs, from the caller or the file; empty if one is wrong."""
        declared = declared_inputs(self.head)
        if given is None:
            wanted: Mapping[str, Sequence[Size]] = {}
        elif isinstance(given, Mapping):
            wanted = given
        elif len(declared) > 1:
            names = ", ".join(declared)
            raise TargetError("the network has several inputs", f"name them: {names}")
        else:
            wanted = {next(iter(declared), "input"): given}
        shapes: dict[str, Shape] = {}
        for name in [*declared, *wanted]:
            if name in shapes:
                continue
            if declared and name not in declared:
                advice = advise(name, declared, "inputs:")
                raise TargetError(f"unknown input '{name}'", advice)
            node = declared.get(name)
            try:
                shape = self.file_shape(name, node) if node is not None else None
            except Rejected as error:
                shape = None
                if name not in wanted:
                    self.head.report(*error.diagnostics)
                    continue
            if name in wanted:
                shapes[name] = self.given_shape(name, wanted[name], shape)
            elif shape is not None:
                shapes[name] = shape
            self.check_order(name, shapes[name], wanted.get(name), node, shape)
        return {} if len(shapes) < len(declared) else shapes

    def check_order(
        self,
        name: str,
        shape: Shape,
        given: Sequence[Size] | None,
        node: nodes.Node | None,
        declared: Shape | None,
    ) -> None:
        """Warns of an input whose sizes look as if they stood in another order."""
        found = misordered(shape.dims[1:], declared if given is not None else None)
        if found is None:
            return
        meant = ", ".join("null" if not known(size) else str(size) for size in found.meant)
        place, advice = node.place if node else Place(self.head.unit.file, 1, 1), f"[{meant}]"
        if given is not None or place.file.startswith("<"):
            advice = meant.replace(", ", "x").replace("null", "?")
        if given is not None:
            text = _text_of(given)
            source = f"<{name} {text}>"
            self.sources[source] = text
            place = Place(source, 1, 1, len(text) + 1)
        advice = f"channels come first, and no batch: {advice}"
        self.head.problem(found.rule, found.message, place, advice)

    def file_shape(self, name: str, node: nodes.Node) -> Shape:
        """The shape of an input that the file declares; Rejected if it is not a list of sizes."""
        what = "input" if name == "input" else f"input '{name}'"
        sizes = (
            value_of(node, self.head.unit.scope) if not isinstance(node, nodes.Mapping) else None
        )
        if not isinstance(sizes, list) or not 1 <= len(sizes) <= 4:
            message = f"{what} needs a list: channels, then up to 3 spatial sizes"
            raise rejected("wrong-type", message, node.place, "for instance [3, 224, 224]")
        items = node.items if isinstance(node, nodes.Sequence) else [node] * len(sizes)
        for k, size in enumerate(sizes):
            sizes[k] = _file_size(what, k, size, items[k].place)
        return Shape(self.batch, sizes[0], tuple(sizes[1:]))

    def given_shape(self, name: str, sizes: Sequence[Size], declared: Shape | None) -> Shape:
        """The shape of an input that the caller gives; TargetError if it does not fit."""
        if declared is not None and len(sizes) != declared.rank + 1:
            text = _text_of(sizes)
            count = "1 size" if len(sizes) == 1 else f"{len(sizes)} sizes"
            axes = "channels" if declared.rank == 0 else "channels and spatial sizes"
            message = f"input {text} has {count}, but the network's has {declared.rank + 1}"
            raise TargetError(
                message, f"give {axes}, for instance {'x'.join(map(str, declared.dims[1:]))}"
            )
        if not 1 <= len(sizes) <= 4 or sizes[0] is None:
            message = f"input {_text_of(sizes)} needs channels and up to 3 spatial sizes"
            raise TargetError(message, "for instance 3x224x224")
        if any(size is not None and size < 1 for size in sizes):
            raise TargetError(f"input {_text_of(sizes)} has a size below 1")
        spatial = tuple(UNKNOWN if size is None else size for size in sizes[1:])
        return Shape(self.batch, sizes[0], spatial)


def _text_of(sizes: Sequence[Size]) -> str:
    return "x".join("?" if size is None else str(size) for size in sizes)


def _file_size(what: str, index: int, size: Any, place: Place) -> int:
    """One size of an input, at least 1; null is an unknown spatial size."""
    if size is None and index > 0:
        return UNKNOWN
    if isinstance(size, float) and size.is_integer():
        size = trunc(size)
    if isinstance(size, bool) or not isinstance(size, int):
        part = "channels" if index == 0 else "a size"
        message = f"{what} has {format_value(size)} as {part}, but an integer is expected"
        raise rejected("wrong-type", message, place)
    if size < 1:
        raise rejected("out-of-range", f"{what} has size {size}, but must be at least 1", place)
    return size
