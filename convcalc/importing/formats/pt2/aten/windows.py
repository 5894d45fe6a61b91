"""Convolution, pooling, padding and resizing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated, fixed


def conv(call: Call) -> None:
    """conv1d, conv2d, conv3d, conv_transpose*, and convolution, which is all of these."""
    weight = call.tensor("weight")
    kernel = fixed(call.sizes(weight))[2:]
    rank = len(kernel)
    x = call.tensor("input")
    if call.rank(x) != rank + 2:
        raise Untranslated("a convolution without a batch")
    is_transposed = "transpose" in call.op or bool(call.get("transposed", False))
    values: dict[str, Any] = {
        "kernel_shape": tuple(kernel),
        "strides": tuple(call.per_axis("stride", rank, (1,))),
        "dilations": tuple(call.per_axis("dilation", rank, (1,))),
        "group": call.integer("groups", 1),
    }
    padding = call.get("padding", 0)
    if padding in ("same", "valid"):
        values["auto_pad"] = "SAME_UPPER" if padding == "same" else "VALID"
    else:
        values["pads"] = tuple(call.per_axis("padding", rank, (0,))) * 2
    if is_transposed:
        values["output_padding"] = tuple(call.per_axis("output_padding", rank, (0,)))
    call.make(
        "ConvTranspose" if is_transposed else "Conv", x, weight, call.optional("bias"), **values
    )


def pool(call: Call) -> None:
    """max_pool and avg_pool of any rank."""
    rank = _rank(call)
    x = call.tensor()
    if call.rank(x) != rank + 2:
        raise Untranslated("a pooling without a batch")
    kernel = call.per_axis("kernel_size", rank)
    stride = call.integers("stride")
    values: dict[str, Any] = {
        "kernel_shape": tuple(kernel),
        "strides": tuple(call.per_axis("stride", rank) if stride else kernel),
        "pads": tuple(call.per_axis("padding", rank, (0,))) * 2,
        "ceil_mode": int(bool(call.get("ceil_mode", False))),
    }
    if call.op.startswith("avg"):
        values["count_include_pad"] = int(bool(call.get("count_include_pad", True)))
        call.make("AveragePool", x, **values)
        return
    values["dilations"] = tuple(call.per_axis("dilation", rank, (1,)))
    call.make_one(0, "MaxPool", x, **values)


def adaptive_pool(call: Call) -> None:
    """adaptive_avg_pool and adaptive_max_pool of any rank."""
    rank = _rank(call)
    x = call.tensor()
    if call.rank(x) != rank + 2:
        raise Untranslated("a pooling without a batch")
    sizes = call.per_axis("output_size", rank)
    name = "AveragePool" if "avg" in call.op else "MaxPool"
    if all(size == 1 for size in sizes):
        call.make_one(0, f"Global{name}", x)
    else:
        call.make_one(0, f"Adaptive{name}", x, output_size=tuple(sizes))


def _rank(call: Call) -> int:
    """The number of spatial axes that a name ends in: ``…2d``, ``…2d_with_indices``."""
    return int(call.op.partition("d_")[0].removesuffix("d")[-1])


def pad(call: Call) -> None:
    """Pad axes from the last one on; negative padding cuts."""
    x = call.tensor()
    pads = call.integers("pad" if call.get("pad") is not None else "padding")
    rank = call.rank(x)
    if len(pads) % 2 or len(pads) > 2 * rank:
        raise Untranslated(f"{len(pads)} paddings for {rank} axes")
    mode = call.get("mode", "constant")
    for word, named in (("reflection", "reflect"), ("replication", "replicate")):
        mode = named if call.op.startswith(word) else mode
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in modes:
        raise Untranslated(f"padding by {mode}")
    axes = [rank - 1 - index for index in range(len(pads) // 2)]
    before, after = pads[::2], pads[1::2]
    if any(each < 0 for each in pads):
        x = _cropped(call, x, axes, before, after)
        before, after = ([max(each, 0) for each in part] for part in (before, after))
    names = [call.numbers([*before, *after]), "", call.numbers(axes)]
    call.make("Pad", x, *names, mode=modes[mode])


def _cropped(
    call: Call, x: str, axes: Sequence[int], before: Sequence[int], after: Sequence[int]
) -> str:
    """A tensor without what negative paddings cut off."""
    starts = tuple(max(-each, 0) for each in before)
    ends = tuple(each if each < 0 else 1 << 40 for each in after)
    return call.add("Slice", x, starts=starts, ends=ends, axes=tuple(axes), steps=(1,) * len(axes))


def resize(call: Call) -> None:
    """upsample_* to the size that the file states."""
    x = call.tensor("input" if call.get("input") is not None else "self")
    sizes = call.sizes(call.outputs[0])
    values: dict[str, Any] = {"coordinate_transformation_mode": "half_pixel"}
    if "nearest_exact" in call.op:
        values["mode"] = "nearest"
    elif "nearest" in call.op:
        values["mode"] = "nearest"
        values |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        values["mode"] = "cubic" if "cubic" in call.op else "linear"
        if call.get("align_corners", False):
            values["coordinate_transformation_mode"] = "align_corners"
    if all(size is not None for size in sizes[2:]):
        axes = tuple(range(2, len(sizes)))
        wanted = call.numbers(fixed(sizes[2:]))
        call.make("Resize", x, "", "", wanted, axes=axes, **values)
        return
    scales = call.get("scale_factors")
    if isinstance(scales, list) and all(isinstance(each, int | float) for each in scales):
        axes = tuple(range(2, len(sizes)))
        call.make("Resize", x, "", call.numbers([float(s) for s in scales]), axes=axes, **values)
        return
    given = call.get("output_size")
    if not isinstance(given, list):
        raise Untranslated("a resize without a size")
    axes = tuple(range(2, len(sizes)))
    call.make("Resize", x, "", "", call.listed(given), axes=axes, **values)


def unfold(call: Call) -> None:
    """im2col, and col2im as its way back."""
    x = call.tensor()
    values = {
        "kernel_shape": tuple(call.per_axis("kernel_size", 2)),
        "strides": tuple(call.per_axis("stride", 2, (1,))),
        "pads": tuple(call.per_axis("padding", 2, (0,))) * 2,
        "dilations": tuple(call.per_axis("dilation", 2, (1,))),
    }
    if call.op == "im2col":
        call.make("Im2Col", x, **values)
    else:
        call.make("Col2Im", x, image_shape=tuple(call.per_axis("output_size", 2)), **values)


def pixel_shuffle(call: Call) -> None:
    """pixel_shuffle."""
    call.make(
        "DepthToSpace", call.tensor(), blocksize=call.integer("upscale_factor", 1), mode="CRD"
    )


def pixel_unshuffle(call: Call) -> None:
    """pixel_unshuffle."""
    call.make("SpaceToDepth", call.tensor(), blocksize=call.integer("downscale_factor", 1))


_RANKS = (1, 2, 3)
_RESIZED = (
    *(f"upsample_nearest{rank}d" for rank in _RANKS),
    *(f"_upsample_nearest_exact{rank}d" for rank in _RANKS),
    "upsample_linear1d",
    "upsample_bilinear2d",
    "upsample_bicubic2d",
    "upsample_trilinear3d",
    "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa",
)
RULES: Mapping[str, Rule] = {
    **dict.fromkeys((f"conv{rank}d" for rank in _RANKS), conv),
    **dict.fromkeys((f"conv_transpose{rank}d" for rank in _RANKS), conv),
    "convolution": conv,
    **dict.fromkeys((f"{kind}_pool{rank}d" for kind in ("max", "avg") for rank in _RANKS), pool),
    **dict.fromkeys((f"max_pool{rank}d_with_indices" for rank in _RANKS), pool),
    **dict.fromkeys(
        (f"adaptive_{kind}_pool{rank}d" for kind in ("max", "avg") for rank in _RANKS),
        adaptive_pool,
    ),
    **dict.fromkeys((f"_adaptive_avg_pool{rank}d" for rank in _RANKS), adaptive_pool),
    "pad": pad,
    "constant_pad_nd": pad,
    **dict.fromkeys((f"reflection_pad{rank}d" for rank in _RANKS), pad),
    **dict.fromkeys((f"replication_pad{rank}d" for rank in _RANKS), pad),
    **dict.fromkeys(_RESIZED, resize),
    "im2col": unfold,
    "col2im": unfold,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
}
