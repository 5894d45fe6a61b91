"""The rules: code, name and default severity of each.

The page of a rule is ``convcalc/checking/rules/pages/CODE-name.md``.
"""

from __future__ import annotations

from collections.abc import Mapping


class Rule:
    """A kind of problem. A code never changes its meaning."""

    # No NamedTuple and no dataclass: this class is created at every start of the program.
    __slots__ = ("code", "name", "severity")

    def __init__(self, code: str, name: str, severity: str = "error") -> None:
        self.code = code
        self.name = name
        self.severity = severity


_RULES = (
    Rule("CC000", "unreadable-file"),
    Rule("CC001", "syntax"),
    Rule("CC002", "duplicate-key"),
    Rule("CC003", "unknown-key"),
    Rule("CC004", "wrong-type"),
    Rule("CC005", "bad-expression"),
    Rule("CC006", "unknown-name"),
    Rule("CC007", "import-cycle"),
    Rule("CC008", "ambiguous-scalar"),
    Rule("CC009", "unused-ignore", "warning"),
    Rule("CC010", "missing-key"),
    Rule("CC011", "out-of-range"),
    Rule("CC012", "unknown-operator"),
    Rule("CC013", "too-large"),
    Rule("CC014", "unsupported-yaml"),
    Rule("CC015", "unreadable-import"),
    Rule("CC016", "block-cycle"),
    Rule("CC017", "duplicate-id"),
    Rule("CC018", "unknown-variant"),
    Rule("CC019", "batch-in-input", "warning"),
    Rule("CC020", "channels-last-input", "warning"),
    Rule("CC021", "declared-size-kept", "warning"),
    Rule("CC022", "hidden-size", "warning"),
    Rule("CC101", "shape-mismatch"),
    Rule("CC102", "concat-mismatch"),
    Rule("CC103", "does-not-divide"),
    Rule("CC104", "unread-positions", "warning"),
    Rule("CC105", "empty-output"),
    Rule("CC106", "even-kernel-same", "warning"),
    Rule("CC107", "output-padding-too-large"),
    Rule("CC108", "wrong-rank"),
    Rule("CC109", "stated-differently"),
    Rule("CC110", "share-mismatch"),
    Rule("CC111", "padding-too-large"),
    Rule("CC112", "flatten-missing", "warning"),
    Rule("CC113", "unsupported-combination"),
    Rule("CC201", "gridding", "warning"),
    Rule("CC202", "checkerboard", "warning"),
    Rule("CC203", "bias-before-norm", "warning"),
    Rule("CC204", "strided-pointwise", "warning"),
    Rule("CC205", "conditional-residual", "warning"),
    Rule("CC206", "dead-layer", "warning"),
    Rule("CC207", "unmixed-groups", "warning"),
    Rule("CC301", "params-over-budget"),
    Rule("CC302", "work-over-budget"),
    Rule("CC303", "receptive-field-budget"),
    Rule("CC304", "shape-differs"),
    Rule("CC305", "memory-over-budget"),
    Rule("CC306", "regression"),
    Rule("CC307", "expect-drift"),
    Rule("CC308", "below-budget"),
    Rule("CC309", "structure-budget"),
    Rule("CC310", "unknown-number"),
    Rule("CC311", "no-such-model"),
    Rule("CC312", "number-differs"),
    Rule("CC313", "time-bound-over-budget"),
    Rule("CC401", "suppression-added", "warning"),
    Rule("CC402", "settings-weakened", "warning"),
    Rule("CC403", "budget-weakened", "warning"),
    Rule("CC404", "pin-changed", "warning"),
    Rule("CC405", "network-released", "warning"),
    Rule("CC501", "unmapped-operator", "warning"),
    Rule("CC502", "contradicts-file"),
    Rule("CC503", "damaged-model"),
    Rule("CC504", "model-differs"),
)

RULES: Mapping[str, Rule] = {rule.code: rule for rule in _RULES}
BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}
