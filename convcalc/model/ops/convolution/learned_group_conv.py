"""Learned group convolution of CondenseNet: norm, ReLU, and a convolution that learns its groups.

    phase converted: index select -> norm -> ReLU -> conv -> channel shuffle
      selected  = in_channels · groups / condense_factor
      weight    = (out_channels, selected / groups, *kernel_size)
      params    = out_channels · in_channels / condense_factor · K + 2 · selected
    phase training:  norm -> ReLU -> conv
      weight    = (out_channels, in_channels, *kernel_size)
      params    = out_channels · in_channels · K + 2 · in_channels
    MACs        = batch · prod(out_size) · prod(weight)
    out_size    = floor((n + p_before + p_after - k) / s) + 1     per axis

n input size, k kernel_size, K its taps, s stride, p padding. The official layer begins with a batch
norm and a ReLU, so they belong to it here too; the convolution has no bias, and the dropout
that may stand between them changes nothing. Elementwise work: norm two operations per selected
element, ReLU one; in training the mask, one product per weight whatever the batch.

While training, the weight is whole; a mask of its size, a buffer, sets more and more of it to
zero, which saves nothing yet. Converting drops the masked inputs, in_channels / condense_factor
of them remain for each group. An index (a buffer of ``selected`` integers) puts them in order;
selecting and shuffling are moves. An input may be selected by several groups, so ``selected``
exceeds in_channels if groups exceed condense_factor.

Common mistakes: the published parameters and MACs are those of the converted network, and
Co·Ci/C·K is divided by condense_factor, not by groups. The classifier of CondenseNet keeps half
of its inputs: that is a ``channel_select`` and a ``linear``.

Source: Huang et al., "CondenseNet" (arXiv 1711.09224), section 3; ShichenLiu/CondenseNet,
layers.py (LearnedGroupConv; CondensingConv and CondenseConv).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import (
    analyse_chain,
    chain_problems,
    function,
    merge_analyses,
)
from convcalc.model.operators.contract import (
    ELEMENTWISE,
    NOTHING,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.norm.batch_norm import BatchNorm
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class LearnedGroupConv(Operator):
    """A convolution that learns its groups; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size(1)
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    groups: int = fields.groups()
    condense_factor: int | None = fields.integer(
        "in_channels per input that a group keeps; groups if not given", None, minimum=1
    )
    phase: str = fields.word(
        ("converted", "training"), "after or before the pruned inputs are dropped", "converted"
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups and condense_factor must divide the channels, and a window must fit."""
        (x,) = inputs
        problems = [
            *uneven_groups(self.groups, x.channels, "in_channels"),
            *uneven_groups(self.groups, self.out_channels, "out_channels"),
            *uneven_groups(self._factor, x.channels, "in_channels", self._factor_field),
        ]
        yield from problems
        if not problems:
            yield from chain_problems(self._parts(x.rank), self._selected(x))

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Norm, ReLU and convolution in a row."""
        (x,) = inputs
        selected = self._selected(x)
        if self.phase == "converted":
            select = function("select", (0,), selected, keeps=NOTHING)
            done = analyse_chain(self._parts(x.rank), selected, "select")
            index = {"index": (selected.channels,)}
            done = merge_analyses(done.output, done.axes, select, done)
            return done._replace(buffers={**done.buffers, **index})
        done = analyse_chain(self._parts(x.rank), selected)
        weight = done.weights["conv.weight"]
        mask = Term("mask", ELEMENTWISE, mask_work(weight))
        nothing = Shape(1, 0)  # the masked weight is not an activation
        done = merge_analyses(
            done.output, done.axes, done, function("mask", (), nothing, mask), result="conv"
        )
        return done._replace(buffers={**done.buffers, "mask": weight})

    @property
    def _factor(self) -> int:
        return self.condense_factor or self.groups

    @property
    def _factor_field(self) -> str:
        return "condense_factor" if self.condense_factor else "groups"

    def _selected(self, x: Shape) -> Shape:
        """Return what norm and convolution see: all channels, or those that the groups kept."""
        if self.phase == "training":
            return x
        return x.with_channels(kept_channels(x.channels, self._factor, self.groups))

    def _parts(self, rank: int) -> Mapping[str, Operator]:
        return {
            "norm": BatchNorm(),
            "activation": Relu(),
            "conv": Conv(
                out_channels=self.out_channels,
                kernel_size=self.kernel_size,
                stride=self.stride,
                padding=self.padding,
                dilation=(1,) * rank,
                groups=self.groups if self.phase == "converted" else 1,
                bias=False,
            ),
        }


@formula
def kept_channels(in_channels: int, condense_factor: int, groups: int) -> int:
    """Inputs that the groups keep, those that several keep counted for each."""
    return in_channels // condense_factor * groups


@formula
def mask_work(weight: tuple[int, ...]) -> int:
    """One product with the mask per weight, for the whole batch."""
    return prod(weight)
