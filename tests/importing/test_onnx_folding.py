"""What is computed of constants, held against the reference evaluator of the onnx package; skipped
where that is not installed."""

from __future__ import annotations

import random
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")

import numpy as np  # noqa: E402 behind the skip
from onnx.reference import ReferenceEvaluator  # noqa: E402

from convcalc.diagnostics.diagnostic import Place  # noqa: E402
from convcalc.importing.folding import fold  # noqa: E402
from convcalc.importing.foreign import Constant, Node  # noqa: E402

Array = Any


def constant(array: Array) -> Constant:
    """An array as a constant."""
    kind = {"i": "int", "b": "bool"}.get(array.dtype.kind, "float")
    return Constant(array.shape, tuple(array.ravel().tolist()), kind)


def drawn(seed: int) -> tuple[str, dict[str, Any], list[Array], int]:
    """An operator with attributes and inputs, and how many outputs it has."""
    chance = random.Random(seed)
    rank = chance.randrange(1, 4)
    dims = [chance.randrange(1, 5) for _ in range(rank)]
    count = int(np.prod(dims))
    x = np.array([chance.randrange(-9, 10) for _ in range(count)], np.int64).reshape(dims)
    other = x[tuple(slice(0, 1) if chance.random() < 0.4 else slice(None) for _ in dims)]
    other = np.where(other == 0, 3, other)
    axis = chance.randrange(rank)
    numbers = [np.array(value, np.int64) for value in _slice(chance, dims[axis], axis)]
    order = chance.sample(range(rank), rank)
    indices = np.array([chance.randrange(-dims[axis], dims[axis]) for _ in range(3)], np.int64)
    choices: dict[str, tuple[dict[str, Any], list[Array], int]] = {
        "Add": ({}, [x, other], 1),
        "Sub": ({}, [x, other], 1),
        "Mul": ({}, [x, other], 1),
        "Mod": ({}, [x, other], 1),
        "Max": ({}, [x, other], 1),
        "Div": ({}, [x.astype(np.float32), other.astype(np.float32)], 1),
        "Equal": ({}, [x, other], 1),
        "Less": ({}, [x, other], 1),
        "Where": ({}, [x > 0, x, other], 1),
        "Neg": ({}, [x], 1),
        "Clip": ({}, [x, np.array(-3, np.int64), np.array(4, np.int64)], 1),
        "Transpose": ({"perm": order}, [x], 1),
        "Reshape": ({}, [x, np.array([-1, dims[-1]], np.int64)], 1),
        "Flatten": ({"axis": axis}, [x], 1),
        "Unsqueeze": ({}, [x, np.array([axis], np.int64)], 1),
        "Squeeze": ({}, [x[..., None], np.array([-1], np.int64)], 1),
        "Concat": ({"axis": axis}, [x, x, x], 1),
        "Gather": ({"axis": axis}, [x, indices], 1),
        "Slice": ({}, [x, *numbers], 1),
        "Split": ({"axis": axis, "num_outputs": 2}, [np.repeat(x, 2, axis)], 2),
        "Tile": ({}, [x, np.array([2, *[1] * (rank - 1)], np.int64)], 1),
        "Expand": ({}, [other, np.array(dims, np.int64)], 1),
        "Shape": ({}, [x], 1),
        "Size": ({}, [x], 1),
        "Range": ({}, [np.array(value, np.int64) for value in (chance.randrange(5), 17, 3)], 1),
        "ReduceProd": ({"keepdims": 0}, [x], 1),
        "ReduceSum": ({"keepdims": 1}, [x], 1),
        "GatherND": ({}, [x, indices[:2, None] * (axis == 0)], 1),
        "Cast": ({"to": 7}, [x.astype(np.float32) / 4], 1),
    }
    op = sorted(choices)[seed % len(choices)]
    return op, *choices[op]


def _slice(chance: random.Random, size: int, axis: int) -> list[list[int]]:
    """Starts, ends, axes and steps of a slice."""
    step = chance.choice((1, 1, 2, -1, -2))
    ends = (chance.randrange(-size - 1, size + 2), chance.randrange(-size - 1, size + 2))
    return [[ends[0]], [ends[1]], [axis], [step]]


@pytest.mark.parametrize("seed", range(580))
def test_constants_are_computed_as_the_reference_evaluator_does(seed: int) -> None:
    op, values, inputs, count = drawn(seed)
    names = [f"i{index}" for index in range(len(inputs))]
    outputs = [f"o{index}" for index in range(count)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, names, outputs, **values)],
        "graph",
        [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in zip(names, inputs, strict=True)
        ],
        [onnx.helper.make_tensor_value_info(name, 1, None) for name in outputs],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    wanted = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))
    node = Node(op, tuple(names), tuple(outputs), values, op, Place("net.onnx", 1, 1))
    found = fold(node, [constant(array) for array in inputs])
    assert found is not None
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.dims == np.shape(theirs)
        assert ours.data == pytest.approx(np.ravel(theirs).tolist())
