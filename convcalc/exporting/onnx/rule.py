"""A rule writes an operator of given tensors, and returns what that makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.onnx.nodes import Value

# (part, operator, *inputs) -> the output, or all outputs of an operator that has ports.
Rule = Callable[..., Value | Sequence[Value]]
