"""The text of written Keras code; whether it builds what it should is in ``tests/keras``."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from convcalc.exporting.keras.write import keras_code
from convcalc.exporting.refusal import Refused
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_names
from convcalc.language.sources.target import Target


def code_of(name: str) -> str:
    target = shipped_names()[name]
    document = NetworkSource(Target(target.file)).document
    assert document is not None
    return keras_code(document, target.variant)


def code_of_text(text: str) -> str:
    document = NetworkSource(Target("case.yaml", None, text)).document
    assert document is not None
    return keras_code(document)


def test_blocks_are_functions_params_arguments_and_variants_functions() -> None:
    code = code_of("resnet50")
    tree = ast.parse(code)
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert {"conv_bn", "bottleneck", "basic_block", "stage", "resnet50", "resnet18"} <= set(
        functions
    )
    arguments = [each.arg for each in functions["resnet50"].args.args]
    assert arguments == ["input_shape", "depths", "bottleneck_", "groups", "wide", "classes"]
    assert "for c, n, s in zip((64, 128, 256, 512), depths, (1, 2, 2, 2)):" in code
    assert "return resnet50(depths=(2, 2, 2, 2), bottleneck_=False, **arguments)" in code


@pytest.mark.parametrize(
    ("name", "operator"),
    [("rednet50", "involution"), ("fcos_resnet50_fpn", "Head"), ("fcn_resnet50", "leads to no")],
)
def test_what_keras_lacks_is_refused_by_its_name(name: str, operator: str) -> None:
    with pytest.raises(Refused) as caught:
        code_of(name)
    assert operator in str(caught.value)


HOSTILE = '''convcalc: 1
name: "x\\"\\"\\"\\nimport os"
description: 'ends """ here \\'
input: [3, 32, 32]
params: {"layers": 4}
blocks:
  class:
    params: {lambda: 8}
    layers: [{conv: {out: lambda, k: 3, p: 1}}]
layers:
  - {class: {lambda: layers}, id: keras}
  - {conv: {out: 4, k: 1}, id: "import os"}
  - {add: [keras, "import os"]}
'''


def test_names_of_a_file_are_identifiers_and_texts_stay_texts() -> None:
    try:
        code = code_of_text(HOSTILE)
    except Exception as error:  # a name that the language itself refuses
        assert type(error).__module__.startswith("convcalc")
        return
    tree = ast.parse(code)
    assert {each.names[0].name for each in tree.body if isinstance(each, ast.Import)} <= {
        "keras",
        "math",
    }


def test_the_same_text_comes_whatever_the_order_of_sets() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; from test_code import code_of; "
        "print(code_of('resnet50'), code_of('efficientnet_b0'))"
    )
    from pathlib import Path

    here = str(Path(__file__).parent)
    root = str(Path(__file__).parents[3])
    found = {
        subprocess.run(
            [sys.executable, "-c", program, here, root],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
