"""Tensors made of nothing: constants, whose sizes the file states."""

from __future__ import annotations

import math
from collections.abc import Mapping

from convcalc.importing.foreign import Number
from convcalc.importing.formats.pt2.call import Call, Rule, fixed

MADE = ("bernoulli", "empty_strided", "eye", "linspace", "logspace", "rand", "randn", "randint")
FILLED = {"zeros": 0, "ones": 1, "empty": 0, "full": None, "fill": None, "scalar_tensor": None}


def made(call: Call) -> None:
    """A tensor whose numbers do not matter."""
    call.hold()


def filled(call: Call) -> None:
    """A tensor of one number."""
    name = call.op.removeprefix("new_").removesuffix("_like")
    value: Number | None = FILLED[name]
    if value is None:
        given = call.first("fill_value", "value", "s")
        value = given if isinstance(given, int | float) else None
    count = math.prod(fixed(call.sizes(call.outputs[0])))
    is_known = value is not None and call.budget.allows(count)
    call.hold([value] * count if is_known and value is not None else None)


def arange(call: Call) -> None:
    """Numbers in steps."""
    start, step, end = call.get("start", 0), call.get("step", 1), call.get("end", 0)
    (count,) = fixed(call.sizes(call.outputs[0]))
    is_whole = all(isinstance(each, int) for each in (start, step, end))
    if not is_whole or not call.budget.allows(count):
        call.hold()
    else:
        call.hold([start + index * step for index in range(count)])


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(MADE, made),
    **dict.fromkeys(FILLED, filled),
    **dict.fromkeys((f"{name}_like" for name in FILLED), filled),
    **dict.fromkeys((f"new_{name}" for name in FILLED), filled),
    "rand_like": made,
    "randn_like": made,
    "arange": arange,
}
