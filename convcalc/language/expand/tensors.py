"""Resolve references: ids, paths, rounds of loops from either end, lists of layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise, listing
from convcalc.diagnostics.work import current
from convcalc.language.expand.scopes import FAILED, Frame
from convcalc.language.parse.tree import Reference
from convcalc.language.syntax import nodes
from convcalc.model.graph.assembly import Tensor, Value

LISTS = "lists of layers in calls of blocks"
EVERY = "[*]"  # behind an id: all rounds of its loop
# Texts: most runs use neither, and compiling one takes as long as reading a layer.
_INDEX = r"\[(-?[0-9]{1,9})\]"
_FROM_END = r"\[-([0-9]{1,9})\]"


class Tensors:
    """All tensors of a network by path; resolves references to them."""

    def __init__(self, ports: dict[str, Tensor]) -> None:
        self.by_path: dict[str, Value] = {}
        self.path_at: dict[str, str] = {}  # by id, with the prefix of its block, where it differs
        self.ports = ports  # further outputs of layers, by path
        # By id of an item with a loop, with its prefix: the rounds so far.
        self.rounds: dict[str, int] = {}

    def resolve_all(
        self, reference: Reference, prev: Value, frame: Frame, scope: Mapping[str, Any]
    ) -> list[Value]:
        """The tensors that a reference names: see ``single``."""
        if EVERY not in reference.text and reference.text not in frame.lists:
            return [self.resolve(reference, prev, frame, scope)]
        return [self.resolve(each, prev, frame, scope) for each in self.single(reference, frame)]

    def single(self, reference: Reference, frame: Frame) -> list[Reference]:
        """The references to one tensor each that a reference stands for.

        ``id[*]`` are all rounds so far, in order; behind it may stand a path inside each round:
        ``unit[*].skip``. A param of the type refs is all layers that the call names.
        """
        text = self.from_start(reference.text, frame)
        name, star, rest = text.partition(EVERY)
        if not star and name not in frame.lists:
            return [reference]
        found = self.count(name, frame)
        if found is None:
            raise unknown_reference(reference, frame)
        current().spend(frame.lists.get(name, 0), LISTS)
        parts = (Reference(f"{name}[{k}]{rest}", reference.place) for k in range(found))
        return [each for part in parts for each in self.single(part, frame)]

    def count(self, name: str, frame: Frame) -> int | None:
        """The rounds so far of a loop, or the layers of a list; None if it is neither."""
        if name in frame.lists:
            return frame.lists[name]
        path = frame.path_of(name)
        found = self.rounds.get(path)
        return self.rounds.get(self.latest(path)) if found is None else found

    def from_start(self, text: str, frame: Frame) -> str:
        """A reference whose rounds are counted from the start: ``m[-1]`` of three is ``m[2]``."""
        while "[-" in text and (match := re.search(_FROM_END, text)):
            name = text[: match.start()]
            index = (self.count(name, frame) or 0) - int(match[1])
            if index < 0:
                return text
            text = f"{name}[{index}]{text[match.end() :]}"
        return text

    def latest(self, path: str) -> str:
        """The path of a layer; where the round of a loop is not given, of its last round."""
        at = self.path_at.get(path, path)
        if at in self.by_path or "." not in path:
            return at
        at = ""
        for component in path.split("."):
            at += component
            at = f"{self.path_at.get(at, at)}."
        return at[:-1]

    def named(self, node: nodes.Scalar, frame: Frame) -> Tensor | list[Tensor] | None:
        """Return what a word in the list of a ``for`` names: a tensor, those of a list, or none."""
        if EVERY in node.text or node.text in frame.lists:
            found = self.resolve_all(Reference(node.text, node.place), None, frame, frame.scope)
            return [tensor or FAILED for tensor in found]
        text = self.from_start(node.text, frame)
        if text in frame.tensors:
            return frame.tensors[text] or FAILED
        if "." not in text:
            return None
        path = self.latest(frame.path_of(text))
        return self.by_path[path] or FAILED if path in self.by_path else None

    def resolve(
        self, reference: Reference, prev: Value, frame: Frame, scope: Mapping[str, Any]
    ) -> Value:
        """The tensor that a reference names; Rejected if there is none.

        A reference is ``prev``, a loop variable, an id, a ref param, or the path of a layer above
        within the same block. A block does not see the layers of its caller.
        """
        text = reference.text
        if text == "prev":
            return prev
        value = scope.get(text)
        if isinstance(value, Tensor):
            return None if value is FAILED else value
        text = self.from_start(text, frame)
        if text in frame.tensors:
            return frame.tensors[text]
        path = self.latest(frame.path_of(text))
        if path in self.by_path:
            return self.by_path[path]
        head, _, port = text.rpartition(".")
        owner = prev if head == "prev" else frame.tensors.get(head)
        if owner is not None and f"{owner.label}.{port}" in self.ports:
            return self.ports[f"{owner.label}.{port}"]
        head = text.replace("[", ".").partition(".")[0]
        if head in frame.tensors and frame.tensors[head] is None:
            return None
        raise self.unknown(reference, frame)

    def unknown(self, reference: Reference, frame: Frame) -> Rejected:
        """The exception for a reference that names no layer; of a loop it says how many rounds."""
        text = reference.text
        for match in re.finditer(_INDEX, text):
            name, index = text[: match.start()], int(match[1])
            found = self.count(name, frame)
            if found is not None and not -found <= index < found:
                kind = ("layer" if name in frame.lists else "round") + "s" * (found != 1)
                so_far = "" if name in frame.lists else " so far"
                message = f"there is no '{name}[{index}]': '{name}' has {found} {kind}{so_far}"
                advice = f"{name}[0] is the first, {name}[-1] the last" if found else ""
                return rejected("unknown-name", message, reference.place, advice)
        return unknown_reference(reference, frame)


def unknown_reference(reference: Reference, frame: Frame) -> Rejected:
    """The exception for a reference that does not name one layer above it."""
    if reference.text in frame.lists:
        message = f"'{reference.text}' is a list of layers, but one is needed"
        return rejected("wrong-type", message, reference.place, f"for instance {reference.text}[0]")
    if reference.text in frame.left_out:
        message = f"'{reference.text}' was left out by its 'if' or 'repeat'"
        return rejected(
            "unknown-name", message, reference.place, "read it under the same condition"
        )
    current().spend(1 + len(frame.tensors) // 16, "names that are not known")
    if frame.call and frame.within and reference.text in frame.call.frame.tensors:
        block, name = frame.within[0], reference.text
        message = f"'{name}' is a layer of the caller, which block '{block}' does not see"
        advice = f"give '{block}' the param '{name}: ref', and call it with '{name}: {name}'"
        return rejected("unknown-name", message, reference.place, advice)
    names = listing(dict.fromkeys(["prev", *frame.tensors]))
    listed = f"names so far: {names}; a layer reads what is above it"
    advice = advise(reference.text, frame.tensors, listed)
    message = f"no layer above has the id '{reference.text}'"
    return rejected("unknown-name", message, reference.place, advice)
