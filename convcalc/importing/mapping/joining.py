"""Arithmetic of two tensors, with PyTorch's broadcasting, and concatenation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule, axis_number
from convcalc.importing.settling import MOST_AXES
from convcalc.importing.views import (
    BATCH,
    Atom,
    Group,
    View,
    aligned,
    atoms_of,
    fresh,
    merged,
    size_of,
)
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.graph.assembly import Tensor
from convcalc.model.quantities.unknown import known

# Foreign operator: convcalc's of two tensors, and the function of a tensor and a number.
ARITHMETIC = {
    "Add": ("add", "add"),
    "Sum": ("add", "add"),
    "Mul": ("mul", "mul"),
    "Sub": ("elementwise", "sub"),
    "Div": ("elementwise", "div"),
    "Pow": ("elementwise", "pow"),
    "Mean": ("add", "add"),
    "Max": ("maximum", "clamp"),
    "Min": ("elementwise", "minimum"),
    "Atan2": ("elementwise", "atan2"),
}


SYMMETRIC = ("Add", "Sum", "Mul", "Max", "Min", "Mean")


def arithmetic(build: Build, node: Node) -> Sequence[Held]:
    """Add, Mul and the like, of computed tensors and constants."""
    operands = [build.held(name) for name in node.inputs if name]
    views = [each for each in operands if isinstance(each, View)]
    if not views:
        raise NoRule("arithmetic of constants that are not in the file")
    found = views[0]
    for other in views[1:]:
        found = combined(build, node.op, found, other)
    for operand in operands:
        if isinstance(operand, Constant):
            first = isinstance(operands[0], Constant)
            found = with_constant(build, node.op, found, operand, first=first)
    if node.op == "Mean" and len(operands) > 1:
        found = build.same(found, "elementwise", op="div", value=float(len(operands)))
    return [found]


def by_number(build: Build, node: Node) -> Sequence[Held]:
    """A computed tensor times a number."""
    return [with_number(build, "Mul", build.view(node), node.value("value"), first=False)]


def combined(build: Build, op: str, one: View, other: View) -> View:
    """Two computed tensors, element by element."""
    if prod(other.sizes) > prod(one.sizes) and op in SYMMETRIC:
        one, other = other, one
    pair = aligned(one, other)
    if pair is None and one.sizes == other.sizes:  # axes that were taken apart in other ways
        one, other = (_put_together(build, view) for view in (one, other))
        pair = aligned(one, other)
    if pair is None:
        raise NoRule("sizes that do not fit each other")
    one, other = pair
    if any(
        a == () and b for a, b in zip(reversed(one.axes), reversed(other.axes), strict=False)
    ) or len(other.axes) > len(one.axes):
        return _outer(build, op, one, other)
    one = divided(build, one, _met(one, other))
    made = _joined(build, op, one.tensor, laid_out(build, other, one))
    return merged(one._replace(tensor=made))


def _put_together(build: Build, view: View) -> View:
    """A view of the same axes, none of which is taken apart."""
    image = build.image(view)
    return fresh(image.tensor, image.batch, image.sizes[1:])


def _joined(build: Build, op: str, one: Tensor, other: Tensor) -> Tensor:
    """The layer that joins two tensors."""
    name, function = ARITHMETIC[op]
    fields = {"op": function} if name == "elementwise" else {}
    return build.add(name, one, other, **fields)


def _met(one: View, other: View) -> set[Atom]:
    """The atoms of a view along which another, taken apart like it, is not repeated."""
    pairs = zip(reversed(one.axes), reversed(other.axes), strict=False)
    return {atom for a, b in pairs if b for atom in a}


def divided(build: Build, view: View, held: set[Atom]) -> View:
    """The view with each axis of its tensor either all of these atoms or none of them.

    So that another tensor is repeated along whole axes, not along heads within the channels.
    """
    groups: list[Group] = []
    for group in view.stored:
        runs: list[list[Atom]] = []
        for atom in group:
            if runs and (runs[-1][-1] in held) == (atom in held):
                runs[-1].append(atom)
            else:
                runs.append([atom])
        groups += map(tuple, runs or [[]])
    if len(groups) == len(view.stored):
        return view
    while len(groups) > MOST_AXES:
        groups = _fewer(groups, held)
    return View(build.settle(view, tuple(groups)), view.batch, tuple(groups), view.axes)


def _fewer(groups: list[Group], held: set[Atom]) -> list[Group]:
    """Groups of which two neighbours of the same kind are one."""
    for index in range(len(groups) - 1, 0, -1):
        a, b = groups[index - 1 : index + 1]
        if not a or not b or (a[0] in held) == (b[0] in held):
            return [*groups[: index - 1], (*a, *b), *groups[index + 1 :]]
    raise NoRule("it is repeated along parts of axes")


def laid_out(build: Build, other: View, like: View) -> Tensor:
    """A tensor of a view's elements in the layout of another, to which it is broadcast."""
    place: dict[Atom, Atom] = {}
    for a, b in zip(reversed(like.axes), reversed(other.axes), strict=False):
        if b:
            place.update(zip(a, b, strict=True))
    target = tuple(tuple(place[a] for a in group if a in place) for group in like.stored)
    for group, found in zip(like.stored, target, strict=True):
        if found and len(found) != len(group):
            raise NoRule("it is repeated along a part of an axis")
    if other.stored == target:
        return other.tensor
    return build.settle(other, target)


def _outer(build: Build, op: str, one: View, other: View) -> View:
    """Two tensors each of which is repeated along an axis of the other.

    Both get axes for what both have, or one alone; neighbours of a kind become one axis.
    """
    rank = max(len(one.axes), len(other.axes))
    a, b = (_padded(view, rank) for view in (one, other))
    pairs = [
        tuple(tuple(x for x in group if view.role(x) != BATCH) for view, group in each)
        for each in (((a, x), (b, y)) for x, y in zip(a.axes, b.axes, strict=True))
    ]
    targets: list[tuple[Group, Group]] = []
    kinds: list[tuple[bool, bool]] = []
    for x, y in pairs:
        kind = bool(x), bool(y)
        if kinds and kinds[-1] == kind and any(kind):
            targets[-1] = (*targets[-1][0], *x), (*targets[-1][1], *y)
        elif any(kind):
            targets.append((x, y))
            kinds.append(kind)
    if not 1 <= len(targets) <= 4:
        raise NoRule("each is repeated along an axis of the other")
    first, second = (tuple(each[side] for each in targets) for side in (0, 1))
    made = _joined(build, op, build.settle(a, first), build.settle(b, second))
    # Both may be made of one tensor, and have its atoms on different axes.
    lone = {atom: Atom(atom.size) for x, y in pairs if not x for atom in y}

    def both(x: Group, y: Group) -> Group:
        return x or tuple(lone.get(atom, atom) for atom in y)

    stored = tuple(both(x, y) for x, y in targets)
    axes = tuple(both(x, y) for x, y in zip(a.axes, b.axes, strict=True))
    return merged(View(made, one.batch or other.batch, stored, axes))


def _padded(view: View, rank: int) -> View:
    return view._replace(axes=((),) * (rank - len(view.axes)) + view.axes)


# --- constants ---------------------------------------------------------------------------------


def with_constant(build: Build, op: str, view: View, constant: Constant, *, first: bool) -> View:
    """A computed tensor and a constant, element by element."""
    if constant.is_scalar and not constant.learned:
        return with_number(build, op, view, constant.number, first=first)
    is_made = build.stored_once and build.is_made(constant)
    if _widens(view, constant.dims) or (is_made and not _fits(view, constant.dims)):
        return combined(build, op, view, _as_view(build, constant))
    if is_made:
        return build.same(view, "elementwise", op=ARITHMETIC[op][1], value=1.0, note=_NUMBERS)
    found = refined_for(build, view, constant.dims)
    if found is None:
        raise NoRule(f"a constant of {_text(constant.dims)} meets {_text(view.sizes)}")
    view, sizes = found
    if constant.learned and op in ("Add", "Mul"):
        kind = _per(sizes)
        own = prod(constant.stored or constant.dims) == prod(constant.dims)
        if kind == "tensor" and (own or not build.stored_once):
            operator = "shift" if op == "Add" else "scale"
            return merged(build.same(view, operator, per="tensor"))
        if kind == "channel" and own and sizes[0] == size_of(view.stored[0]):
            return merged(build.same(view, "shift" if op == "Add" else "layer_scale"))
    tensor = _joined(build, op, view.tensor, build.source(constant, sizes))
    return merged(view._replace(tensor=tensor))


def _as_view(build: Build, constant: Constant) -> View:
    """A constant as a tensor of its own, which is larger than what it meets."""
    if build.stored_once:
        return build.whole(constant)
    leading = () if constant.dims[:1] == (1,) else (1,)
    return build.source_view(constant._replace(dims=(*leading, *constant.dims)))


_NUMBERS = "with numbers that the program makes"


def _fits(view: View, dims: Sequence[int]) -> bool:
    """Whether a constant is repeated to the sizes of a view, and not the other way round."""
    sizes = (1,) * max(len(dims) - len(view.sizes), 0) + view.sizes
    pairs = zip(reversed(dims), reversed(sizes), strict=False)
    return all(size in (1, own) for size, own in pairs)


def _widens(view: View, dims: Sequence[int]) -> bool:
    """Whether a constant has several elements where a view has one, which is repeated then."""
    sizes = (1,) * max(len(dims) - len(view.sizes), 0) + view.sizes
    pairs = zip(reversed(dims), reversed(sizes), strict=False)
    return any(size != 1 and known((own,)) and own == 1 for size, own in pairs)


def with_number(build: Build, op: str, view: View, number: Any, *, first: bool) -> View:
    """A computed tensor and a number; what changes nothing is left out."""
    function = ARITHMETIC[op][1]
    neutral = {"Add": 0, "Sum": 0, "Sub": 0, "Mul": 1, "Div": 1, "Pow": 1}.get(op)
    if number is not None and number == neutral and not (first and op in ("Sub", "Div", "Pow")):
        return view
    value = float(number or 0)
    if not abs(value) < 1e30:
        value = 1e30
    note = "" if number is not None else "with a number that is not in the file"
    return build.same(view, "elementwise", op=function, value=float(f"{value:.7g}"), note=note)


def refined_for(build: Build, view: View, dims: Sequence[int]) -> tuple[View, list[int]] | None:
    """The view taken apart like the axes of a constant, and the sizes of that in the view's tensor.

    None if their sizes do not fit.
    """
    stand_in = View(view.tensor, (), (), tuple(map(atoms_of, dims)))
    if len(dims) > len(view.axes):
        if any(size != 1 for size in dims[: len(dims) - len(view.axes)]):
            return None
        stand_in = stand_in._replace(axes=stand_in.axes[len(dims) - len(view.axes) :])
    pair = aligned(view, stand_in)
    if pair is None:
        return None
    view, stand_in = pair
    held = _met(view, stand_in)
    if any(atom in held for atom in view.batch):
        return None
    view = divided(build, view, held)
    return view, [size_of(tuple(atom for atom in g if atom in held)) for g in view.stored]


def _per(sizes: Sequence[int]) -> str:
    """Return what a constant in the layout of a tensor has a number for."""
    if all(size == 1 for size in sizes):
        return "tensor"
    return "channel" if all(size == 1 for size in sizes[1:]) else "position"


def _text(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes)) or "a number"


# --- concatenation -----------------------------------------------------------------------------


def concat(build: Build, node: Node) -> Sequence[Held]:
    """Concat along an axis of the tensors, or along one that they do not have yet."""
    operands = [build.held(name) for name in node.inputs]
    views = [each for each in operands if isinstance(each, View)]
    if not views:
        raise NoRule("a concatenation of constants that are not in the file")
    axis = axis_number(node.value("axis", 0), len(views[0].axes))
    model = _model(build, max(views, key=lambda view: prod(view.sizes)), axis)
    role = _role(model, axis)
    tensors, widths = [], []
    for operand in operands:
        tensors.append(_operand(build, operand, model, axis, role))
        sizes = operand.sizes if isinstance(operand, View) else operand.dims
        widths.append(sizes[axis])
    if len(tensors) == 1:
        return [operands[0]]
    name = axis_names(len(model.stored) - 1)[role]
    made = build.add("concat", *tensors, **({} if role == 0 else {"axis": name}))
    joined = atoms_of(sum(widths))
    stored = (
        *model.stored[:role],
        _outer_part(model, axis, role, joined),
        *model.stored[role + 1 :],
    )
    axes = (*model.axes[:axis], joined, *model.axes[axis + 1 :])
    return [merged(View(made, model.batch, stored, axes))]


def _model(build: Build, view: View, axis: int) -> View:
    """The operand whose layout the others take: one whose axis is the outer part of its own."""
    group = view.axes[axis]
    if any(view.role(atom) == BATCH for atom in group):
        raise NoRule("a concatenation of samples of the batch")
    if not group:
        return view
    role = view.role(group[0])
    if view.stored[role][: len(group)] == group:
        return view
    others = [
        tuple(a for a in g if view.role(a) != BATCH) for i, g in enumerate(view.axes) if i != axis
    ]
    others = [g for g in others if g]
    if len(others) > 3:
        others = [tuple(a for g in others for a in g)]
    target = (group, *others)
    if role and len(others) in (1, 2) and all(view.role(atom) == 0 for atom in others[0]):
        target = (others[0], group, *others[1:])  # positions stay positions
    return View(build.settle(view, target), view.batch, target, view.axes)


def _role(view: View, axis: int) -> int:
    """The axis of the tensor along which operands follow one another."""
    group = view.axes[axis]
    if group:
        return view.role(group[0])
    for index, stored in enumerate(view.stored):  # an axis of size 1 of the tensor, at its place
        if not stored and index and _is_between(view, axis, index):
            return index
    return 0


def _is_between(view: View, axis: int, role: int) -> bool:
    """Whether an axis of size 1 is where the tensor has one of size 1."""
    return role == axis - 1 and len(view.axes) == len(view.stored) + 1


def _outer_part(view: View, axis: int, role: int, joined: Group) -> Group:
    """The atoms of the axis along which tensors were joined."""
    return (*joined, *view.stored[role][len(view.axes[axis]) :])


def _operand(build: Build, operand: View | Constant, model: View, axis: int, role: int) -> Tensor:
    """An operand in the layout of the model, with its own size along the axis."""
    own = model.axes[axis]
    if isinstance(operand, Constant):
        within = size_of(model.stored[role][len(own) :])
        sizes = [size_of(group) for group in model.stored]
        sizes[role] = operand.dims[axis] * within
        return build.source(operand, sizes)
    if operand is model or (operand.tensor is model.tensor and operand.axes == model.axes):
        return model.tensor
    if len(operand.axes) != len(model.axes):
        raise NoRule("a concatenation of tensors of unequal ranks")
    a = model._replace(axes=(*model.axes[:axis], (), *model.axes[axis + 1 :]))
    b = operand._replace(axes=(*operand.axes[:axis], (), *operand.axes[axis + 1 :]))
    pair = aligned(a, b)
    if pair is None:
        raise NoRule("sizes that do not fit each other")
    a, b = pair
    place = {
        x: y for m, n in zip(a.axes, b.axes, strict=True) if n for x, y in zip(m, n, strict=True)
    }
    target: list[Group] = []
    for index, group in enumerate(a.stored):
        inner = tuple(place[atom] for atom in group if atom in place)
        if len(inner) != len([atom for atom in group if atom not in own]):
            raise NoRule("sizes that do not fit each other")
        target.append((*operand.axes[axis], *inner) if index == role else inner)
    view = b._replace(axes=operand.axes)
    if view.stored == tuple(target):
        return operand.tensor
    return build.settle(view, tuple(target))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ARITHMETIC, arithmetic),
    "MulByNumber": by_number,
    "Concat": concat,
}
