"""Products of computed tensors, and attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.mapping.convolution import apply_linear, matmul_by_constant
from convcalc.importing.views import (
    BATCH,
    Group,
    View,
    aligned,
    atoms_of,
    copied,
    merged,
    regrouped,
    size_of,
)


def matmul(build: Build, node: Node) -> Sequence[Held]:
    """MatMul of two tensors, of which one may be learned."""
    one, other = (build.held(node.input(index)) for index in (0, 1))
    if isinstance(other, Constant):
        if isinstance(one, Constant):
            raise NoRule("a product of constants that are not in the file")
        if any(size != 1 for size in other.dims[:-2]):
            return [product_of(build, one, matrices(build, other))]
        return [matmul_by_constant(build, one, other)]
    if isinstance(one, Constant):
        if len(one.dims) != 2:
            return [product_of(build, matrices(build, one), other)]
        out, inner = one.dims
        found = apply_linear(build, turned(other), inner, out, has_bias=False)
        return [turned(found)]
    return [product_of(build, one, other)]


def matrices(build: Build, constant: Constant) -> View:
    """A constant of several matrices as a view of a layer."""
    axes = tuple(map(atoms_of, constant.dims))
    *outer, rows, columns = axes
    stored = (tuple(atom for group in outer for atom in group), rows, columns)
    tensor = build.source(constant, [size_of(group) for group in stored])
    return View(tensor, (), stored, axes)


def turned(view: View) -> View:
    """The last two axes exchanged."""
    *rest, a, b = view.axes
    return view.with_axes((*rest, b, a))


def product_of(build: Build, one: View, other: View) -> View:
    """The product of the last two axes of two computed tensors."""
    if len(one.axes) < 2 or len(other.axes) < 2:
        raise NoRule("a product with a vector")
    rank = max(len(one.axes), len(other.axes))
    a, b = (
        each._replace(axes=((),) * (rank - len(each.axes)) + each.axes) for each in (one, other)
    )
    rows, columns = a.axes[-2], b.axes[-1]
    if size_of(a.axes[-1]) != size_of(b.axes[-2]):
        raise NoRule("matrices that do not fit")
    pair = aligned(  # the axes that both have: batches of matrices, and what is summed over
        a._replace(axes=(*a.axes[:-2], (), a.axes[-1])),
        b._replace(axes=(*b.axes[:-2], (), b.axes[-2])),
    )
    if pair is None:
        raise NoRule("batches of matrices that do not fit")
    a, b = pair
    first, second = (_outer(view.axes[:-2], view) for view in pair)
    more_rows: Group = ()
    more_columns: Group = ()
    if first and second:  # what only one has is not a batch of matrices, but rows or columns
        more_rows = _outer([x for x, y in _batches(a, b) if not y], a)
        more_columns = _outer([y for x, y in _batches(a, b) if not x], b)
        first = tuple(atom for atom in first if atom not in more_rows)
        second = tuple(atom for atom in second if atom not in more_columns)
    made = build.add(
        "matmul",
        build.settle(a, (first, (*more_rows, *rows), a.axes[-1])),
        build.settle(b, (second, b.axes[-1], (*more_columns, *columns))),
    )
    new = atoms_of(size_of(columns))
    lone = {id(y): copied(y) for x, y in _batches(a, b) if not x and more_columns}
    added = tuple(atom for group in lone.values() for atom in group)
    stored = (first or second, (*more_rows, *rows), (*added, *new))
    batches = tuple(x or lone.get(id(y), y) for x, y in _batches(a, b))
    return merged(View(made, one.batch, stored, (*batches, rows, new)))


def _batches(a: View, b: View) -> list[tuple[Group, Group]]:
    """The axes before the last two, of both."""
    return list(zip(a.axes[:-2], b.axes[:-2], strict=True))


def _outer(axes: Sequence[Group], view: View) -> Group:
    """The atoms of axes that are not samples of the batch."""
    return tuple(atom for group in axes for atom in group if view.role(atom) != BATCH)


def attention(build: Build, node: Node) -> Sequence[Held]:
    """Attention: softmax(queries · keys) · values, each (…, heads, n, d)."""
    q, k, v = (build.view(node, index) for index in (0, 1, 2))
    if node.value("keys_turned"):
        k = turned(k)
    if node.input(4) and not node.value("keys_turned"):
        raise NoRule("keys and values of earlier steps")
    heads = node.value("q_num_heads"), node.value("kv_num_heads")
    is_packed = len(q.axes) == 3 and all(heads)
    if is_packed:  # (batch, n, heads · d)
        q = _with_heads(q, heads[0])
        k, v = (_with_heads(each, heads[1]) for each in (k, v))
    v = turned(v) if node.value("values_turned") else v
    bias, causal = node.value("biases", ()), bool(node.value("is_causal", 0))
    found = attend(build, q, k, v, bias=bias, causal=causal)
    if is_packed:
        batch, own, rows, width = found.axes
        found = found.with_axes((batch, rows, (*own, *width)))
    return [turned(found) if node.value("values_turned") else found]


def _with_heads(view: View, heads: int) -> View:
    """(batch, n, heads · d) as (batch, heads, n, d)."""
    *sizes, width = view.sizes
    if heads < 1 or width % heads:
        raise NoRule(f"{heads} heads of {width} channels")
    found = regrouped(view, [*sizes, heads, width // heads])
    if found is None:
        raise NoRule("heads that are not part of the channels")
    batch, rows, own, each = found.axes
    return found.with_axes((batch, own, rows, each))


def turn(build: Build, node: Node) -> Sequence[Held]:
    """The last two axes exchanged."""
    return [turned(build.view(node))]


class Unequal(NoRule):
    """Queries and keys are not parts of one map."""


def attend(build: Build, q: View, k: View, v: View, *, bias: Sequence[str], causal: bool) -> View:
    """Attention of heads, within windows of the map or over all of it."""
    try:
        (queries, keys, values), fields = _attended(build, (q, k, v))
    except Unequal:  # the products themselves, with the softmax between
        scores = product_of(build, q, turned(k))
        scores = build.along(scores, [len(scores.axes) - 1])
        return product_of(build, build.same(scores, "softmax"), v)
    heads, kv_heads = (size_of(view.axes[-3]) if len(view.axes) > 2 else 1 for view in (q, k))
    fields["heads"] = heads
    if kv_heads != heads:
        fields["kv_heads"] = kv_heads
    if causal:
        fields["causal"] = True
    for name in bias:
        constant = build.held(name)
        if isinstance(constant, Constant) and constant.learned and _is_per_head(constant, heads):
            fields["position_bias"] = list(constant.stored or constant.dims)
    made = build.add("dot_product_attention", queries.tensor, keys.tensor, values.tensor, **fields)
    width = atoms_of(size_of(v.axes[-1]))
    channels = (*(q.axes[-3] if len(q.axes) > 2 else ()), *width)
    stored = (channels, *queries.stored[1:])
    return merged(View(made, q.batch, stored, (*q.axes[:-1], width)))


def _is_per_head(constant: Constant, heads: int) -> bool:
    """Whether what is added to scores differs from head to head, as no mask does."""
    dims = constant.dims
    return len(dims) in (3, 4) and dims[-3] == heads and (heads > 1 or len(dims) == 3)


def _attended(build: Build, views: Sequence[View]) -> tuple[list[View], dict[str, Any]]:
    """Queries, keys and values whose channels are heads and what each has.

    Where axes before the heads are parts of the map, only that part of it is attended to.
    """
    q = views[0]
    outer = [_outer(view.axes[:-3], view) for view in views]
    if not any(outer):
        return [_in_heads(build, view) for view in views], {}
    parts = _parts(q)
    if parts and all(view.stored[0] == _channels(view) for view in views):
        places = [
            [(view.role(a), a.size) for a in (*view.axes[-2], *out)]
            for view, out in zip(views, outer, strict=True)
        ]
        if all(each == places[0] for each in places):
            return list(views), parts
    found = []
    for view, out in zip(views, outer, strict=True):
        target = (_channels(view), out, view.axes[-2])
        found.append(View(build.settle(view, target), view.batch, target, view.axes))
    if size_of(views[1].axes[-2]) != size_of(q.axes[-2]):
        raise Unequal("attention within parts of a map to parts of another")
    return found, {"partition": "window", "partition_size": [1, size_of(q.axes[-2])]}


def _parts(view: View) -> dict[str, Any]:
    """The fields for attention within parts of a map; empty if the parts are none of its axes."""
    rows, sizes, kinds = view.axes[-2], [], set()
    for group in view.stored[1:]:
        inside = [atom for atom in group if atom in rows]
        if len(inside) == len(group):
            sizes.append(size_of(group))
        elif not inside:
            sizes.append(1)
        elif len(group) == 2:
            sizes.append(inside[0].size)
            kinds.add("grid" if inside[0] is group[0] else "window")
        else:
            return {}
    if len(kinds) > 1:
        return {}
    return {"partition": kinds.pop() if kinds else "window", "partition_size": sizes}


def _channels(view: View) -> Group:
    """The heads and what each has."""
    return (*(view.axes[-3] if len(view.axes) > 2 else ()), *view.axes[-1])


def _in_heads(build: Build, view: View) -> View:
    """A view whose channels are its heads, and whose positions are all there are."""
    channels = _channels(view)
    if view.stored[0] == channels and len(view.stored) > 1:
        return view
    target = (channels, view.axes[-2])
    return View(build.settle(view, target), view.batch, target, view.axes)


RULES: Mapping[str, Rule] = {"MatMul": matmul, "TransposeLast": turn, "Attention": attention}
