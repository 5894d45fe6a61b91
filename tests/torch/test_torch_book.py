"""The table of PyTorch's classes in docs/frameworks.md, held against PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from framework_rows import INPUTS, rows
from torch import nn

import convcalc


@pytest.mark.parametrize(("constructor", "item"), rows("PyTorch"))
def test_a_class_of_pytorch_is_the_operator_beside_it(
    constructor: str, item: str, tmp_path: Path
) -> None:
    module = eval(constructor, {"nn": nn}).eval()
    shape, output = run(module)
    path = tmp_path / "net.convcalc.yaml"
    path.write_text(f"convcalc: 1\ninput: {[*shape]}\nlayers:\n- {item}\n", "utf-8")
    report = convcalc.analyse(convcalc.load(str(path)))
    assert report.problems == ()
    assert report.layers[0].output.dims == output
    assert report.totals.params == sum(parameter.numel() for parameter in module.parameters())


def run(module: nn.Module) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first shape that a module accepts, with the shape that it makes; channels first."""
    last = isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.RMSNorm) or (
        isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1
    )
    for shape in INPUTS:
        x = torch.zeros(2, *shape)
        x = x.movedim(1, -1) if last else x
        try:
            made = module(x, x, x) if isinstance(module, nn.MultiheadAttention) else module(x)
        except (RuntimeError, ValueError, AssertionError):
            continue
        y = made[0] if isinstance(made, tuple) else made
        y = y.movedim(-1, 1) if last else y
        return shape, (1, *y.shape[1:])
    raise AssertionError(f"{module} accepts none of {INPUTS}")
