"""Folds computations on constants alone, and on the sizes of tensors, as exporters write it.

Small tensors are computed, without numpy: sizes to reshape to, paddings, indices. Of what is too
large, or not in the file, the sizes are kept and where it came from.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import product as every
from math import prod
from typing import Any

from convcalc.importing.foreign import MOST_VALUES, Constant, Node

Inputs = Sequence[Constant | None]
MOST_ELEMENTS = 1 << 40
MOST_INTEGER = 1 << 63


def fold(node: Node, inputs: Inputs) -> list[Constant] | None:
    """The outputs of a node whose inputs are all constants; None if there is no rule for it.

    Where numbers are too many or not known, they are left out of the result.
    """
    rule = _RULES.get(node.op)
    if rule is None:
        return None
    try:
        found = rule(node, inputs)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        return None  # a node that lacks an input, or an attribute of another kind
    if node.op in ("DequantizeLinear", "QuantizeLinear"):  # the scale is not part of it
        return [found]
    results = found if isinstance(found, list) else [found]
    return [_inherited(_bounded(each), inputs) for each in results if each is not None] or None


def unfolded(sizes: Sequence[int | None] | None, inputs: Inputs) -> Constant | None:
    """Return a constant that is computed in an unknown way; None if its sizes are unknown too."""
    known = [size for size in sizes or () if size is not None]
    if sizes is None or len(known) != len(sizes):
        return None
    return _inherited(Constant(tuple(known)), inputs)


def shape_of(node: Node, sizes: Sequence[Any]) -> Constant | None:
    """The sizes of a tensor as numbers; None if one of them is not known."""
    start, end = node.value("start", 0), node.value("end")
    part = list(sizes)[slice(start, end)]
    if any(type(size) is not int for size in part):
        return None
    return Constant((len(part),), tuple(part), "int")


def _bounded(found: Constant) -> Constant:
    """A constant whose numbers are kept only if they are few, and integers of 64 bits.

    No program computes larger ones; squared again and again they would have a million digits.
    """
    data = found.data or ()
    if _is_small(found.dims) and not any(type(n) is int and abs(n) >= MOST_INTEGER for n in data):
        return found
    return found._replace(data=None)


def _inherited(found: Constant, inputs: Inputs) -> Constant:
    """A constant with the origin of what it was computed from, if that is one stored tensor."""
    roots = frozenset[str]().union(*(each.roots for each in inputs if each is not None))
    if roots:
        found = found._replace(roots=roots)
    origins = {each.origin: each for each in inputs if each is not None and each.origin}
    if found.origin and found.stored == found.dims and not roots:
        return found  # a part of one, of which others hold the rest
    learned = [each for each in origins.values() if each.learned]
    if len(learned) == 1:
        (one,) = learned
        return found._replace(origin=one.origin, stored=one.stored or one.dims, learned=True)
    if len(origins) == 1:
        (one,) = origins.values()
        return found._replace(origin=one.origin, stored=one.stored or one.dims)
    return found


# --- arithmetic --------------------------------------------------------------------------------


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(dims)) + dims for dims in shapes]
    found = []
    for sizes in zip(*padded, strict=True):
        large = {size for size in sizes if size != 1}
        if len(large) > 1:
            raise ValueError("sizes that do not fit")
        found.append(large.pop() if large else 1)
    return tuple(found)


def _strides(dims: Sequence[int], target: Sequence[int]) -> list[int]:
    """How far each axis of ``target`` steps in the numbers of a tensor that is broadcast to it."""
    found, step = [], 1
    for size in reversed(dims):
        found.append(0 if size == 1 else step)
        step *= size
    found += [0] * (len(target) - len(dims))
    return found[::-1]


def _spread(constant: Constant, target: tuple[int, ...]) -> list[Any]:
    """The numbers of a constant broadcast to other sizes."""
    assert constant.data is not None
    if constant.dims == target:
        return list(constant.data)
    strides = _strides(constant.dims, target)
    places = every(
        *(
            range(0, size * step, step) if step else (0,) * size
            for size, step in zip(target, strides, strict=True)
        )
    )
    return [constant.data[sum(place)] for place in places]


def _is_small(dims: Sequence[int]) -> bool:
    """Whether there are few elements; a tensor of none may still have axes too long to walk."""
    return all(0 <= size <= MOST_VALUES for size in dims) and prod(dims) <= MOST_VALUES


def _elementwise(
    function: Callable[..., Any], kind: str = ""
) -> Callable[[Node, Inputs], Constant]:
    def rule(_: Node, inputs: Inputs) -> Constant:
        given = [each for each in inputs if each is not None]
        dims = _broadcast([each.dims for each in given])
        kinds = kind or ("float" if any(each.kind == "float" for each in given) else given[-1].kind)
        if any(each.data is None for each in given) or not _is_small(dims):
            return Constant(dims, None, kinds)
        values = zip(*(_spread(each, dims) for each in given), strict=True)
        try:
            return Constant(dims, tuple(function(*each) for each in values), kinds)
        except OverflowError:
            return Constant(dims, None, kinds)

    return rule


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        found = abs(a) // abs(b)
        return found if (a < 0) == (b < 0) else -found
    return a / b


def _power(a: Any, b: Any) -> Any:
    if abs(b) > 64:
        raise OverflowError("too large a power")
    return a**b


def _mod(a: Any, b: Any) -> Any:
    return a % b


def _cast(node: Node, inputs: Inputs) -> Constant:
    (x,) = inputs[:1]
    assert x is not None
    to = node.value("to", 1)
    kind = {1: "float", 10: "float", 11: "float", 16: "float", 9: "bool"}.get(to, "int")
    turn: Callable[[Any], Any] = {"float": float, "bool": bool, "int": int}[kind]
    data = None if x.data is None else tuple(turn(each) for each in x.data)
    return Constant(x.dims, data, kind)


def _cast_like(_: Node, inputs: Inputs) -> Constant:
    x, like = inputs[:2]
    assert x is not None
    assert like is not None
    turn: Callable[[Any], Any] = {"float": float, "bool": bool}.get(like.kind, int)
    data = None if x.data is None else tuple(turn(each) for each in x.data)
    return Constant(x.dims, data, like.kind)


# --- moves -------------------------------------------------------------------------------------


def _numbers(constant: Constant | None) -> list[Any]:
    if constant is None or constant.data is None:
        raise ValueError("numbers that are not known")
    return list(constant.data)


def _argument(node: Node, inputs: Inputs, index: int, key: str) -> list[int] | None:
    """An argument that is an attribute or an input."""
    found = node.value(key)
    if found is not None:
        return [int(each) for each in (found if isinstance(found, tuple | list) else [found])]
    if len(inputs) <= index or inputs[index] is None:
        return None
    return [int(each) for each in _numbers(inputs[index])]


def _first(inputs: Inputs) -> Constant:
    if not inputs or inputs[0] is None:
        raise ValueError("no input")
    return inputs[0]


def _reshape(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    shape = _argument(node, inputs, 1, "shape") or []
    sizes = [
        x.dims[i] if size == 0 and not node.value("allowzero", 0) else size
        for i, size in enumerate(shape)
    ]
    if -1 in sizes:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(x.dims) // rest
    if prod(sizes) != prod(x.dims):
        raise ValueError("sizes that do not fit")
    return x._replace(dims=tuple(sizes))


def _transpose(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    order = list(node.value("perm") or range(len(x.dims) - 1, -1, -1))
    dims = tuple(x.dims[axis] for axis in order)
    if x.data is None:
        return x._replace(dims=dims)
    strides = _strides(x.dims, x.dims)
    turned = [strides[axis] for axis in order]
    places = every(*(range(size) for size in dims))
    data = tuple(x.data[sum(map(operator.mul, place, turned))] for place in places)
    return x._replace(dims=dims, data=data)


def _squeeze(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    axes = _argument(node, inputs, 1, "axes")
    rank = len(x.dims)
    chosen = (
        {axis % rank for axis in axes}
        if axes is not None
        else {i for i, n in enumerate(x.dims) if n == 1}
    )
    return x._replace(dims=tuple(n for i, n in enumerate(x.dims) if i not in chosen))


def _unsqueeze(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    axes = _argument(node, inputs, 1, "axes") or []
    rank = len(x.dims) + len(axes)
    new = {axis % rank for axis in axes}
    if len(new) < len(axes):
        raise ValueError("an axis twice")
    old = iter(x.dims)
    return x._replace(dims=tuple(1 if i in new else next(old) for i in range(rank)))


def _flatten(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    axis = node.value("axis", 1) % (len(x.dims) + 1)
    return x._replace(dims=(prod(x.dims[:axis]), prod(x.dims[axis:])))


def _expand(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    dims = _broadcast([x.dims, tuple(_argument(node, inputs, 1, "shape") or ())])
    data = tuple(_spread(x, dims)) if x.data is not None and _is_small(dims) else None
    return x._replace(dims=dims, data=data)


def _concat(node: Node, inputs: Inputs) -> Constant:
    parts = [each for each in inputs if each is not None]
    axis = node.value("axis", 0) % len(parts[0].dims)
    total = sum(each.dims[axis] for each in parts)
    dims = (*parts[0].dims[:axis], total, *parts[0].dims[axis + 1 :])
    if any(each.data is None for each in parts) or not _is_small(dims):
        return parts[0]._replace(dims=dims, data=None, origin="", learned=False)
    outer = prod(dims[:axis])
    data: list[Any] = []
    for row in range(outer):
        for each in parts:
            width = prod(each.dims[axis:])
            data += _numbers(each)[row * width : (row + 1) * width]
    return Constant(dims, tuple(data), parts[0].kind)


def _chosen(x: Constant, axis: int, places: Sequence[int], dims: tuple[int, ...]) -> Constant:
    """The elements at some places of an axis, in other sizes."""
    if x.data is None or not _is_small(dims):
        return x._replace(dims=dims, data=None)
    inner = prod(x.dims[axis + 1 :])
    size = x.dims[axis]
    data: list[Any] = []
    for row in range(prod(x.dims[:axis])):
        for place in places:
            at = (row * size + place) * inner
            data += x.data[at : at + inner]
    return x._replace(dims=dims, data=tuple(data))


def _tile(_: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    repeats = [int(each) for each in _numbers(inputs[1])]
    if len(repeats) != len(x.dims):
        raise ValueError("a repetition for each axis")
    for axis, count in enumerate(repeats):
        size = x.dims[axis]
        places = range(size * count)
        dims = (*x.dims[:axis], len(places), *x.dims[axis + 1 :])
        turned = [place % size for place in places] if _is_small(dims) else ()
        x = _chosen(x, axis, turned, dims)
    return x


def _gather(node: Node, inputs: Inputs) -> Constant:
    x, indices = inputs[:2]
    if x is None or indices is None:
        raise ValueError("no input")
    axis = node.value("axis", 0) % len(x.dims)
    dims = (*x.dims[:axis], *indices.dims, *x.dims[axis + 1 :])
    if indices.data is None:
        return x._replace(dims=dims, data=None)
    size = x.dims[axis]
    places = [int(i) + size if i < 0 else int(i) for i in indices.data]
    if any(not 0 <= place < size for place in places):
        raise ValueError("indices outside the axis")
    return _chosen(x, axis, places, dims)


def _gather_nd(node: Node, inputs: Inputs) -> Constant:
    x, indices = inputs[:2]
    if x is None or indices is None or node.value("batch_dims", 0):
        raise ValueError("no input")
    dims = (*indices.dims[:-1], *x.dims[indices.dims[-1] :])
    if indices.dims[-1] != 1 or indices.data is None:
        return x._replace(dims=dims, data=None)
    places = [int(i) % x.dims[0] for i in indices.data]
    return _chosen(x, 0, places, dims)


def _slice(node: Node, inputs: Inputs) -> Constant:
    x = _first(inputs)
    starts = _argument(node, inputs, 1, "starts") or []
    ends = _argument(node, inputs, 2, "ends") or []
    axes = _argument(node, inputs, 3, "axes") or list(range(len(starts)))
    steps = _argument(node, inputs, 4, "steps") or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis % len(x.dims)
        places = range(x.dims[at])[slice(start, end if end > -(1 << 60) else None, step)]
        x = _chosen(x, at, places, (*x.dims[:at], len(places), *x.dims[at + 1 :]))
    return x


def _split(node: Node, inputs: Inputs) -> list[Constant | None]:
    x = _first(inputs)
    axis = node.value("axis", 0) % len(x.dims)
    size, count = x.dims[axis], len(node.outputs)
    each = -(-size // count)
    sizes = _argument(node, inputs, 1, "split") or [
        min(each, size - each * i) for i in range(count)
    ]
    found: list[Constant | None] = []
    start = 0
    for width in sizes:
        dims = (*x.dims[:axis], width, *x.dims[axis + 1 :])
        part = _chosen(x, axis, range(start, start + width), dims)
        found.append(part._replace(stored=dims))
        start += width
    return found


def _identity(_: Node, inputs: Inputs) -> Constant:
    return _first(inputs)


def _shape(node: Node, inputs: Inputs) -> Constant | None:
    return shape_of(node, _first(inputs).dims)


def _size(_: Node, inputs: Inputs) -> Constant:
    return Constant((), (prod(_first(inputs).dims),), "int")


def _constant_of_shape(node: Node, inputs: Inputs) -> Constant:
    dims = tuple(int(size) for size in _numbers(_first(inputs)))
    value = node.value("value")
    kind = value.kind if value is not None else "float"
    number = value.data[0] if value is not None and value.data else 0
    if prod(dims) > MOST_ELEMENTS:
        raise ValueError("too large")
    return Constant(dims, (number,) * prod(dims) if _is_small(dims) else None, kind)


def _range(_: Node, inputs: Inputs) -> Constant:
    start, limit, delta = (_numbers(each)[0] for each in inputs)
    count = max(0, math.ceil((limit - start) / delta))
    kind = "int" if isinstance(start, int) else "float"
    data = tuple(start + i * delta for i in range(count)) if count <= MOST_VALUES else None
    return Constant((count,), data, kind)


def _reduce(function: Callable[[Sequence[Any]], Any]) -> Callable[[Node, Inputs], Constant]:
    def rule(node: Node, inputs: Inputs) -> Constant:
        x = _first(inputs)
        rank = len(x.dims)
        stated = _argument(node, inputs, 1, "axes")
        axes = {axis % rank for axis in stated} if stated else set(range(rank))
        keeps = node.value("keepdims", 1)
        dims = tuple(1 if i in axes else n for i, n in enumerate(x.dims) if keeps or i not in axes)
        if x.data is None or axes != set(range(rank)):
            return Constant(dims, None, x.kind)
        return Constant(dims, (function(x.data),), x.kind)

    return rule


def _product(numbers: Sequence[Any]) -> Any:
    """The product, as long as it is a number of 64 bits."""
    found: Any = 1
    for number in numbers:
        found *= number
        if isinstance(found, int) and abs(found) >= MOST_INTEGER:
            raise OverflowError("too large a product")
    return found


def _dequantized(node: Node, inputs: Inputs) -> Constant:
    """A weight in numbers of another width."""
    x = _first(inputs)
    is_weight = node.op == "DequantizeLinear" or x.learned
    stored = x.stored or x.dims
    return Constant(x.dims, None, "float", x.origin, stored, is_weight and bool(x.origin))


def _keeps_sizes(_: Node, inputs: Inputs) -> Constant:
    """Sizes stay; numbers are not computed."""
    return _first(inputs)._replace(data=None)


def _conv(node: Node, inputs: Inputs) -> Constant:
    """Only sizes: a window over a table of positions."""
    x, weight = inputs[:2]
    if x is None or weight is None or node.value("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise ValueError("no input")
    _, _, *kernel = weight.dims
    rank = len(kernel)
    pads = node.value("pads") or [0] * 2 * rank
    strides, dilations = (node.value(key) or [1] * rank for key in ("strides", "dilations"))
    sizes = [
        (n + pads[i] + pads[i + rank] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
        for i, n in enumerate(x.dims[2:])
    ]
    return Constant((x.dims[0], weight.dims[0], *sizes), None)


def _matmul(_: Node, inputs: Inputs) -> Constant:
    a, b = inputs[:2]
    if a is None or b is None or len(a.dims) < 2 or len(b.dims) < 2 or a.dims[-1] != b.dims[-2]:
        raise ValueError("matrices that do not fit")
    return Constant((*_broadcast([a.dims[:-2], b.dims[:-2]]), a.dims[-2], b.dims[-1]), None)


def _where(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


def _clip(x: Any, low: Any = -math.inf, high: Any = math.inf) -> Any:
    return min(max(x, low), high)


_RULES: Mapping[str, Callable[[Node, Inputs], Any]] = {
    "Add": _elementwise(operator.add),
    "Sub": _elementwise(operator.sub),
    "Mul": _elementwise(operator.mul),
    "Div": _elementwise(_divide),
    "Mod": _elementwise(_mod),
    "Pow": _elementwise(_power),
    "Max": _elementwise(max),
    "Min": _elementwise(min),
    "Neg": _elementwise(operator.neg),
    "Abs": _elementwise(abs),
    "Sqrt": _elementwise(math.sqrt),
    "Exp": _elementwise(math.exp),
    "Log": _elementwise(math.log),
    "Sin": _elementwise(math.sin),
    "Cos": _elementwise(math.cos),
    "Reciprocal": _elementwise(lambda x: 1 / x),
    "Floor": _elementwise(math.floor),
    "Ceil": _elementwise(math.ceil),
    "Round": _elementwise(round),
    "Sigmoid": _elementwise(lambda x: 1 / (1 + math.exp(-x))),
    "Tanh": _elementwise(math.tanh),
    "Relu": _elementwise(lambda x: max(x, 0)),
    "Clip": _elementwise(_clip),
    "Equal": _elementwise(operator.eq, "bool"),
    "Greater": _elementwise(operator.gt, "bool"),
    "GreaterOrEqual": _elementwise(operator.ge, "bool"),
    "Less": _elementwise(operator.lt, "bool"),
    "LessOrEqual": _elementwise(operator.le, "bool"),
    "And": _elementwise(operator.and_, "bool"),
    "Or": _elementwise(operator.or_, "bool"),
    "Not": _elementwise(operator.not_, "bool"),
    "Where": _elementwise(_where),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Identity": _identity,
    "Dropout": _identity,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Flatten": _flatten,
    "Expand": _expand,
    "Concat": _concat,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "Slice": _slice,
    "Tile": _tile,
    "Split": _split,
    "Shape": _shape,
    "Size": _size,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "ReduceProd": _reduce(_product),
    "ReduceSum": _reduce(sum),
    "ReduceMax": _reduce(max),
    "ReduceMin": _reduce(min),
    "ReduceMean": _reduce(lambda numbers: sum(numbers) / len(numbers)),
    "DequantizeLinear": _dequantized,
    "QuantizeLinear": _dequantized,
    "BatchNormalization": _keeps_sizes,
    "CumSum": _keeps_sizes,
    "Trilu": _keeps_sizes,
    "ScatterND": _keeps_sizes,
    "Softmax": _keeps_sizes,
    "Conv": _conv,
    "MatMul": _matmul,
}
FOLDED = frozenset(_RULES)
