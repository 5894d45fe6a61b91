"""Deformable convolution, versions 1 to 4: the taps move to places that the input decides.

Versions 1 and 2: a convolution with a dense weight whose taps are moved by an offset map.

    out_size      = floor((n + p_before + p_after - d·(k - 1) - 1) / s) + 1     per axis
    offset.weight = (rank·K·Gd, in_channels, *kernel_size), version 2: (rank + 1)·K·Gd
    weight        = (out_channels, in_channels / groups, *kernel_size)
    offset     = batch · prod(out_size) · prod(offset.weight)             learned weights
    sampling   = batch · prod(out_size) · in_channels · K · 2^rank        interpolation
    modulation = batch · prod(out_size) · in_channels · K                 dynamic, version 2
    main       = batch · prod(out_size) · prod(weight)                    learned weights

K is prod(kernel_size), Gd deform_groups, G groups, n input size, k kernel_size, s stride,
p padding, d dilation. Version 2 also learns a factor per tap, through a sigmoid. With ``offset:
external`` the offset map (in version 2 then the mask too) comes as a further input and its
convolution is not counted. Both maps have the size of the output, not of the input; offsets of
1 and 3 axes are the same formulas, published are 2.

Versions 3 and 4: no dense weight. Every group of channels is sampled at P = K taps (K - 1 with
remove_center) and added up with one factor per tap; out_channels = in_channels = C, and the
size must stay, since the official modules make the offsets at the positions of the input.

    version 3: dw (C, 1, *dw_kernel_size), norm 2C, offset (2·G·P, C), mask (G·P, C),
               input_proj (C, C), output_proj (C, C), all with bias
    version 4: dw only if dw_kernel_size is given, offset_mask (8·ceil(3·G·P / 8), C),
               value_proj (C, C), output_proj (C, C); C / G a multiple of 16
    both: center_feature_scale (G, C) if wanted, with bias
    sampling = 4·P·C, aggregation = P·C (dynamic)                      per position

Elementwise: each bias 1, norm 2, activation 1, softmax over the taps 3 (version 4 has none), each
sigmoid 1, blending with the center feature 4 per element. Arithmetic on coordinates is not
counted. MACs are learned weights and dynamic; sampling is counted beside them.

Defaults: bias is true, as in torchvision's DeformConv2d and mmcv's modulated class; mmcv's
DeformConv2d has none (``bias: false``). Versions 3 and 4: kernel_size 3, padding half (their
pad 1), groups 4.

The receptive field is that of the grid, marked unbounded; a known offset_bound B adds
ceil(B) + 1 positions on each side. In versions 3 and 4 offset_scale spreads the grid too: 2
makes 5 positions of 3 taps. Version 3 also reads the window of its dw.

Common mistakes: torchvision's module does not contain the offset convolution. The offset map
has 2·K channels per deform group, not one vector per position: 18 for 3 x 3, 72 in 4 deform
groups, 27 in version 2. It is as large as the output: 4 x 4 for an input of 8 x 8, s 2, p 1.
Stages conv3 to conv5 of ResNet-50 have 13 convolutions of 3 x 3 to replace, not the 12 of the
paper of version 2. Most counters see
nothing but the offset convolution: 16 to 32 channels, k 3, p 1 on 8 x 8 has 460,800 MACs in
version 1 and 552,960 in version 2 with 36,864 sampling, where they show 165,888 and 248,832.
InternImage's own script adds 5·n·k·c per layer of version 3 (n positions, k taps, c channels):
sampling and aggregation together, center included. Version 3 is more than offsets and a sum:
of its 16,108 parameters at C 64, G 4 the two projections have 8,320, dw and norm 768; the
biases are 300 of them. The official kernel of
version 4 takes 3 x 3 taps alone.

Source: Dai et al., arXiv 1703.06211; Zhu et al., arXiv 1811.11168; Wang et al., arXiv 2211.05778
and OpenGVLab/InternImage, ops_dcnv3; Xiong et al., arXiv 2401.06197 and OpenGVLab/DCNv4;
torchvision ``DeformConv2d``; mmcv ``DeformConv2dPack``, ``ModulatedDeformConv2dPack``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from convcalc.model.geometry.sizes import Padding
from convcalc.model.operators import fields
from convcalc.model.operators.contract import Analysis, Operator, Problem, operator
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.shape import Shape

if TYPE_CHECKING:
    from convcalc.model.ops.dynamic._deformable import Deformable
    from convcalc.model.ops.dynamic._dynamic_sampling import DynamicSampling

# The versions that have a field; the others have all four.
_VERSIONS: Mapping[str, tuple[int, ...]] = {
    "out_channels": (1, 2),
    "deform_groups": (1, 2),
    "bias": (1, 2),
    "offset": (1, 2),
    "dw_kernel_size": (3, 4),
    "center_feature_scale": (3, 4),
    "remove_center": (3, 4),
    "offset_scale": (3, 4),
    "output_bias": (4,),
    "without_pointwise": (4,),
}
_REQUIRED = ("out_channels", "kernel_size")  # in versions 1 and 2


@operator
class DeformConv(Operator):
    """A deformable convolution; see the module's docstring."""

    arity = (1, 3)
    ranks = (1, 3)

    version: int = fields.integer("1, 2 (modulated), 3 or 4", minimum=1, maximum=4)
    out_channels: int | None = fields.out_channels(
        None, "number of output channels; required in versions 1 and 2"
    )
    kernel_size: tuple[int, ...] | None = fields.kernel_size(
        None, "taps per axis; required in versions 1 and 2, 3 in versions 3 and 4"
    )
    stride: tuple[int, ...] = fields.stride()
    padding: Padding | None = fields.padding(
        None, "as in conv; 0 in versions 1 and 2, half in versions 3 and 4"
    )
    dilation: tuple[int, ...] = fields.dilation()
    groups: int | None = fields.groups(
        None, "groups of channels that do not mix; 1 in versions 1 and 2, 4 in versions 3 and 4"
    )
    deform_groups: int = fields.integer(
        "groups of channels with offsets of their own", 1, minimum=1
    )
    bias: bool = fields.bias()
    offset: str = fields.word(
        ("internal", "external"),
        "who makes the offsets: a convolution in here, or inputs",
        "internal",
    )
    offset_bound: float | None = fields.number(
        "how far a tap moves at most, in input positions; null: unbounded", None, minimum=0
    )
    dw_kernel_size: tuple[int, ...] | None = fields.axes(
        "taps of the depthwise convolution before the offsets; version 3: as kernel_size, "
        "version 4: none",
        None,
        minimum=1,
    )
    center_feature_scale: bool = fields.flag("blend with the feature at the center", False)
    remove_center: bool = fields.flag("leave out the center tap", False)
    offset_scale: float = fields.number("factor of grid and offsets; costs nothing", 1, minimum=0)
    output_bias: bool = fields.flag("whether output_proj has a bias", True)
    without_pointwise: bool = fields.flag("leave out value_proj and output_proj", False)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The fields must belong to the version; the rest is the version's to say."""
        problems = [
            *self._misplaced_fields(),
            *self._missing_fields(),
            *self._surplus_inputs(len(inputs)),
        ]
        yield from problems
        if not problems:
            yield from self._model(inputs[0].rank).check(inputs)

    def _misplaced_fields(self) -> Iterator[Problem]:
        declared = fields_of(type(self))
        for name, versions in _VERSIONS.items():
            if self.version not in versions and getattr(self, name) != declared[name].default:
                message = f"{name} is not a field of deform_conv version {self.version}"
                having = " and ".join(map(str, versions))
                advice = f"leave it out; it belongs to version{'s' * (len(versions) > 1)} {having}"
                yield Problem("unsupported-combination", name, message, advice)

    def _missing_fields(self) -> Iterator[Problem]:
        for name in _REQUIRED if self.version < 3 else ():
            if getattr(self, name) is None:
                message = f"deform_conv version {self.version} needs {name}"
                yield Problem("missing-key", name, message, f"add '{name}'")

    def _surplus_inputs(self, count: int) -> Iterator[Problem]:
        if self.version > 2 and count > 1:
            message = f"version {self.version} makes its own offsets, but there are {count} inputs"
            yield Problem("unsupported-combination", "", message, "a single input", 1)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The analysis of the version."""
        return self._model(inputs[0].rank).analyse(inputs)

    def _model(self, rank: int) -> Deformable | DynamicSampling:
        """The implementation of the version; imports only that module."""
        bound = None if self.offset_bound is None else Fraction(str(self.offset_bound))
        if self.version < 3:
            from convcalc.model.ops.dynamic._deformable import Deformable

            return Deformable(
                modulated=self.version == 2,
                out_channels=self.out_channels or 1,
                kernel_size=self.kernel_size or (),
                stride=self.stride,
                padding=((0, 0),) * rank if self.padding is None else self.padding,
                dilation=self.dilation,
                groups=self.groups or 1,
                deform_groups=self.deform_groups,
                bias=self.bias,
                external=self.offset == "external",
                bound=bound,
            )
        from convcalc.model.ops.dynamic._dynamic_sampling import DynamicSampling

        kernel_size = self.kernel_size or (3,) * rank
        return DynamicSampling(
            version=self.version,
            kernel_size=kernel_size,
            stride=self.stride,
            padding="half" if self.padding is None else self.padding,
            dilation=self.dilation,
            groups=self.groups or 4,
            dw_kernel_size=self.dw_kernel_size or (kernel_size if self.version == 3 else None),
            center_feature_scale=self.center_feature_scale,
            remove_center=self.remove_center,
            offset_scale=Fraction(str(self.offset_scale)),
            pointwise=not self.without_pointwise,
            output_bias=self.output_bias,
            bound=bound,
        )
