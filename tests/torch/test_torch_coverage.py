"""No operator is left out of the comparison without a reason."""

from __future__ import annotations

from pathlib import Path

from convcalc.model.operators.registry import operator_names

NOT_COMPARED = {
    "opaque": "its numbers are declared, not computed",
    "batch_to_space": "TensorFlow's; PyTorch has no such layer",
    "space_to_batch": "TensorFlow's; PyTorch has no such layer",
    "roi_pool": "compiled in torchvision, whose wheels fit one build of PyTorch only",
    "ps_roi_pool": "compiled in torchvision, likewise",
    "ps_roi_align": "compiled in torchvision, likewise",
    "deform_ps_roi_pool": "no implementation in PyTorch or torchvision",
}


def test_every_operator_is_compared_or_has_a_reason_why_not() -> None:
    tests = [path for path in Path(__file__).parent.glob("*.py") if path != Path(__file__)]
    text = "".join(path.read_text("utf-8") for path in tests)
    missing = {name for name in operator_names() if f'"{name}"' not in text}
    assert missing - set(NOT_COMPARED) == set()
    assert set(NOT_COMPARED) - set(operator_names()) == set()
