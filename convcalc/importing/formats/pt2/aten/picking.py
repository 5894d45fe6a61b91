"""Parts of a tensor: slices, splits, indices."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated, fixed

_END = 1 << 40  # behind every axis


def select(call: Call) -> None:
    """One place of an axis, which is dropped."""
    x = call.tensor()
    index = call.number(call.integer("index", 0))
    call.make("Gather", x, index, axis=call.axis("dim", call.rank(x)))


def slice_(call: Call) -> None:
    """A part of an axis."""
    x = call.tensor()
    axis = call.axis("dim", call.rank(x))
    start, end = call.integer("start", 0), call.integer("end", _END)
    step = call.integer("step", 1)
    if (start, step) == (0, 1) and end >= _END:
        call.make("Identity", x)
    else:
        call.make("Slice", x, starts=(start,), ends=(min(end, _END),), axes=(axis,), steps=(step,))


def narrow(call: Call) -> None:
    """A number of places of an axis from one on."""
    x = call.tensor()
    axis = call.axis("dim", call.rank(x))
    start, length = call.integer("start", 0), call.integer("length", 0)
    call.make("Slice", x, starts=(start,), ends=(start + length,), axes=(axis,), steps=(1,))


def split(call: Call) -> None:
    """An axis in parts, of the sizes that the file states."""
    x = call.tensor()
    axis = call.axis("dim", call.rank(x))
    sizes = [call.sizes(name)[axis] if name else None for name in call.outputs]
    call.make("Split", x, call.numbers(fixed(sizes)), axis=axis)


def unbind(call: Call) -> None:
    """Each place of an axis as a tensor."""
    x = call.tensor()
    axis = call.axis("dim", call.rank(x))
    for index, name in enumerate(call.outputs):
        if name:
            call.make_one(index, "Gather", x, call.number(index), axis=axis)


def index_select(call: Call) -> None:
    """Places of an axis by a tensor of indices."""
    x = call.tensor()
    call.make("Gather", x, call.tensor("index"), axis=call.axis("dim", call.rank(x)))


def index(call: Call) -> None:
    """Elements by tensors of indices, one for each of some axes that are neighbours."""
    x = call.tensor()
    given = call.get("indices")
    if not isinstance(given, list):
        raise Untranslated("its indices are missing")
    axes = [axis for axis, each in enumerate(given) if each is not None]
    if not axes or axes != list(range(axes[0], axes[0] + len(axes))):
        raise Untranslated("indices of axes that are not neighbours")
    names = [str(given[axis]) for axis in axes]
    sizes = fixed(call.sizes(x)) if len(names) > 1 else []
    at = names[0]
    for axis, name in zip(axes[1:], names[1:], strict=True):
        at = call.add("Add", call.add("Mul", at, call.number(sizes[axis])), name)
    if len(names) > 1:
        joined = 1
        for axis in axes:
            joined *= sizes[axis]
        x = call.add(
            "Reshape", x, call.numbers([*sizes[: axes[0]], joined, *sizes[axes[-1] + 1 :]])
        )
    call.make("Gather", x, at, axis=axes[0])


def embedding(call: Call) -> None:
    """A row of a table for each index."""
    call.make("Gather", call.tensor("weight"), call.tensor("indices"), axis=0)


def flip(call: Call) -> None:
    """Elements in another order, some of them repeated: axes reversed, windows of an axis."""
    call.make("Move", call.tensor(), sizes=tuple(fixed(call.sizes(call.outputs[0]))))


RULES: Mapping[str, Rule] = {
    "select": select,
    "slice": slice_,
    "narrow": narrow,
    **dict.fromkeys(
        ("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split"),
        split,
    ),
    "unbind": unbind,
    "index_select": index_select,
    "index": index,
    "embedding": embedding,
    "flip": flip,
    "unfold": flip,
    "gather": flip,
}
