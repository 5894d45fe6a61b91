"""Operators that change the axes of a tensor, or join tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.importing.foreign import Size
from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated, counted, fixed


def view(call: Call) -> None:
    """view and reshape to stated sizes."""
    given = call.first("size", "shape")
    if not isinstance(given, list):
        given = list(fixed(call.sizes(call.outputs[0])))
    call.make("Reshape", call.tensor(), call.listed(given), allowzero=1)


def regroup(call: Call) -> None:
    """flatten and unflatten: to the sizes that the file states of the result."""
    x = call.tensor()
    shape = _copied(call.sizes(x), call.sizes(call.outputs[0]))
    call.make("Reshape", x, call.numbers(shape))


def _copied(before: Sequence[Size], after: Sequence[Size]) -> list[int]:
    """Sizes to reshape to: 0 where an unknown one stays, -1 for the one that is left."""
    found: list[int] = []
    for index, size in enumerate(after):
        stays = index < len(before) and before[index] is None and -1 not in found
        found.append(size if size is not None else 0 if stays and index < len(after) - 1 else -1)
    if found.count(-1) > 1:
        raise Untranslated("more than one of its sizes is not fixed")
    return found


def permute(call: Call) -> None:
    """Axes in another order."""
    x = call.tensor()
    rank = call.rank(x)
    perm = [counted(axis, rank) for axis in call.integers("dims")]
    turned(call, x, perm)


def turned(call: Call, name: str, perm: Sequence[int]) -> None:
    """The output of a call: axes in another order, if they are."""
    if list(perm) == sorted(perm):
        call.make("Identity", name)
    else:
        call.make("Transpose", name, perm=tuple(perm))


def transpose(call: Call) -> None:
    """Two axes exchanged."""
    x = call.tensor()
    rank = call.rank(x)
    perm = list(range(rank))
    if call.op in ("t", "numpy_T"):
        perm.reverse()
    elif call.op in ("mT", "adjoint"):
        perm[-2:] = perm[-1], perm[-2]
    else:
        keys = ("dim0", "dim1") if call.get("dim0") is not None else ("axis0", "axis1")
        a, b = (call.axis(key, rank) for key in keys)
        perm[a], perm[b] = perm[b], perm[a]
    call.make("Transpose", x, perm=tuple(perm))


def movedim(call: Call) -> None:
    """Axes moved to other places."""
    x = call.tensor()
    rank = call.rank(x)
    source = [counted(axis, rank) for axis in call.integers("source")]
    target = [counted(axis, rank) for axis in call.integers("destination")]
    place = dict(zip(target, source, strict=True))
    rest = iter(axis for axis in range(rank) if axis not in source)
    perm = [place[index] if index in place else next(rest) for index in range(rank)]
    call.make("Transpose", x, perm=tuple(perm))


def unsqueeze(call: Call) -> None:
    """An axis of size 1 put in."""
    x = call.tensor()
    call.make("Unsqueeze", x, axes=(call.axis("dim", call.rank(x) + 1),))


def squeeze(call: Call) -> None:
    """Axes of size 1 dropped; those of another size stay."""
    x = call.tensor()
    sizes = call.sizes(x)
    named = call.axes("dim", len(sizes)) if sizes else []
    axes = tuple(axis for axis in named if sizes[axis] == 1)
    if axes:
        call.make("Squeeze", x, axes=axes)
    else:
        call.make("Identity", x)


def expand(call: Call) -> None:
    """Axes of size 1 repeated."""
    call.make("Expand", call.tensor(), call.numbers(fixed(call.sizes(call.outputs[0]))))


def repeat(call: Call) -> None:
    """A tensor repeated; only along axes of size 1."""
    x = call.tensor()
    repeats = call.integers("repeats" if call.op == "repeat" else "dims")
    own = call.sizes(x)
    padded = (1,) * (len(repeats) - len(own)) + tuple(own)
    if all(times == 1 for times in repeats):
        call.make("Reshape", x, call.numbers(fixed(call.sizes(call.outputs[0]))))
    elif all(times == 1 or size == 1 for times, size in zip(repeats, padded, strict=False)):
        expand(call)
    else:
        raise Untranslated("it repeats an axis that has a size")


def cat(call: Call) -> None:
    """Tensors one after another along an axis; those of no element are left out."""
    names = [each for each in call.tensors("tensors") if call.sizes(each) != (0,)]
    if not names:
        raise Untranslated("a concatenation of nothing")
    call.make("Concat", *names, axis=call.axis("dim", call.rank(names[0])))


def stack(call: Call) -> None:
    """Tensors one after another along an axis of their own."""
    names = call.tensors("tensors")
    axis = call.axis("dim", call.rank(names[0]) + 1)
    call.make("Concat", *(call.add("Unsqueeze", each, axes=(axis,)) for each in names), axis=axis)


def channel_shuffle(call: Call) -> None:
    """The two parts of the channels exchanged."""
    x = call.tensor()
    batch, channels, *rest = fixed(call.sizes(x))
    groups = call.integer("groups", 1)
    split = call.numbers([batch, groups, channels // groups, *rest])
    parts = call.add("Reshape", x, split)
    turned = call.add("Transpose", parts, perm=(0, 2, 1, *range(3, 3 + len(rest))))
    call.make("Reshape", turned, call.numbers([batch, channels, *rest]))


def roll(call: Call) -> None:
    """Elements shifted along axes; those that leave come back on the other side."""
    x = call.tensor()
    rank = call.rank(x)
    shifts, dims = call.integers("shifts"), call.integers("dims")
    if not dims or len(dims) != len(shifts):
        raise Untranslated("a shift of all elements in a row")
    moved = [(counted(axis, rank), shift) for axis, shift in zip(dims, shifts, strict=True)]
    sizes = fixed(call.sizes(x))
    moved = [(axis, shift % sizes[axis]) for axis, shift in moved if sizes[axis]]
    moved = [(axis, shift) for axis, shift in moved if shift]
    if not moved:
        call.make("Identity", x)
    for index, (axis, shift) in enumerate(moved):
        border = sizes[axis] - shift
        tail, head = (
            call.add("Slice", x, starts=(start,), ends=(end,), axes=(axis,), steps=(1,))
            for start, end in ((border, sizes[axis]), (0, border))
        )
        if index == len(moved) - 1:
            call.make("Concat", tail, head, axis=axis)
        else:
            x = call.add("Concat", tail, head, axis=axis)


RULES: Mapping[str, Rule] = {
    "view": view,
    "reshape": view,
    "_unsafe_view": view,
    "view_copy": view,
    "view_as": view,
    "reshape_as": view,
    "flatten": regroup,
    "unflatten": regroup,
    "permute": permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "t", "numpy_T", "mT"), transpose),
    "movedim": movedim,
    "unsqueeze": unsqueeze,
    "squeeze": squeeze,
    "expand": expand,
    "expand_as": expand,
    "broadcast_to": expand,
    "repeat": repeat,
    "tile": repeat,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    "channel_shuffle": channel_shuffle,
    "native_channel_shuffle": channel_shuffle,
    "roll": roll,
}
