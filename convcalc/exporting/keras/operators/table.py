"""All rules by operator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from convcalc.exporting.keras.operators import (
    activation,
    composites,
    convolution,
    joining,
    norm,
    pooling,
    rearranging,
)
from convcalc.exporting.keras.operators.calls import Rule
from convcalc.exporting.keras.site import Site

RULES: Mapping[str, Rule] = {
    **convolution.RULES,
    **pooling.RULES,
    **norm.RULES,
    **activation.RULES,
    **joining.RULES,
    **rearranging.RULES,
    **composites.RULES,
}


def made_of(site: Site) -> Sequence[str]:
    """The expressions of an operator; raises Refused if it has no counterpart."""
    rule = RULES.get(site.item.type)
    if rule is None:
        raise site.refused("has no counterpart in Keras")
    return rule(site)


def frozen(expressions: Sequence[str]) -> Sequence[str]:
    """The same layers, whose weights are not trained."""
    made = [
        re.sub(r"^layers\.(\w+)\((.*)\)\(\{x\}\)$", r"layers.\1(\2, trainable=False)({x})", e)
        for e in expressions
    ]
    return [each.replace("(, ", "(") for each in made]
