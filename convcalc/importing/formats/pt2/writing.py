"""Tensors that a program writes to: who reads them afterwards reads something else.

``x.relu_()`` is what ``x.relu()`` is, as long as nobody looks at ``x`` through another tensor. But
``x[:, :8] += y`` changes a part of ``x``; who reads ``x`` later reads something that was
put together of two tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Node, Sizes
from convcalc.importing.formats.pt2.schema import Ref
from convcalc.model.graph.network import Group

_VIEWS = (  # whose output is a part of what they read, so that it changes when that is written to
    *("alias", "detach", "diagonal", "expand", "narrow", "permute", "select", "slice", "squeeze"),
    *("t", "transpose", "unsqueeze", "view", "view_as"),
)


class Written:
    """Which tensors are parts of others, and what became of those that were written to.

    Each write makes a new version of a whole tensor; a part of an older one is out of date.
    """

    def __init__(self, shapes: dict[str, Sizes]) -> None:
        self.shapes: dict[str, Sizes] = shapes
        self.whole: dict[str, str] = {}  # of a part: the tensor that it is a part of
        self.wholes: set[str] = set()  # tensors that have parts
        self.version: dict[str, int] = {}  # of a whole tensor: how often it was written to
        self.made: dict[str, int] = {}  # of a part: the version that it shows
        self.last: dict[str, str] = {}  # of a whole tensor: the part that was written last
        self.renamed: dict[str, str] = {}

    def current(self, name: str) -> str:
        """The name of what a tensor is after all that was written to it as a whole."""
        seen = set()
        while name in self.renamed and name not in seen:
            seen.add(name)
            name = self.renamed[name]
        return name

    def argument(
        self, value: Any, nodes: list[Node], name: str, place: Place, scope: Sequence[Group]
    ) -> Any:
        """An argument with the names of what its tensors are now.

        One that is out of date becomes a tensor into which another was written.
        """
        if isinstance(value, list):
            return [self.argument(each, nodes, name, place, scope) for each in value]
        if not isinstance(value, Ref):
            return value
        found = self.current(str(value))
        whole = self.whole.get(found, found)
        version = self.version.get(whole, 0)
        if self.made.get(found, 0) == version:
            return Ref(found)
        changed = f"{found}.changed{version}"
        sizes = self.shapes[changed] = self.shapes.get(found, ())
        inputs, values = (found, self.last[whole]), {"sizes": sizes}
        nodes.append(Node("Overwrite", inputs, (changed,), values, name, place, tuple(scope)))
        self.renamed[found] = changed
        self.whole[changed], self.made[changed] = whole, version
        return Ref(changed)

    def follow(self, op: str, source: Any, outputs: Sequence[str], *, is_written: bool) -> None:
        """Note what a node does: ``source`` is what it reads first."""
        if not isinstance(source, Ref) or len(outputs) != 1:
            return
        name, output = str(source), outputs[0]
        whole = self.whole.get(name, name)
        if is_written:
            self.renamed[name] = output
            if whole in self.wholes:
                version = self.version[whole] = self.version.get(whole, 0) + 1
                self.whole[output], self.made[output] = whole, version
                self.last[whole] = output
        elif op in _VIEWS:
            self.whole[output], self.made[output] = whole, self.made.get(name, 0)
            self.wholes.add(whole)
