"""Expressions and their refusals."""

from __future__ import annotations

from typing import Any

import pytest
from effort import at_most

from convcalc.language.syntax.expressions import ExpressionError, compile_expression
from convcalc.model.quantities.unknown import UNKNOWN

SCOPE: dict[str, Any] = {
    "c": 64,
    "k": 3,
    "half": 0.5,
    "act": True,
    "mode": "same",
    "widths": [16, 24, 32],
    "pairs": [[1, 2], [3, 4]],
    "in_channels": UNKNOWN,
    "near": 2**62 - 1,
}


def value(text: str) -> Any:
    return compile_expression(text).evaluate(SCOPE)


def error(text: str) -> ExpressionError:
    """The refusal of ``text``, which must also take few calls."""
    with pytest.raises(ExpressionError) as caught, at_most(5000):
        value(text)
    return caught.value
