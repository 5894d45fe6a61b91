"""Selective scan (S6), the state space of Mamba: a recurrence whose weights come from the input.

    Δ_low, B, C = x_proj(x)          dt_rank, state_size and state_size channels
    Δ           = softplus(dt_proj(Δ_low))
    h_t         = exp(Δ·A) · h_(t-1) + Δ·B·x_t       per channel a state of state_size numbers
    y_t         = C · h_t + D · x_t
    x_proj.weight = (dt_rank + 2·S, C),  dt_proj.weight = (C, dt_rank),  dt_proj.bias = (C,)
    A_log = (C, S),  D = (C,)                     S state_size
    params   = C·(2·dt_rank + 3·S + 2)            times directions
    MACs     = batch · N · C · (2·dt_rank + 2·S  +  2·S)    times directions

C in_channels, N positions. Two of the terms are dynamic, N·C·S MACs each: ``state``, the update of
h, and ``readout``, its product with C. Elementwise: ``discretise`` 3 per number of a state (Δ·A,
exp, and the product with B) and 1 per channel (Δ·x), ``softplus`` 1, ``skip`` 2 for D. The output
has the input's shape. dt_rank is ceil(C / 16) if not given.

What stands around it in a Mamba block are layers of their own: the linear map to twice as many
channels, the causal ``depthwise_conv`` of 4 taps, SiLU, the gate and the linear map back.

``directions`` are scans with weights of their own, whose results are added (``merge``): 1 in the
order of rows, 2 also backwards, 4 also by columns and backwards (VMamba's cross scan).

One direction sees all positions up to its own, on several axes those before it in the order of
rows; of a map only the rows are told apart in the field. More directions see everything.

VMamba's counter puts a scan at 9·N·C·S FLOPs; here it is 2·N·C·S MACs and 3·N·C·S elementwise
operations. It is linear in N, where attention has N²·C.

Memory is that of the fused kernel, which keeps no states for the backward pass and computes them
again.

Other tools count it as transformers' MambaMixer writes it where its CUDA kernel is missing, as two
linear layers and a product with C for each position; beside the kernel they see the layers alone.

Common mistake: state_size multiplies the state and the scan, but the projections hardly change.

Source: Gu & Dao, "Mamba" (arXiv 2312.00752), algorithm 2 and section 3.6; mamba_ssm
``selective_scan_ref``; Liu et al., "VMamba" (arXiv 2401.10166), section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Whole
from convcalc.model.operators import fields
from convcalc.model.operators.composing import function, merge_analyses
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    NOTHING,
    OUTPUT,
    WEIGHTS,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import sliding_macs, work
from convcalc.model.ops.dynamic.linear_attention import up_to
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape

DIRECTIONS = (1, 2, 4)


@operator
class SelectiveScan(Operator):
    """The recurrence; see the module's docstring."""

    ranks = (1, 3)

    state_size: int = fields.integer("numbers of the state of each channel", 16, minimum=1)
    dt_rank: int | None = fields.integer(
        "channels from which the step sizes are made; ceil(in_channels / 16) if not given",
        None,
        minimum=1,
    )
    directions: int = fields.integer(
        "1 in the order of rows, 2 also backwards, 4 also by columns", 1, minimum=1
    )
    skip: bool = fields.flag("whether D times the input is added", True)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """As many directions as there are on so many axes."""
        (x,) = inputs
        if self.directions not in DIRECTIONS:
            message = f"{self.directions} directions"
            yield Problem("out-of-range", "directions", message, "1, 2 or 4")
        elif self.directions == 4 and x.rank != 2:
            message = f"4 directions need 2 spatial axes, but the input has {x.rank}"
            yield Problem("wrong-rank", "directions", message, "1 or 2", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Step sizes and factors from the input, then one state for each channel."""
        (x,) = inputs
        rank = least_rank(x.channels) if self.dt_rank is None else self.dt_rank
        ways, size = self.directions, self.state_size
        made = x.with_channels(work(ways, factors(rank, size)))
        all_ways = x.with_channels(work(ways, x.channels))
        states = state_numbers(all_ways.numel, size)
        first = (*((ways,) * (ways > 1)), factors(rank, size), x.channels)
        second = (*((ways,) * (ways > 1)), x.channels, rank)
        a_log, channels = (all_ways.channels, size), (all_ways.channels,)
        parts: list[Part] = [
            function(
                "x_proj",
                (0,),
                made,
                Term("x_proj", WEIGHTS, sliding_macs(x.batch, x.spatial, first)),
                weights={"x_proj.weight": first},
            ),
            function(
                "dt_proj",
                ("x_proj",),
                all_ways,
                Term("dt_proj", WEIGHTS, sliding_macs(x.batch, x.spatial, second)),
                Term("dt_proj.bias", ELEMENTWISE, all_ways.numel),
                weights={"dt_proj.weight": second, "dt_proj.bias": second[:-1]},
            ),
            function(
                "softplus",
                ("dt_proj",),
                all_ways,
                Term("softplus", ELEMENTWISE, all_ways.numel),
                keeps=OUTPUT,
            ),
            function(
                "scan",
                ("softplus", 0, "x_proj"),
                all_ways,
                Term("discretise", ELEMENTWISE, discretised(states, all_ways.numel)),
                Term("state", DYNAMIC, states),
                Term("readout", DYNAMIC, states),
                *([Term("skip", ELEMENTWISE, work(2, all_ways.numel))] if self.skip else []),
                weights={"A_log": a_log, **({"D": channels} if self.skip else {})},
                keeps=FACTORS,
            ),
        ]
        if ways > 1:
            merge = Term("merge", ELEMENTWISE, work(ways - 1, x.numel))
            parts.append(function("merge", ("scan",), x, merge, keeps=NOTHING, passes=True))
        return merge_analyses(x, (self._axes(x),), *parts)

    def _axes(self, x: Shape) -> Axes:
        """All positions before the own one; all, with a scan that comes from the end."""
        if self.directions > 1:
            return (Whole(IDENTITY),) * x.rank
        return (up_to(x.spatial[0]), *(Whole(IDENTITY),) * (x.rank - 1))


@formula
def least_rank(channels: int) -> int:
    """A sixteenth of the channels, rounded up."""
    return -(-channels // 16)


@formula
def factors(dt_rank: int, state_size: int) -> int:
    """The numbers computed for each position: low step sizes, B and C."""
    return dt_rank + 2 * state_size


@formula
def state_numbers(elements: int, state_size: int) -> int:
    """The numbers of the states of all positions and channels."""
    return elements * state_size


@formula
def discretised(states: int, elements: int) -> int:
    """Δ·A, its exponential and the product with B for each state; Δ·x for each channel."""
    return 3 * states + elements
