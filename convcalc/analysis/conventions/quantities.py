"""Rules: what a tool counts for one leaf, each with a text built along with it.

Quantities are added and multiplied like numbers: ``2 * MACS + BIAS`` counts that, and reads
``2·M + b·O``. The symbols, as :data:`LEGEND` explains them, are those of the comparison table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import prod
from operator import add, mul, sub
from typing import Any

from convcalc.analysis.conventions.leaves import (
    Leaf,
    bias_additions,
    input_macs,
    multiplications,
    output_macs,
)
from convcalc.model.graph.network import CONTAINER, FUNCTION, METHOD, NOTHING, SUBCLASS
from convcalc.model.quantities.unknown import UNKNOWN

LEGEND: Mapping[str, str] = {
    "M": "multiply-accumulates: batch·positions·prod(weight), over the output positions of a "
    "window, over the input positions of a transposed convolution",
    "Mo": "those of a transposed convolution over its output positions, too many by stride^rank",
    "b·O": "output elements if there is a bias, else 0",
    "E": "input elements, batch included",
    "O": "output elements, batch included",
    "C": "channels",
    "N": "batch",
    "P": "learned parameters",
    "S": "numbers of the state: batch·positions·hidden_size, for each layer and direction",
    "T": "learned parameters that are not frozen",
    "K": "taps of the kernel",
    "k": "kernel_size, one number where all axes have the same, else their product",
    "k'": "taps of an adaptive pooling's window as the tool guesses them",
    "g": "groups",
    "R": "rank, the number of spatial axes",
    "rows": "positions of the batch: what a softmax or a layer norm over channels works on at once",
}
SYMBOL = re.compile(r"b·O|[A-Za-z]+'?")


def legend(texts: Iterable[str]) -> dict[str, str]:
    """The meaning of each symbol that occurs in these rule texts."""
    used = {symbol for text in texts for symbol in SYMBOL.findall(text)}
    return {symbol: meaning for symbol, meaning in LEGEND.items() if symbol in used}


# --- operators that PyTorch has one class for --------------------------------------------------

# One module ``Conv``; coord_conv and partial_conv contain one of other channels.
GROUPED = ("conv", "depthwise_conv", "pointwise_conv", "inpainting_conv")
CONVS = (
    "conv",
    "depthwise_conv",
    "pointwise_conv",
    "coord_conv",
    "partial_conv",
    "inpainting_conv",
)
TRANSPOSED = ("conv_transpose", "bilinear_conv_transpose")
MAX_POOLS = ("max_pool", "adaptive_max_pool", "global_max_pool")
JOINS = ("add", "mul", "maximum", "concat")  # operators of Python, whatever is around them
ADAPTIVE_AVG = ("adaptive_avg_pool", "global_avg_pool")


RECURRENT = ("lstm", "gru")
CONVOLVING = ("conv_lstm", "conv_gru")
FIXED = ("fixed_conv", "blur_pool")  # functions of a buffer
MULTIPLYING = (*RECURRENT, *CONVOLVING, *FIXED)
# Whose code is written in several ways: tools without a rule for it were not measured; complex
# parameters are one number each to PyTorch, so that theirs are not known either.
NOT_MEASURED = (
    *("linear_attention", "selective_scan", "spectral_conv", "global_filter"),
    "cond_conv",
)
COMPLEX = ("spectral_conv",)
WITH_WEIGHT_NORM = ("conv", "depthwise_conv", "pointwise_conv", "conv_transpose", "linear")


class Rule:
    """A number of operations as a function of a leaf, and its text.

    ``ignores``: the tool counts nothing, although the operator may do arithmetic. ``choose``
    returns the rule that applies, where that depends on the leaf.
    """

    __slots__ = ("choose", "count", "ignores", "text")

    def __init__(
        self,
        text: str,
        count: Callable[[Leaf], int],
        choose: Callable[[Leaf], Rule] | None = None,
        *,
        ignores: bool = False,
    ) -> None:
        self.text = text
        self.count = count
        self.choose = choose
        self.ignores = ignores

    def at(self, leaf: Leaf) -> Rule:
        """The rule that applies to this leaf."""
        return self.choose(leaf).at(leaf) if self.choose else self

    def but(self, condition: str, holds: Callable[[Leaf], bool], other: Rule) -> Rule:
        """This rule, but ``other`` where a condition holds."""

        def choose(leaf: Leaf) -> Rule:
            return other if holds(leaf) else self

        text = f"{self.text}; {condition}: {other.text}"
        return Rule(text, lambda leaf: choose(leaf).count(leaf), choose)

    def _with(self, other: Rule, text: str, join: Callable[[Any, Any], Any]) -> Rule:
        """Two rules joined; where one of them depends on the leaf, so does the result."""
        varies = self.choose or other.choose
        return Rule(
            text,
            lambda leaf: join(self.count(leaf), other.count(leaf)),
            (lambda leaf: join(self.at(leaf), other.at(leaf))) if varies else None,
        )

    def __add__(self, other: Rule) -> Rule:
        return self._with(other, f"{_term(self)} + {_term(other)}", add)

    def __sub__(self, other: Rule) -> Rule:
        return self._with(other, f"{_term(self)} - {_term(other)}", sub)

    def __mul__(self, other: Rule) -> Rule:
        return self._with(other, f"{_factor(self)}·{_factor(other)}", mul)

    def __rmul__(self, factor: int) -> Rule:
        return self if factor == 1 else constant(factor) * self


Rules = Mapping[str, Rule]
Forms = Mapping[str, Rules]

# A tool that hooks modules of PyTorch's own classes sees no layer of another form.
UNSEEN: Forms = dict.fromkeys((FUNCTION, METHOD, SUBCLASS, CONTAINER), NOTHING)
# One that looks at classes by inheritance sees subclasses too, if they contain no modules.
UNCALLED: Forms = dict.fromkeys((FUNCTION, METHOD, CONTAINER), NOTHING)


def _term(rule: Rule) -> str:
    """The text within a sum; one with an exception needs brackets."""
    return _bracket(rule.text, ";")


def _factor(rule: Rule) -> str:
    """The text within a product."""
    return _bracket(rule.text, " ")


def _bracket(text: str, separator: str) -> str:
    """The text, in brackets if the separator occurs outside of any."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            return f"({text})"
    return text


def constant(number: int) -> Rule:
    """A rule that counts the same for every leaf."""
    return Rule(str(number), lambda _: number, ignores=number == 0)


def affine(yes: Rule, no: Rule) -> Rule:
    """One rule for a norm that scales and shifts, another for one that does not."""
    return yes.but("not affine", lambda leaf: not leaf.field("affine"), no)


def is_frozen(leaf: Leaf) -> bool:
    """Whether a norm holds constants only; frameworks have a separate class for it."""
    return bool(leaf.field("frozen"))


def is_area(leaf: Leaf) -> bool:
    """Whether a resizing averages, which PyTorch does by adaptive average pooling."""
    return bool(leaf.field("mode") == "area")


def not_frozen(rule: Rule) -> Rule:
    """The rule of a batch norm, but 0 for torchvision's ``FrozenBatchNorm2d``: a product and a
    sum that no tool hooks or patches."""
    return rule.but("frozen", is_frozen, ZERO)


def each(names: tuple[str, ...], rule: Rule) -> dict[str, Rule]:
    """The same rule for several operators."""
    return dict.fromkeys(names, rule)


def weight_normalised(rules: Rules, other: Rule) -> dict[str, Rule]:
    """The rules, with another one for layers whose weight is normalised: to hooks they are of
    another class."""
    normalised = {
        name: rules[name].but("weight normalised", _is_weight_normalised, other)
        for name in WITH_WEIGHT_NORM
        if name in rules
    }
    return {**rules, **normalised}


def _is_weight_normalised(leaf: Leaf) -> bool:
    return leaf.field("weight_norm") not in (None, "none")


def recurrent(per_state: int, per_state_with_bias: int) -> Rule:
    """The products of a recurrent layer, and so many operations per number of its state; what a
    tool makes of a projection is not known."""
    rule = MACS + per_state_with_bias * STATES
    without = rule.but("no bias", lambda leaf: not leaf.field("bias"), MACS + per_state * STATES)
    return without.but("projected", _is_projected, UNMEASURED)


def _is_projected(leaf: Leaf) -> bool:
    return bool(leaf.field("proj_size"))


def _states(leaf: Leaf) -> int:
    recurrences: int = leaf.field("num_layers") * (2 if leaf.field("bidirectional") else 1)
    hidden: int = leaf.field("hidden_size")
    return recurrences * hidden * leaf.batch * leaf.x.positions


def groups(leaf: Leaf) -> int:
    """Groups of a convolution, as its weight shows them."""
    if leaf.name in TRANSPOSED:
        return leaf.output.channels // leaf.weight[1]
    return leaf.x.channels // leaf.weight[1] if leaf.name in GROUPED else 1


# --- quantities --------------------------------------------------------------------------------

ZERO = constant(0)
UNMEASURED = Rule("unknown", lambda _: UNKNOWN)  # nobody has measured what the tool counts
FREE = Rule("0", lambda _: 0)  # rightly nothing, so not among what a tool ignores
NOT_KNOWN = Rule("not known", lambda _: UNKNOWN)  # nobody has measured what the tool counts
MACS = Rule("M", multiplications)
INPUT_MACS = Rule("M", input_macs)
OUTPUT_MACS = Rule("Mo", output_macs)
BIAS = Rule("b·O", bias_additions)
IN = Rule("E", lambda leaf: leaf.x.numel)
MADE = Rule("O", lambda leaf: leaf.batch * leaf.output.positions * leaf.weight[0])  # by a window
RANK = Rule("R", lambda leaf: leaf.x.rank)
OUT = Rule("O", lambda leaf: leaf.output.numel)
CHANNELS = Rule("C", lambda leaf: leaf.x.channels)
BATCH = Rule("N", lambda leaf: leaf.batch)
LEARNED = Rule("P", lambda leaf: sum(map(prod, leaf.analysis.weights.values())))
TRAINED = Rule("T", lambda leaf: leaf.trained)
STORED = Rule("P + buffers", lambda leaf: sum(map(prod, leaf.analysis.stored.values())))
WINDOW = Rule("K", lambda leaf: prod(axes(leaf, "kernel_size")))
GROUPS = Rule("g", groups)
STATES = Rule("S", _states)
ROWS = Rule("rows", lambda leaf: leaf.batch * leaf.x.positions)  # what a softmax sums over


def axes(leaf: Leaf, name: str) -> tuple[int, ...]:
    """A field that has one number per axis."""
    value = leaf.field(name)
    return value if isinstance(value, tuple) else ()


# --- what several tools count alike --------------------------------------------------------------

# Five operations per element where the statistics come from the data, two where they are stored.
NORM = affine(5 * IN, 4 * IN)
BATCH_NORM = not_frozen(
    affine(2 * IN, IN).but(
        "no running statistics", lambda leaf: not leaf.field("track_running_stats"), NORM
    )
)
# The squares, their sums over a window of channels, a factor and a summand.
CROSS_CHANNEL_NORM = Rule(
    "4·E + (size - 1)·rows",
    lambda leaf: 4 * leaf.x.numel + (leaf.field("size") - 1) * leaf.batch * leaf.x.positions,
)
