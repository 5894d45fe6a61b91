"""ATen's operators in the vocabulary of all formats: a rule for each, by family.

A rule takes a :class:`~convcalc.importing.formats.pt2.call.Call` and adds the nodes that say the
same. Arguments are named; one that is left out has ATen's default, which the rule knows.
Source: aten/src/ATen/native/native_functions.yaml of PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.pt2.aten import (
    elementwise,
    making,
    moves,
    norms,
    picking,
    products,
    recurrent,
    windows,
)
from convcalc.importing.formats.pt2.call import Rule

RULES: Mapping[str, Rule] = {
    **elementwise.RULES,
    **making.RULES,
    **moves.RULES,
    **norms.RULES,
    **picking.RULES,
    **products.RULES,
    **recurrent.RULES,
    **windows.RULES,
}
