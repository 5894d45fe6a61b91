"""Global filter (GFNet): each channel's spectrum is multiplied by a learned one of the same size.

    y = inverse FFT of (K · FFT(x)),  channel by channel
    complex_weight = (*sizes, C, 2),  n // 2 + 1 on the last axis instead of n
    params = 2 · C · prod(sizes of the half spectrum)
    MACs   = batch · 4 · C · prod(sizes of the half spectrum)
    fft    = ifft = batch · C · N · F

C in_channels, N positions; a complex product is four real MACs. It is a depthwise convolution with
a kernel as large as the map whose ends are joined (circular), in N·log N instead of N². F is the
sum of the prime factors of the sizes, Cooley and Tukey's count of a transform, which is a
convention: see ``spectral_conv``.

Every output sees all positions of its own channel.

Other tools count nothing of it; torchinfo takes its parameters times samples and channels.

Common mistake: the filter has a size, so the parameters grow with the image; GFNet interpolates
them for another one.

Source: Rao et al., "Global filter networks" (arXiv 2107.00645), section 3.2; timm and the authors'
GlobalFilter.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.geometry.channel_maps import OWN
from convcalc.model.operators.composing import function, merge_analyses
from convcalc.model.operators.contract import WEIGHTS, Analysis, Operator, Term, operator
from convcalc.model.ops.convolution._spectra import complex_products, half_spectrum, transform
from convcalc.model.ops.convolution.spectral_conv import complex_channels
from convcalc.model.quantities.shape import Shape


@operator
class GlobalFilter(Operator):
    """The filter; see the module's docstring."""

    ranks = (1, 3)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """There, one factor per channel and frequency, and back."""
        (x,) = inputs
        *others, last = x.spatial
        half = (*others, half_spectrum(last))
        weight = (*half, x.channels, 2)
        spectrum = Shape(x.batch, complex_channels(x.channels), half)
        product = Term("filter", WEIGHTS, complex_products(x.batch, weight))
        return merge_analyses(
            x,
            ((Whole(IDENTITY),) * x.rank,),
            transform("fft", 0, x, spectrum),
            function("filter", ("fft",), spectrum, product, weights={"complex_weight": weight}),
            transform("ifft", "filter", x, x),
            channels=(OWN,),
        )
