"""The TensorFlow Lite models of the tests run in LiteRT, with outputs of the sizes they state."""

from __future__ import annotations

import pytest
from ai_edge_litert.interpreter import Interpreter
from importing.lite_cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_a_model_runs(name: str) -> None:
    interpreter = Interpreter(model_content=CASES[name].content)
    interpreter.allocate_tensors()
    interpreter.invoke()
    (output,) = interpreter.get_output_details()
    assert tuple(output["shape"]) == CASES[name].output
