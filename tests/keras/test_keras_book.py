"""The table of Keras' layers in docs/frameworks.md, held against Keras."""

from __future__ import annotations

from math import prod
from pathlib import Path

import keras
import pytest
from framework_rows import rows

import convcalc

# Rows that name more than one layer on either side are said in words.
ROWS = [row for row in rows("Keras and TensorFlow") if not {"`", "["} & set("".join(row))]
MORE_BIAS = "SeparableConv2D(64, 3)"  # convcalc has a bias for the depthwise part, 16 numbers


def test_most_rows_are_compared() -> None:
    assert len(ROWS) >= 13


@pytest.mark.parametrize(("constructor", "item"), ROWS)
def test_a_layer_of_keras_is_the_operator_beside_it(
    constructor: str, item: str, tmp_path: Path
) -> None:
    layer = eval(f"layers.{constructor}", {"layers": keras.layers})
    dense = constructor.startswith("Dense")
    shape = (16,) if dense else (33, 31, 16)
    source = keras.Input(shape)
    made = layer(source).shape[1:]
    path = tmp_path / "net.convcalc.yaml"
    path.write_text(f"convcalc: 1\ninput: {[shape[-1], *shape[:-1]]}\nlayers:\n- {item}\n", "utf-8")
    report = convcalc.analyse(convcalc.load(str(path)))
    assert report.problems == ()
    assert report.layers[-1].output.dims == (1, made[-1], *made[:-1])
    trained = sum(prod(weight.shape) for weight in layer.trainable_weights)
    assert report.totals.params == trained + 16 * (constructor == MORE_BIAS)
