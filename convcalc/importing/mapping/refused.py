"""Operators whose result or work depends on the data, each refused with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.importing.foreign import Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule

REASONS = {
    "If": "which of its graphs runs is decided by a number that is computed",
    "Loop": "how often its graph runs is decided by numbers that are computed",
    "Scan": "it runs a graph of its own for each position",
    "NonMaxSuppression": "how many boxes are kept depends on the input",
    "NonZero": "how many elements are not zero depends on the input",
    "Unique": "how many values differ depends on the input",
    "Compress": "how many elements are kept depends on the input",
    "TopK": "it sorts, which convcalc has no layer for",
    "ScatterND": "it writes at places that are computed",
    "ScatterElements": "it writes at places that are computed",
    "GatherElements": "it reads at places that are computed",
    "ThresholdedRelu": "an activation that convcalc has no layer for",
    "Shrink": "an activation that convcalc has no layer for",
    "RNN": "a recurrence without gates, which convcalc has no layer for",
    "BitShift": "arithmetic of bits, which convcalc has no layer for",
    "SequenceAt": "a list of tensors",
    "SequenceConstruct": "a list of tensors",
    "SequenceEmpty": "a list of tensors",
    "SequenceInsert": "a list of tensors",
    "SplitToSequence": "a list of tensors",
    "ConcatFromSequence": "a list of tensors",
    "Optional": "a tensor that may be missing",
    "OptionalGetElement": "a tensor that may be missing",
    "OptionalHasElement": "a tensor that may be missing",
}
GRAPHS = ("If", "Loop", "Scan")  # whose parameters are in graphs of their own, and not read


def refused(_: Build, node: Node) -> Sequence[Held]:
    """Says why there is no layer for a node."""
    raise NoRule(REASONS[node.op])


RULES: Mapping[str, Rule] = dict.fromkeys(REASONS, refused)
