"""Small files with many kinds of nodes, to be damaged by ``fuzz.py``, and files of random nodes."""

from __future__ import annotations

import random
from typing import Any

from onnx_files import function, model, node, through

from convcalc.importing.folding import FOLDED
from convcalc.importing.mapper import RULES


def _convolutional() -> bytes:
    nodes = [
        node("Conv", ["x", "w"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        node("Sigmoid", ["b"], ["c"]),
        node("Mul", ["b", "c"], ["d"]),
        node("MaxPool", ["d"], ["e"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        node("Resize", ["e", "", "up"], ["f"], mode="linear"),
        node("Concat", ["f", "d"], ["g"], axis=1),
        node("ConvTranspose", ["g", "t"], ["h"], kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["h"], ["i"]),
        node("Flatten", ["i"], ["j"]),
        node("Gemm", ["j", "v", "o"], ["y"], transB=1),
    ]
    weights = {"w": [8, 3, 3, 3], "s": [8], "t": [16, 4, 2, 2], "v": [5, 4], "o": [5]}
    return model(nodes, {"x": [1, 3, 16, 16]}, {"y": [1, 5]}, weights, {"up": [1.0, 1.0, 2.0, 2.0]})


def _transformer() -> bytes:
    nodes = [
        node("Shape", ["x"], ["size"]),
        node("Gather", ["size", "two"], ["n"], axis=0),
        node("Concat", ["one", "rest", "n"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"], ["a"]),
        node("LayerNormalization", ["a", "s", "s"], ["b"], axis=-1),
        node("MatMul", ["b", "w"], ["c"]),
        node("Add", ["c", "o"], ["d"]),
        node("Split", ["d", "parts"], ["q", "k", "v"], axis=2),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["e"]),
        node("Softmax", ["e"], ["f"], axis=-1),
        node("MatMul", ["f", "v"], ["g"]),
        node("Slice", ["g", "zero", "stop", "axes"], ["h"]),
        node("ReduceMean", ["h"], ["y"], axes=[1], keepdims=0),
    ]
    numbers = {"two": [3], "one": [1], "rest": [-1], "parts": [12, 12, 12]}
    numbers |= {"zero": [0], "stop": [4], "axes": [1]}
    weights = {"s": [12], "w": [12, 36], "o": [36]}
    return model(nodes, {"x": [1, 4, 6, 12]}, {"y": [1, 12]}, weights, numbers)


def _functions() -> bytes:
    inner = function(
        "Inner", "local", ["a", "w"], ["b"], [node("Conv", ["a", "w"], ["b"], kernel_shape=[1, 1])]
    )
    outer = function(
        "Outer",
        "local",
        ["a", "w"],
        ["c"],
        [node("Inner", ["a", "w"], ["b"], domain="local"), node("Relu", ["b"], ["c"])],
    )
    nodes = [
        node("Outer", ["x", "w"], ["m"], domain="local"),
        node("Pad", ["m", "pads"], ["p"]),
        node("DepthToSpace", ["p"], ["d"], blocksize=2),
        node("Clip", ["d", "low", "high"], ["y"]),
    ]
    return through(
        nodes,
        [1, 4, 6, 6],
        "y",
        weights={"w": [8, 4, 1, 1]},
        numbers={"pads": [0, 0, 1, 1, 0, 0, 1, 1], "low": [0.0], "high": [6.0]},
        functions=[inner, outer],
    )


SMALL = [_convolutional(), _transformer(), _functions()]

OPERATORS = sorted({*RULES, *FOLDED})
KEYS = """
axis axes perm pads strides dilations kernel_shape group auto_pad mode epsilon alpha shape keepdims
transA transB blocksize equation num_heads hidden_size direction output_shape output_padding starts
ends steps split num_groups to value size p ceil_mode allowzero
""".split()  # noqa: SIM905 as a list of thirty lines it would say no more
HUGE = (0, 1, -1, 2, 3, 7, 64, 1 << 31, 1 << 40, 1 << 62, -(1 << 63))


def strange(number: int) -> bytes:
    """A file whose nodes are well formed and make no sense: any operator, any inputs, any
    attributes."""
    chance = random.Random(number)
    sizes = [1, *(chance.choice((1, 2, 3, 4, 12)) for _ in range(chance.randrange(5)))]
    names = ["x", "x", "", "w", "v", "o", "i", "j", "big"]
    nodes = []
    for index in range(chance.randrange(1, 9)):
        values: dict[str, Any] = {
            chance.choice(KEYS): _value(chance) for _ in range(chance.randrange(4))
        }
        inputs = [chance.choice(names) for _ in range(chance.choice((0, 1, 1, 2, 2, 2, 3, 5)))]
        outputs = [f"t{index}", *([f"u{index}"] if chance.random() < 0.2 else [])]
        nodes.append(node(chance.choice(OPERATORS), inputs, outputs, **values))
        names += outputs * 2
    numbers: dict[str, list[int | float]] = {
        "i": [chance.choice(HUGE[:6]) for _ in range(chance.randrange(6))],
        "j": [chance.choice(HUGE)],
        "o": [0.5] * chance.randrange(4),
    }
    weights = {
        "w": [chance.choice(HUGE[:7]) % 65 for _ in range(chance.randrange(6))],
        "v": [4, 3, 1, 1][: chance.randrange(5)],
        "big": [chance.choice(HUGE) % (1 << 62) for _ in range(chance.randrange(4))],
    }
    return through(nodes, sizes, f"t{len(nodes) - 1}", weights=weights, numbers=numbers)


def _value(chance: random.Random) -> Any:
    kind = chance.randrange(5)
    if kind == 0:
        return chance.choice(HUGE)
    if kind == 1:
        return chance.choice((0.0, 1.0, -1.0, float("nan"), float("inf"), 1e-30))
    if kind == 2:
        return chance.choice(("SAME_UPPER", "linear", "bidirectional", "ij,jk->ik", "VALID", ""))
    return [chance.choice(HUGE[:7] if kind == 3 else HUGE) for _ in range(chance.randrange(6))]
