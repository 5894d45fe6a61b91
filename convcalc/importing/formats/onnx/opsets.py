"""Older versions of ONNX's operators, where they differ from the newest.

Most attributes that became inputs need nothing here: the mapper takes either. Source: the operator
changelog of ONNX, https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def renewed(
    op: str, inputs: tuple[str, ...], given: Mapping[str, Any], opset: int
) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """An operator as the newest version would say it."""
    values = dict(given)
    if op in ("Softmax", "LogSoftmax", "Hardmax") and opset < 13:
        values.setdefault("axis", 1)
        values["flattens"] = True  # all axes from this one on are one
    elif op == "Upsample":
        values.setdefault("coordinate_transformation_mode", "asymmetric")
        values.setdefault("nearest_mode", "floor")
        return "Resize", _resize_inputs(inputs), values
    elif op == "Resize" and opset < 11:
        values.setdefault("coordinate_transformation_mode", "asymmetric")
        values.setdefault("nearest_mode", "floor")
        return op, _resize_inputs(inputs), values
    elif op == "BatchNormalization" and opset < 9 and values.get("spatial", 1) == 0:
        return "BatchNormalization of each position", inputs, values
    elif op == "GridSample":
        words = {"bilinear": "linear", "bicubic": "cubic"}
        values["mode"] = words.get(values.get("mode", "linear"), values.get("mode", "linear"))
    elif op == "Dropout":
        return op, inputs[:1], values
    return op, inputs, values


def _resize_inputs(inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The inputs of a newer Resize: x, roi, scales, sizes."""
    x, *rest = inputs
    return (x, "", *rest)
