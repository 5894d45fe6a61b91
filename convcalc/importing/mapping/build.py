"""The tools of a rule: the values of a node's inputs, and a way to add layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.settling import Unsettled, settle
from convcalc.importing.views import BATCH, Groups, View, atoms_of
from convcalc.model.graph.assembly import Tensor
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import MADE
from convcalc.model.graph.sites import Spot


class NoRule(Exception):
    """convcalc's operators cannot say what a node does; the message tells why."""


class NotTheBatch(NoRule):
    """The samples that a node works on are parts of one sample of the network."""


class Lost(Exception):
    """A node reads a tensor that could not be made; it is skipped."""


Held = View | Constant | None  # None: it could not be made
Rule = Callable[["Build", Node], Sequence[Held]]


class Build:
    """The layers and tensors that nodes have become so far."""

    def __init__(
        self, builder: Builder, values: dict[str, Held], paths: Callable[[Node, str], Any]
    ) -> None:
        self.builder = builder
        self.values = values
        self.node: Node | None = None
        self.read: frozenset[str] = frozenset()  # what nodes read, and the graph returns
        self.stored_once = False  # whether constants of different origins are different tensors
        self._paths = paths
        self._sources: dict[tuple[str, tuple[int, ...]], Tensor] = {}  # stored tensors as layers
        self._owners: dict[str, int] = {}  # of each stored tensor: the first layer that it became

    # --- what a node reads --------------------------------------------------------------------

    def held(self, name: str) -> View | Constant:
        """The value of a tensor; raises Lost if it could not be made."""
        found = self.values.get(name)
        if found is None:
            raise Lost(name)
        return found

    def view(self, node: Node, index: int = 0) -> View:
        """An input that is computed; raises NoRule for a constant."""
        found = self.held(node.input(index))
        if isinstance(found, Constant):
            raise NoRule(f"input {index} is a constant")
        return found

    def constant(self, node: Node, index: int) -> Constant | None:
        """An input that is a constant; None if it is left out. Raises NoRule if it is computed."""
        name = node.input(index)
        if not name:
            return None
        found = self.held(name)
        if isinstance(found, View):
            raise NoRule(f"input {index} is computed, not a constant")
        return found

    def weight(self, node: Node, index: int) -> Constant:
        """An input that must be a constant."""
        found = self.constant(node, index)
        if found is None:
            raise NoRule(f"input {index}, a weight, is missing")
        return found

    def is_constant(self, node: Node, index: int) -> bool:
        """Whether an input is there and a constant."""
        return bool(node.input(index)) and isinstance(self.held(node.input(index)), Constant)

    def numbers(self, node: Node, index: int, key: str) -> tuple[Any, ...] | None:
        """The numbers of an argument that is an input or, in older versions, an attribute.

        None if it is left out; raises NoRule if they are not in the file.
        """
        found = node.value(key)
        if found is not None and key:
            return tuple(found) if isinstance(found, tuple | list) else (found,)
        constant = self.constant(node, index) if index > 0 else None
        if constant is None or constant.dims == (0,):
            return None
        if constant.data is None:
            raise NoRule(f"the numbers of '{node.input(index)}' are not in the file")
        return constant.data

    def is_read(self, name: str) -> bool:
        """Whether a node reads a tensor, or the graph returns it."""
        return name in self.read

    # --- layers -------------------------------------------------------------------------------

    def add(self, operator: str, *inputs: Tensor, note: str = "", **fields: Any) -> Tensor:
        """Adds a layer for the node at hand; raises Lost if it has a problem."""
        return self._add(operator, inputs, note, fields, "")

    def move(self, operator: str, tensor: Tensor, **fields: Any) -> Tensor:
        """Adds a layer that only brings elements into the order that the node needs."""
        return self._add(operator, (tensor,), "", fields, operator)

    def _add(
        self,
        operator: str,
        inputs: Sequence[Tensor],
        note: str,
        fields: Mapping[str, Any],
        part: str,
    ) -> Tensor:
        assert self.node is not None
        path, composites = self._paths(self.node, part)
        found = self.builder.add(
            operator,
            list(inputs),
            path=path,
            place=Spot(self.node.place),
            note=note,
            trainable=self.node.trainable,
            form=self.node.form,
            composites=composites,
            **fields,
        )
        if found is None:
            raise Lost(operator)
        return found

    # --- views --------------------------------------------------------------------------------

    def settle(self, view: View, target: Groups) -> Tensor:
        """The tensor with these channels and spatial axes; raises NoRule if there is none."""
        try:
            found = settle(view, target, self.move)
        except Unsettled as error:
            raise NoRule(str(error)) from None
        if found is None:
            raise Lost(view.tensor.label)
        return found

    def image(self, view: View) -> View:
        """The view as (batch, channels, *positions), as its axes say."""
        first, *rest = view.axes
        if any(view.role(atom) != BATCH for atom in first) or not rest:
            raise NotTheBatch("its first axis is not the batch")
        target = tuple(rest)
        tensor = view.tensor
        if view.stored != target:
            tensor = self.settle(view, target)
        return View(tensor, view.batch, target, (view.batch, *target))

    def along(self, view: View, axes: Sequence[int]) -> View:
        """The view with its tensor's channels being some of its axes, in order."""
        wanted = tuple(atom for axis in axes for atom in view.axes[axis])
        if view.stored[0] == wanted and wanted:
            if len(view.stored) > 1 and len(view.axes) < 3 and not any(view.stored[1:]):
                return View(self.move("flatten", view.tensor), view.batch, (wanted,), view.axes)
            return view
        if any(view.role(atom) == BATCH for atom in wanted):
            raise NoRule("it works on samples of the batch")
        rest = [
            tuple(atom for atom in group if view.role(atom) != BATCH)
            for index, group in enumerate(view.axes)
            if index not in axes
        ]
        rest = [group for group in rest if group]
        if len(rest) > 3:
            rest = [tuple(atom for group in rest for atom in group)]
        target = (wanted, *rest)
        return View(self.settle(view, target), view.batch, target, view.axes)

    def replaced(self, view: View, tensor: Tensor, axis: int, size: int) -> View:
        """A view of a layer's output whose channels are new, where an axis of the view was."""
        channels = atoms_of(size)
        axes = (*view.axes[:axis], channels, *view.axes[axis + 1 :])
        return View(tensor, view.batch, (channels, *view.stored[1:]), axes)

    def same(self, view: View, operator: str, **fields: Any) -> View:
        """A view of a layer whose output has the elements of its input, where they are."""
        return view._replace(tensor=self.add(operator, view.tensor, **fields))

    def source(self, constant: Constant, sizes: Sequence[int]) -> Tensor:
        """A constant as a layer: a learned tensor or a buffer of these sizes.

        One that was computed from a stored tensor of another number of elements is that tensor,
        and a move of no work.
        """
        if self.is_made(constant):
            given = Tensor(0, next(iter(self.builder.inputs.values())), "")
            return self.add("opaque", given, output=list(sizes), params=0, macs=0, note=MADE)
        fields: dict[str, Any] = {} if constant.learned else {"fixed": True}
        stored = constant.stored or constant.dims
        if prod(stored) == prod(sizes) or not (constant.learned or self.stored_once):
            key = (constant.origin, tuple(sizes))
            found = self._sources.get(key) or self.add("parameter", shape=list(sizes), **fields)
            if self.stored_once and constant.origin:
                if key not in self._sources:
                    self._share(constant.origin)
                self._sources[key] = found
            return found
        shape = list(stored) if 0 < len(stored) <= 4 else [prod(stored)]
        made = self.add("parameter", shape=shape, **fields)
        if self.stored_once and constant.origin:
            self._share(constant.origin)
        return self.add("opaque", made, output=list(sizes), params=0, macs=0)

    def _share(self, origin: str) -> None:
        """Give the last layer, a stored tensor, the numbers of the first layer that it became:
        the same ones in another order, or as another node needs them."""
        last = len(self.builder.layers) - 1
        owner = self._owners.setdefault(origin, last)
        if owner != last:
            layer = self.builder.layers[last]
            self.builder.layers[last] = layer._replace(shares=owner)

    def is_made(self, constant: Constant) -> bool:
        """Whether a constant is made by the program, perhaps of several, and not stored."""
        return self.stored_once and len(constant.roots) != 1

    def whole(self, constant: Constant) -> View:
        """A constant as a view of a layer that has its axes; at most four have a size."""
        axes = tuple(map(atoms_of, constant.dims))
        stored = tuple(group for group in axes if group)
        if not 1 <= len(stored) <= 4:
            raise NoRule("a constant of more axes than a tensor has")
        tensor = self.source(constant, [size for size in constant.dims if size != 1])
        return View(tensor, (), stored, axes)

    def source_view(self, constant: Constant) -> View:
        """A constant as a view of a layer, its axes in PyTorch's order."""
        _, *sizes = constant.dims if len(constant.dims) > 1 else (1, *constant.dims)
        if constant.dims[:1] != (1,) and self.stored_once and len(constant.dims) > 1:
            return self.whole(constant)  # a table, in which no axis is that of the batch
        if constant.dims[:1] != (1,) or not 1 <= len(sizes) <= 4:
            raise NoRule("a constant that is not a tensor of one sample")
        tensor = self.source(constant, sizes)
        stored = tuple(map(atoms_of, sizes))
        return View(tensor, (), stored, ((), *stored))


def axis_number(axis: int, rank: int) -> int:
    """An axis counted from the front; raises NoRule if there is none."""
    if not -rank <= axis < rank:
        raise NoRule(f"there is no axis {axis} of {rank}")
    return axis % rank
