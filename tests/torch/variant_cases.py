"""Random cases of the variants of the convolution, with the modules that compute them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import variants
from against import Case
from torch import nn

SAMPLES = 300
Random = random.Random


def integers(rng: Random, rank: int, low: int, high: int) -> list[int]:
    return [rng.randint(low, high) for _ in range(rank)]


def odds(rng: Random, rank: int, highest: int = 5) -> list[int]:
    """Mostly odd sizes."""
    return [k + (k % 2 == 0 and rng.random() < 0.9) for k in integers(rng, rank, 1, highest)]


def sizes(rng: Random, rank: int, low: int = 2, high: int = 7) -> tuple[int, ...]:
    return tuple(integers(rng, rank, low, high))


def window(rng: Random, rank: int) -> dict[str, Any]:
    """The fields of an ordinary convolution but the channels and groups."""
    return {
        "kernel_size": integers(rng, rank, 1, 3),
        "stride": integers(rng, rank, 1, 3),
        "padding": integers(rng, rank, 0, 2),
        "dilation": integers(rng, rank, 1, 2),
        "bias": rng.random() < 0.5,
    }


def keeping(rng: Random, rank: int) -> dict[str, Any]:
    """The same, mostly with a padding that keeps the size."""
    kernel, dilation = odds(rng, rank), integers(rng, rank, 1, 2)
    padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    if rng.random() < 0.1:
        padding[0] += 1
    return {"kernel_size": kernel, "padding": padding, "dilation": dilation}


def a_rank(rng: Random) -> int:
    return rng.choice((1, 2, 2, 3))


# --- one random case of each operator ----------------------------------------------------------


def involution(rng: Random) -> Case:
    rank, share = a_rank(rng), rng.randint(1, 4)
    channels = share * rng.randint(1, 3) + rng.choice((0, 0, 0, 1))
    stride = integers(rng, rank, 1, 3)
    kernel, ratio = odds(rng, rank), rng.randint(1, min(3, channels))
    spatial = [s * rng.randint(1, 4) + (rng.random() < 0.1) for s in stride]
    fields = {
        "kernel_size": kernel,
        "stride": stride,
        "reduction_ratio": ratio,
        "group_channels": share,
    }
    return Case(
        "involution",
        fields,
        ((2, channels, *spatial),),
        lambda: variants.Involution(channels, *fields.values()),
    )


def attention(rng: Random) -> Case:
    heads, rank = rng.randint(1, 3), a_rank(rng)
    counts = [heads * rng.randint(1, 3) + rng.choice((0, 0, 0, 0, 1)) for _ in range(4)]
    channels, keys, values, outputs = counts
    fields: dict[str, Any] = {
        "heads": heads,
        "key_channels": rng.choice((keys, None)),
        "value_channels": rng.choice((values, None)),
        "out_channels": rng.choice((outputs, None)),
        "bias": rng.random() < 0.5,
    }
    filled = [channels if value is None else value for value in fields.values()]
    return Case(
        "attention",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 4)),),
        lambda: variants.Attention(channels, *filled),
    )


def local_attention(rng: Random) -> Case:
    heads, rank = rng.randint(1, 2), a_rank(rng)
    outputs = heads * rank * rng.randint(1, 2) + rng.choice((0, 0, 0, 1))
    channels = rng.randint(1, 5)
    fields = {
        "kernel_size": integers(rng, rank, 1, 4),
        "heads": heads,
        "out_channels": outputs,
        "relative": rng.random() < 0.6,
        "bias": rng.random() < 0.5,
    }
    return Case(
        "local_attention",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 5)),),
        lambda: variants.LocalAttention(channels, *fields.values()),
    )


def squeeze_excite(rng: Random) -> Case:
    rank, channels, reduction = a_rank(rng), rng.randint(2, 40), rng.randint(1, 8)
    squeezed, bias = rng.choice((None, rng.randint(1, 9))), rng.random() < 0.5
    fields = {"reduction": reduction, "squeeze_channels": squeezed, "bias": bias}

    def module() -> nn.Module:
        if not squeezed and reduction > channels:
            raise ValueError("no channel is left")
        return variants.SqueezeExcite(channels, squeezed or channels // reduction, rank, bias)

    return Case("squeeze_excite", fields, ((2, channels, *sizes(rng, rank)),), module)


def cond_conv(rng: Random) -> Case:
    rank, groups = a_rank(rng), rng.randint(1, 3)
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    experts, routed = rng.randint(1, 4), rng.random() < 0.5
    more = [(2, experts + (rng.random() < 0.1))] if routed else []
    return Case(
        "cond_conv",
        {**made, "out_channels": outputs, "experts": experts},
        ((2, channels, *sizes(rng, rank)), *more),
        lambda: variants.CondConv(channels, outputs, made, experts, routed),
    )


def octave_conv(rng: Random) -> Case:
    rank, both = a_rank(rng), rng.random() < 0.7
    groups, low = rng.choice((1, 1, 1, 2)), rng.choice((0, 1, 2))
    alpha = low / 4
    outputs = 4 * rng.randint(1, 2)
    inputs = [rng.choice((2, 4, 6)), rng.choice((2, 4)) if both else 0]
    if rng.random() < 0.3:
        inputs = [outputs * (4 - low) // 4, outputs * low // 4]
        both, groups = inputs[1] > 0, sum(inputs)
    halves = sizes(rng, rank, 1, 4)
    high = [2 * n - (rng.random() < 0.1) for n in halves]
    made, bias = keeping(rng, rank), rng.random() < 0.5
    stride = [rng.choice((1, 1, 2, 2, 2 + (rng.random() < 0.1))) for _ in range(rank)]
    kernel = made["kernel_size"]
    at = {key: made[key] for key in ("padding", "dilation")}
    fields = {
        **made,
        "out_channels": outputs,
        "alpha_out": alpha,
        "stride": stride,
        "groups": groups,
        "bias": bias,
    }
    counts = [outputs - outputs * low // 4, outputs * low // 4]
    return Case(
        "octave_conv",
        fields,
        ((2, inputs[0], *high), *([(2, inputs[1], *halves)] if both else [])),
        lambda: variants.OctaveConv(inputs, counts, kernel, stride, groups, at, bias),
    )


def ghost_conv(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 5)
    fields = {
        "out_channels": rng.randint(2, 9),
        "kernel_size": integers(rng, rank, 1, 4),
        "dw_size": odds(rng, rank),
        "ratio": rng.randint(2, 4),
        "stride": integers(rng, rank, 1, 3),
        "relu": rng.random() < 0.5,
    }
    return Case(
        "ghost_conv",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.GhostConv(channels, *fields.values()),
    )


def partial_conv(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 12)
    fields = {"kernel_size": odds(rng, rank), "n_div": rng.randint(1, 5)}
    return Case(
        "partial_conv",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.partial_conv(channels, *fields.values()),
    )


def inpainting_conv(rng: Random) -> Case:
    rank, groups, several = a_rank(rng), rng.randint(1, 3), rng.random() < 0.4
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    spatial = sizes(rng, rank)
    mask = (2, (channels if several else 1) + (rng.random() < 0.1), *spatial)
    return Case(
        "inpainting_conv",
        {**made, "out_channels": outputs, "multi_channel": several, "return_mask": True},
        ((2, channels, *spatial), *([mask] if rng.random() < 0.7 else [])),
        lambda: variants.inpainting_conv(channels, outputs, made, several),
    )


def mix_conv(rng: Random) -> Case:
    rank = a_rank(rng)
    kernels = [
        k + (k % 2 == 0 and rng.random() < 0.9) for k in integers(rng, rng.randint(1, 4), 1, 6)
    ]
    depthwise, channels = rng.random() < 0.7, rng.randint(2, 9)
    outputs = channels * rng.randint(1, 2) if depthwise else rng.randint(2, 9)
    made = {
        "stride": integers(rng, rank, 1, 2),
        "dilation": integers(rng, rank, 1, 2),
        "bias": rng.random() < 0.5,
    }
    return Case(
        "mix_conv",
        {**made, "kernel_size": kernels, "out_channels": outputs, "depthwise": depthwise},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.MixConv(channels, outputs, kernels, depthwise, made),
    )


def large_kernel_attention(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 5)
    fields = {"kernel_size": integers(rng, rank, 1, 9), "dilation": integers(rng, rank, 1, 3)}
    return Case(
        "large_kernel_attention",
        fields,
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.LargeKernelAttention(channels, *fields.values()),
    )


def coord_conv(rng: Random) -> Case:
    rank, channels, outputs = a_rank(rng), rng.randint(1, 5), rng.randint(1, 5)
    made, radius = window(rng, rank), rng.random() < 0.5
    return Case(
        "coord_conv",
        {**made, "out_channels": outputs, "with_r": radius},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.coord_conv(channels, outputs, made, radius),
    )


def gated_conv(rng: Random) -> Case:
    rank, groups = a_rank(rng), rng.randint(1, 3)
    channels, outputs = (groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1)) for _ in range(2))
    made = {**window(rng, rank), "groups": groups}
    return Case(
        "gated_conv",
        {**made, "out_channels": outputs},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.GatedConv(channels, outputs, made),
    )


def locally_connected(rng: Random) -> Case:
    rank, channels, outputs = a_rank(rng), rng.randint(1, 4), rng.randint(1, 4)
    made, spatial = window(rng, rank), sizes(rng, rank, 2, 5)
    made["dilation"] = [1] * rank
    return Case(
        "locally_connected",
        {**made, "out_channels": outputs},
        ((2, channels, *spatial),),
        lambda: variants.LocallyConnected(channels, outputs, spatial, made, made["bias"]),
    )


def learned_group_conv(rng: Random) -> Case:
    rank, groups, training = a_rank(rng), rng.randint(1, 4), rng.random() < 0.4
    factor = rng.choice((None, None, 2, 3))
    used = factor or groups
    channels = groups * used * rng.randint(1, 2) + rng.choice((0, 0, 0, 1))
    outputs = groups * rng.randint(1, 3) + rng.choice((0, 0, 0, 1))
    made = {
        key: value for key, value in window(rng, rank).items() if key not in ("bias", "dilation")
    }
    more = {"groups": groups, "phase": "training" if training else "converted"}
    return Case(
        "learned_group_conv",
        {**made, **more, "out_channels": outputs, "condense_factor": factor},
        ((2, channels, *sizes(rng, rank)),),
        lambda: variants.LearnedGroupConv(channels, outputs, made, groups, used, training),
    )


# Each with the number of its 300 cases that must be refused by both sides.
REFUSED: dict[Callable[[Random], Case], int] = {
    involution: 40,
    attention: 30,
    local_attention: 40,
    squeeze_excite: 2,
    cond_conv: 40,
    octave_conv: 40,
    ghost_conv: 10,
    partial_conv: 20,
    inpainting_conv: 40,
    mix_conv: 40,
    large_kernel_attention: 40,
    coord_conv: 2,
    gated_conv: 40,
    locally_connected: 2,
    learned_group_conv: 40,
}


def cases(kind: Callable[[Random], Case], count: int = SAMPLES) -> Iterator[Case]:
    rng = Random(1)
    return (kind(rng) for _ in range(count))
