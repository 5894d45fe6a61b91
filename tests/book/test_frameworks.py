"""Every cell of docs/frameworks.md that looks like a layer is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from framework_rows import INPUTS, cells, page, rows

import convcalc
from convcalc.language.parse.tree import COMPOSITES, SIBLINGS
from convcalc.model.operators.registry import operator_names

LAYERS = [cell for cell in cells() if re.match(r"\{?\w+(: |$)", cell)]


@pytest.mark.parametrize("cell", LAYERS)
def test_a_cell_is_a_layer(cell: str, tmp_path: Path) -> None:
    item = yaml.safe_load(cell)
    keys = [item] if isinstance(item, str) else [*item]
    if keys[0] in ("blocks", *SIBLINGS) or "..." in cell:
        assert all(key in (*SIBLINGS, *COMPOSITES, "blocks") for key in keys)
        return
    assert keys[0] in operator_names()
    assert any(fits(cell, shape, tmp_path) for shape in INPUTS), cell


def fits(cell: str, shape: tuple[int, ...], folder: Path) -> bool:
    """Whether the layer accepts an input of that shape."""
    names = "layers:\n- {identity: {}, id: x}\n- {identity: {}, id: y}\n"
    path = folder / "net.convcalc.yaml"
    path.write_text(f"convcalc: 1\ninput: {[*shape]}\n{names}- {cell}\n", "utf-8")
    try:
        return convcalc.load(str(path)).problems == ()
    except convcalc.Error:
        return False


def test_each_table_has_its_rows() -> None:
    assert len(rows("PyTorch")) > 40
    assert len(LAYERS) > 75
    for title in ("PyTorch", "Keras and TensorFlow", "ONNX", "darknet"):
        assert f"\n## {title}\n" in page()
