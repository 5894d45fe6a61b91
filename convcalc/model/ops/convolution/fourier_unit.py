"""Fourier unit (FFC): a 1 x 1 convolution of the spectrum, whose every output sees the whole map.

    y = inverse FFT of relu(bn(conv_layer(FFT(x)))),   real and imaginary parts as channels
    conv_layer.weight = (2·out_channels, 2·in_channels / groups, 1, ...)
    bn.weight, bn.bias = (2·out_channels,)
    params = 4·in_channels·out_channels / groups + 4·out_channels
    MACs   = batch · 4·in_channels·out_channels / groups · frequencies
    fft    = batch · in_channels · N · F,   ifft = batch · out_channels · N · F

N positions; frequencies are those of the transform of real numbers, n // 2 + 1 on the last axis
instead of n. The convolution mixes 2·in_channels real numbers at each frequency, real and imaginary
parts alike, so it is not a complex product. F is the sum of the prime factors of the sizes: see
``spectral_conv``.

In a fast Fourier convolution this unit stands for the global half of the channels between two 1 x 1
convolutions, and beside ordinary convolutions of the local half: ``blocks/ffc``.

Every output sees all positions.

Common mistake: the maps of the convolution are those of the spectrum, n // 2 + 1 wide; half of the
frequencies follow from the others.

Source: Chi, Jiang, Mu, "Fast Fourier convolution", NeurIPS 2020, section 3.2; pkumivision/FFC and
advimman/lama, FourierUnit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.operators import fields
from convcalc.model.operators.checks import uneven_groups
from convcalc.model.operators.composing import analyse_chain, merge_analyses
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.ops.activation.relu import Relu
from convcalc.model.ops.convolution._spectra import half_spectrum, transform
from convcalc.model.ops.convolution.pointwise_conv import PointwiseConv
from convcalc.model.ops.convolution.spectral_conv import complex_channels
from convcalc.model.ops.norm.batch_norm import BatchNorm
from convcalc.model.quantities.shape import Shape


@operator
class FourierUnit(Operator):
    """The unit; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    groups: int = fields.groups()

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Groups must divide twice the channels, before and behind."""
        (x,) = inputs
        for channels, what in (
            (complex_channels(x.channels), "2 · in_channels"),
            (complex_channels(self.out_channels), "2 · out_channels"),
        ):
            yield from uneven_groups(self.groups, channels, what)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """There, a convolution with its norm and activation, and back."""
        (x,) = inputs
        *others, last = x.spatial
        half = Shape(x.batch, complex_channels(x.channels), (*others, half_spectrum(last)))
        output = x.with_channels(self.out_channels)
        conv = PointwiseConv(
            out_channels=complex_channels(self.out_channels),
            stride=(1,) * x.rank,
            groups=self.groups,
            bias=False,
        )
        between = {"conv_layer": conv, "bn": BatchNorm(), "relu": Relu()}
        return merge_analyses(
            output,
            ((Whole(IDENTITY),) * x.rank,),
            transform("fft", 0, x, half),
            analyse_chain(between, half, "fft"),
            transform("ifft", "relu", output, output),
        )
