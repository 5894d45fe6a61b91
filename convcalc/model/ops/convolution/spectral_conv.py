"""Spectral convolution (FNO): low frequencies of all channels are mixed by learned matrices.

    y = inverse FFT of (R · FFT(x)),  R a matrix per frequency, zero above the modes
    weight   = (in_channels, out_channels, *modes, 2) for each of 2^(rank - 1) corners
    params   = 2 · 2^(rank - 1) · in_channels · out_channels · prod(modes)
    MACs     = batch · 4 · 2^(rank - 1) · in_channels · out_channels · prod(modes)
    fft      = batch · in_channels · N · F,   ifft = batch · out_channels · N · F

N positions, modes frequencies that are kept per axis. The transform of real numbers has half of the
frequencies on the last axis, n // 2 + 1, and modes of them are kept; on the other axes modes
positive and modes negative ones, so that there are two corners of weights on two axes, four on
three. Weights are complex: the last 2 are real and imaginary part, a complex product is four real
MACs. Sizes stay; the number of weights does not depend on them.

F is the sum of the prime factors of the sizes of all axes, each as often as it divides: Cooley and
Tukey's count of N·(r_1 + … + r_m) operations, an operation being a complex product and a sum. That
is a convention, exact for their algorithm of radices r_i, and counted as elementwise: libraries
take fewer, for real input about half, and what a device runs depends on its plan. 5·N·log2(N) real
operations, as benchmarks of FFTs take it, is the estimate for powers of two.

Every output sees all positions. The 1 x 1 convolution beside it in a Fourier layer is a layer of
its own.

Tools that see the products take a complex one as one MAC, so a quarter of these; some fail at
complex parameters.

Common mistake: PyTorch counts a complex parameter as one number, so that sum(p.numel()) is half of
what is stored, which is said here.

Source: Li et al., "Fourier neural operator" (arXiv 2010.08895), section 4, and its SpectralConv2d;
Cooley & Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY, Whole
from convcalc.model.geometry.sizes import axis_name
from convcalc.model.operators import fields
from convcalc.model.operators.composing import function, merge_analyses
from convcalc.model.operators.contract import (
    WEIGHTS,
    Analysis,
    Operator,
    Part,
    Problem,
    Term,
    operator,
)
from convcalc.model.operators.work import bias_terms
from convcalc.model.ops.convolution._spectra import complex_products, half_spectrum, transform
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class SpectralConv(Operator):
    """The mixing of low frequencies; see the module's docstring."""

    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    modes: tuple[int, ...] = fields.axes("frequencies that are kept, per axis", minimum=1)
    bias: bool = fields.flag("whether a learned bias is added", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """There are as many frequencies as are kept."""
        (x,) = inputs
        for axis, (n, m) in enumerate(zip(x.spatial, self.modes, strict=True)):
            last = axis == x.rank - 1
            most = half_spectrum(n) if last else n // 2
            if m > most:
                name = axis_name(axis, x.rank)
                message = f"{m} modes, but {name} {n} has {most} frequencies"
                message += "" if last else " of either sign"
                yield Problem("out-of-range", "modes", message, f"at most {most}", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """There, a matrix per frequency, and back."""
        (x,) = inputs
        output = x.with_channels(self.out_channels)
        weight = (x.channels, self.out_channels, *self.modes, 2)
        weights = {f"weights{n}": weight for n in range(1, corners(x.rank) + 1)}
        spectrum = self._spectrum(x)
        kept = spectrum.with_channels(complex_channels(self.out_channels))
        amount = of_corners(corners(x.rank), complex_products(x.batch, weight))
        mix = Term("mix", WEIGHTS, amount)
        parts: list[Part] = [
            transform("fft", 0, x, spectrum),
            function("mix", ("fft",), kept, mix, weights=weights),
            transform("ifft", "mix", output, output),
        ]
        if self.bias:
            more = {"bias": (self.out_channels,)}
            terms = bias_terms(True, output)
            parts.append(function("bias", ("ifft",), output, *terms, weights=more))
        return merge_analyses(output, ((Whole(IDENTITY),) * x.rank,), *parts)

    def _spectrum(self, x: Shape) -> Shape:
        """The frequencies that are kept, real and imaginary parts in the channels."""
        *others, last = self.modes
        both = tuple(map(of_either_sign, others))
        return Shape(x.batch, complex_channels(x.channels), (*both, last))


@formula
def corners(rank: int) -> int:
    """Corners of the spectrum: positive and negative frequencies on all axes but the last."""
    made: int = 2 ** (rank - 1)
    return made


@formula
def of_corners(corners: int, products: int) -> int:
    """The products of all corners."""
    return corners * products


@formula
def of_either_sign(modes: int) -> int:
    """Positive and negative frequencies."""
    return 2 * modes


@formula
def complex_channels(channels: int) -> int:
    """Real and imaginary parts."""
    return 2 * channels
