"""TensorFlow Lite models of a few operators each, with their parameters and multiplications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from importing.flatbuffer import Lite

SAME, VALID = ("b", 0), ("b", 1)
RELU6 = ("b", 3)
PADS = (34, 60, 100)


class Case(NamedTuple):
    """A model with its numbers; sizes of the output are channels last."""

    content: bytes
    params: int
    macs: int
    output: tuple[int, ...]


def one(
    code: int,
    made: tuple[int, ...],
    *inputs: Any,
    x: tuple[int, ...] = (1, 9, 7, 4),
    at: int = 0,
    numbers: tuple[int, int] = (0, 0),
    options: int = 0,
    **fields: Any,
) -> Case:
    """A model of one operator: weights by sizes, whole numbers as lists; the image is ``at``."""
    model = Lite()
    image = model.tensor(*x)
    held = []
    for each in inputs:
        if isinstance(each, tuple):
            held.append(model.weight(*each))
        else:  # whole numbers, with a second axis of two for paddings
            pairs = code in PADS
            sizes = (len(each) // 2, 2) if pairs else None
            held.append(model.whole(*each, sizes=sizes))
    held.insert(at, image)
    (output,) = model.add(code, held, made, kind=options, **fields)
    return Case(model.content([image], [output]), *numbers, made)


def window(stride: int = 1, padding: Any = SAME, **more: Any) -> dict[str, Any]:
    """The options that convolutions and pools begin with."""
    return {"f0": padding, "f1": ("i", stride), "f2": ("i", stride), **more}


def rows() -> Iterator[tuple[str, Case]]:
    """The cases by name."""
    weights = 6 * 9 * 4
    yield (
        "conv",
        one(3, (1, 5, 4, 6), (6, 3, 3, 4), (6,), numbers=(weights + 6, 20 * weights), options=1,
            **window(2, f3=RELU6)),
    )  # fmt: skip
    yield (
        "conv_valid",
        one(3, (1, 7, 5, 6), (6, 3, 3, 4), (6,), numbers=(weights + 6, 35 * weights), options=1,
            **window(1, VALID)),
    )  # fmt: skip
    yield (
        "conv_dilated",
        one(3, (1, 9, 7, 6), (6, 3, 3, 4), (6,), numbers=(weights + 6, 63 * weights), options=1,
            **window(1, f4=("i", 2), f5=("i", 2))),
    )  # fmt: skip
    yield (
        "conv_grouped",
        one(3, (1, 9, 7, 6), (6, 3, 3, 2), (6,), numbers=(114, 63 * 108), options=1, **window()),
    )
    yield (
        "depthwise",
        one(4, (1, 5, 4, 8), (1, 3, 3, 8), (8,), numbers=(80, 20 * 72), options=2,
            **window(2, f3=("i", 2), f4=RELU6)),
    )  # fmt: skip
    yield (
        "transposed",
        one(67, (1, 18, 14, 5), [1, 18, 14, 5], (5, 3, 3, 4), at=2, options=49,
            numbers=(180, 63 * 180), **window(2)),
    )  # fmt: skip
    yield (
        "transposed_valid",
        one(67, (1, 19, 15, 5), [1, 19, 15, 5], (5, 3, 3, 4), at=2, options=49,
            numbers=(180, 63 * 180), **window(2, VALID)),
    )  # fmt: skip
    yield (
        "fully_connected",
        one(9, (1, 10), (10, 252), (10,), numbers=(2530, 2520), options=8, f0=("b", 1)),
    )
    yield (
        "fully_connected_at_positions",
        one(9, (1, 9, 7, 10), (10, 4), (10,), numbers=(50, 63 * 40), options=8, f2=("B", 1)),
    )
    for name, code in (("average_pool", 1), ("max_pool", 17)):
        size = {"f3": ("i", 3), "f4": ("i", 2)}
        yield name, one(code, (1, 5, 4, 4), options=5, **window(2, **size))
        yield f"{name}_valid", one(code, (1, 4, 3, 4), options=5, **window(2, VALID, **size))
    yield (
        "max_pool_strided",
        one(17, (1, 9, 4, 4), options=5, f1=("i", 2), f2=("i", 1), f3=("i", 3), f4=("i", 2)),
    )
    yield "mean", one(40, (1, 4), [1, 2], options=27)
    yield "mean_kept", one(40, (1, 1, 1, 4), [1, 2], options=27, f0=("B", 1))
    yield "add_scalar_each", one(0, (1, 9, 7, 4), (4,), options=11, numbers=(4, 0))
    yield "mul", one(18, (1, 9, 7, 4), (4,), options=21, numbers=(4, 0))
    yield "prelu", one(54, (1, 9, 7, 4), (1, 1, 4), numbers=(4, 0))
    for name, code in {
        "logistic": 14,
        "relu": 19,
        "relu_n1_to_1": 20,
        "relu6": 21,
        "tanh": 28,
        "hard_swish": 117,
        "elu": 111,
        "exp": 47,
        "sqrt": 75,
        "abs": 101,
        "neg": 59,
    }.items():
        yield name, one(code, (1, 9, 7, 4))
    yield "leaky_relu", one(98, (1, 9, 7, 4), options=75, f0=("f", 0.2))
    yield "softmax", one(25, (1, 9, 7, 4), options=9, f0=("f", 1.0))
    yield "reshape", one(22, (1, 252), [1, 252])
    yield "reshape_rows", one(22, (1, 63, 4), [1, 63, 4])
    yield "transpose", one(39, (1, 7, 9, 4), [0, 2, 1, 3])
    yield "pad", one(34, (1, 12, 7, 4), [0, 0, 1, 2, 0, 0, 0, 0])
    yield "slice", one(65, (1, 3, 5, 4), [0, 2, 1, 0], [1, 3, 5, -1])
    yield (
        "strided_slice",
        one(45, (1, 5, 7, 4), [0, 0, 0, 0], [1, 9, 7, 4], [1, 2, 1, 1], options=32),
    )
    yield (
        "resize_bilinear",
        one(23, (1, 18, 14, 4), [18, 14], options=15, f3=("B", 1)),
    )
    yield "resize_nearest", one(97, (1, 18, 14, 4), [18, 14], options=74)
    yield "depth_to_space", one(5, (1, 18, 14, 1), options=94, f0=("i", 2))
    yield "space_to_depth", one(26, (1, 4, 3, 16), x=(1, 8, 6, 4), options=19, f0=("i", 2))
    yield "network", network()


def network() -> Case:
    """Two branches that are joined, and a classifier."""
    model = Lite()
    x = model.tensor(1, 16, 16, 3)
    stem = [x, model.weight(8, 3, 3, 3), model.weight(8)]
    (a,) = model.add(3, stem, (1, 8, 8, 8), kind=1, **window(2, f3=RELU6))
    part = [a, model.weight(1, 3, 3, 8), model.weight(8)]
    (b,) = model.add(4, part, (1, 8, 8, 8), kind=2, **window(1, f3=("i", 1), f4=("b", 1)))
    (c,) = model.add(0, [a, b], (1, 8, 8, 8), kind=11, f0=("b", 1))
    (d,) = model.add(2, [c, a], (1, 8, 8, 16), kind=10, f0=("i", 3))
    (e,) = model.add(40, [d, model.whole(1, 2)], (1, 16), kind=27)
    (f,) = model.add(9, [e, model.weight(10, 16), model.weight(10)], (1, 10), kind=8)
    (g,) = model.add(25, [f], (1, 10), kind=9, f0=("f", 1.0))
    macs = 64 * 8 * 27 + 64 * 72 + 160
    return Case(model.content([x], [g]), 8 * 27 + 8 + 72 + 8 + 170, macs, (1, 10))


CASES: dict[str, Case] = dict(rows())
