"""Conditionally parameterised convolution: each sample mixes its own kernel from n experts.

    out_size     = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    weight       = (experts, out_channels, in_channels / groups, *kernel_size)
    bias         = (experts, out_channels), if bias
    route.weight = (experts, in_channels), and a bias; absent with a second input
    params       = prod of them
    route MACs   = batch · in_channels · experts
    mix MACs     = batch · prod(weight), + batch · experts · out_channels if bias
    main MACs    = batch · prod(out_size) · prod(weight) / experts

n input size, k kernel_size, s stride, p padding, d dilation. The input is pooled (one elementwise
addition per element), ``route`` maps its channels to the experts, a sigmoid gives the weight of
each, ``mix`` adds up the experts' kernels sample by sample, and ``main`` convolves with the
result. Mixing costs the same whatever the size of the image, and again for each sample of a
batch. Mix and main multiply with weights computed from the input, kind dynamic.

With 4 experts, 16 to 32 channels, k = 3 on 8x8 without bias: 64 + 18,432 + 294,912 = 313,408.

A second input gives the routing weights, a vector of as many channels as there are experts;
then pooling, map and sigmoid are not part of the layer. timm does so: one routing serves the
three convolutions of a block.

Every output depends on the whole input through the routing: the receptive field is global,
and what is reported beside it is that of the convolution. With a second input it is local; what
the routing weights were made of comes in through them.

Common mistakes: counting the convolution alone. With 8 experts on 7x7 positions mixing adds
8/49 = 16 % to it; tools that hook modules show 0 for the layer, since it holds no Conv2d, torchinfo
the parameters of all experts times positions, and those that trace operations both parts.

Source: Yang et al., "CondConv" (arXiv 1904.04971), equation 1; timm, layers/cond_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from convcalc.model.geometry.axis_maps import Whole
from convcalc.model.geometry.channel_maps import MIXED, Block, Blocks, ChannelMap
from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.composing import analyse_chain, function, merge_analyses, sibling
from convcalc.model.operators.contract import (
    DYNAMIC,
    ELEMENTWISE,
    FACTORS,
    Analysis,
    Operator,
    Problem,
    Term,
    operator,
)
from convcalc.model.ops.activation.sigmoid import Sigmoid
from convcalc.model.ops.convolution.conv import Conv
from convcalc.model.ops.convolution.linear import Linear
from convcalc.model.ops.pooling.global_avg_pool import GlobalAvgPool
from convcalc.model.quantities.formula import formula
from convcalc.model.quantities.shape import Shape


@operator
class CondConv(Operator):
    """A convolution whose kernel each sample mixes; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)

    out_channels: int = fields.out_channels()
    kernel_size: tuple[int, ...] = fields.kernel_size()
    stride: tuple[int, ...] = fields.stride()
    padding: Padding = fields.padding()
    dilation: tuple[int, ...] = fields.dilation()
    groups: int = fields.groups()
    bias: bool = fields.bias(False)
    experts: int = fields.integer("kernels to mix", 4, minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Check what the convolution needs, and one routing weight per expert."""
        x, *routing = inputs
        yield from self._conv().check([x])
        for weights in routing:
            if weights.rank or weights.channels != self.experts:
                message = f"the routing weights are {weights}, but there are {self.experts} experts"
                advice = f"a vector of {self.experts} channels, as linear and sigmoid give it"
                yield Problem("shape-mismatch", "experts", message, advice, 1)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Routing, mixing, and the convolution with the mixed kernel."""
        x, *routing = inputs
        conv = self._conv().analyse([x])
        sizes = {name: (self.experts, *shape) for name, shape in conv.weights.items()}
        kernels = tuple(map(kernel_params, conv.weights.values()))
        mix = Term("mix", DYNAMIC, mix_macs(x.batch, self.experts, kernels))
        main = [Term("main", DYNAMIC, conv.terms[0].amount)]
        main += [Term("bias", ELEMENTWISE, conv.output.numel)] if self.bias else []
        mixed, route = Shape(x.batch, sum(kernels)), 1 if routing else "route.activation"
        return merge_analyses(
            conv.output,
            (*conv.axes, ()) if routing else (tuple(map(Whole, conv.axes[0])),),
            *(() if routing else self._routing(x)),
            function("mix", (route,), mixed, mix, weights=sizes),
            function("main", (0, "mix"), conv.output, *main, keeps=FACTORS),
            channels=self._channel_maps(x, conv, bool(routing)),
        )

    def _channel_maps(self, x: Shape, conv: Analysis, routed: bool) -> tuple[ChannelMap, ...]:
        """Groups do not mix, but the routing sees every channel."""
        if self.groups == 1 or routed:
            return (*conv.channels, *((MIXED,) if routed else ()))
        makes, reads = range(conv.output.channels), range(x.channels)
        main = Block(makes, reads, self.groups, conv.axes[0])
        return (Blocks((main, Block(makes, reads, 1, (Whole(),) * x.rank))),)

    def _routing(self, x: Shape) -> tuple[Analysis, ...]:
        """The pooled channels -> a weight for each expert."""
        pool = analyse_chain({"pool": GlobalAvgPool()}, x)
        route = analyse_chain(
            {"route": Linear(out_channels=self.experts), "route.activation": Sigmoid()},
            pool.output,
            "pool",
        )
        return pool, route

    def _conv(self) -> Conv:
        return sibling(Conv, self)


@formula
def kernel_params(weight: tuple[int, ...]) -> int:
    """Numbers of one tensor of one expert."""
    return prod(weight)


@formula
def mix_macs(batch: int, experts: int, params: tuple[int, ...]) -> int:
    """Each sample adds up every expert's kernel and bias, with a factor each."""
    return batch * experts * sum(params)
