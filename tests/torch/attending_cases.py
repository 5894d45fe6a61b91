"""Random cases of attention and products of positions, with the modules that compute them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attending
from against import Case
from variant_cases import Random, a_rank, integers, odds, sizes


def matmul(rng: Random) -> Case:
    rank = a_rank(rng)
    rows, inner, columns = integers(rng, 3, 1, 4)
    turns = {f"transpose_{name}": rng.random() < 0.4 for name in "ab"}
    wrong = inner + 1 if rng.random() < 0.2 else inner
    first, second = [rows, inner], [wrong, columns]
    shapes = [
        matrix[::-1] if turn else matrix
        for matrix, turn in zip((first, second), turns.values(), strict=True)
    ]
    leading = integers(rng, rank - 1, 1, 3)
    others = [1 if rng.random() < 0.2 else n + (rng.random() < 0.1) for n in leading]
    return Case(
        "matmul",
        turns,
        ((2, *leading, *shapes[0]), (2, *others, *shapes[1])),
        lambda: attending.Matmul(*turns.values()),
    )


def dot_product_attention(rng: Random) -> Case:
    shared, rounds, rank = rng.randint(1, 2), rng.randint(1, 3), a_rank(rng)
    heads, d, e = shared * rounds, rng.randint(1, 3), rng.randint(1, 3)
    queries = sizes(rng, rank, 1, 4)
    masked = rng.random()
    keys = queries if masked < 0.9 else sizes(rng, rank, 1, 4)
    if masked >= 0.9 and rng.random() < 0.5:
        keys = sizes(rng, a_rank(rng), 1, 4)
    fields: dict[str, Any] = {
        "heads": heads,
        "kv_heads": shared if rounds > 1 else None,
        "causal": rng.random() < 0.3,
        "window": integers(rng, rank, 1, 5) if rng.random() < 0.4 else None,
        "skip_masked": rng.random() < 0.3,
    }
    longer = rng.random() < 0.1
    return Case(
        "dot_product_attention",
        fields,
        (
            (2, heads * d, *queries),
            (2, shared * (d + longer), *keys),
            (2, shared * e + (shared > 1 and rng.random() < 0.1), *keys),
        ),
        lambda: attending.DotProductAttention(*fields.values()),
    )


def window_attention(rng: Random) -> Case:
    rank, heads = a_rank(rng), rng.randint(1, 3)
    channels = heads * rng.randint(1, 3) + (heads > 1 and rng.random() < 0.05)
    window = integers(rng, rank, 1, 3)
    grid = rng.random() < 0.25
    spatial = (
        [k * rng.randint(1, 3) + (rng.random() < 0.1) for k in window]
        if grid
        else sizes(rng, rank, 1, 7)
    )
    shifted = rng.random() < (0.05 if grid else 0.6)
    fields: dict[str, Any] = {
        "window_size": window,
        "heads": heads,
        "shift_size": [rng.randint(0, k - (rng.random() < 0.95)) if shifted else 0 for k in window],
        "partition": "grid" if grid else "window",
        "relative_position": rng.choice(("table", "table", "mlp", "decomposed", "none")),
        "mlp_channels": rng.randint(1, 4),
        "cosine": rng.random() < 0.3,
        "qkv_bias": rng.random() < 0.7,
        "key_bias": rng.random() < 0.7,
        "proj_bias": rng.random() < 0.5,
    }
    return Case(
        "window_attention",
        fields,
        ((2, channels, *spatial),),
        lambda: attending.WindowAttention(channels, *fields.values()),
    )


def channel_attention(rng: Random) -> Case:
    rank, heads = a_rank(rng), rng.randint(1, 3)
    channels = heads * rng.randint(2, 3) + (heads > 1 and rng.random() < 0.1)
    fields: dict[str, Any] = {
        "heads": heads,
        "dw_kernel_size": odds(rng, rank) if rng.random() < 0.4 else None,
        "qkv_bias": rng.random() < 0.5,
        "proj_bias": rng.random() < 0.5,
    }
    return Case(
        "channel_attention",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 4)),),
        lambda: attending.ChannelAttention(channels, *fields.values()),
    )


def correlation(rng: Random) -> Case:
    rank, channels = a_rank(rng), rng.randint(1, 3)
    near = rng.random() < 0.6
    step = integers(rng, rank, 1, 2) if near or rng.random() < 0.1 else [1] * rank
    fields: dict[str, Any] = {
        "max_displacement": integers(rng, rank, 0, 3) if near else None,
        "displacement_stride": step,
        "stride": integers(rng, rank, 1, 2),
    }
    first = sizes(rng, rank, 1, 5)
    second = first if near and rng.random() < 0.9 else sizes(rng, rank, 1, 5)
    more = rng.random() < 0.1
    return Case(
        "correlation",
        fields,
        ((2, channels, *first), (2, channels + more, *second)),
        lambda: attending.Correlation(*fields.values()),
    )


def grid_sample(rng: Random) -> Case:
    rank = a_rank(rng)
    fields: dict[str, Any] = {
        "mode": rng.choice(("linear", "linear", "nearest", "cubic")),
        "align_corners": rng.random() < 0.5,
    }
    grid = rank + (rng.random() < 0.1)
    return Case(
        "grid_sample",
        fields,
        ((2, rng.randint(1, 3), *sizes(rng, rank, 1, 5)), (2, grid, *sizes(rng, rank, 1, 5))),
        lambda: attending.GridSample(*fields.values()),
    )


def carafe(rng: Random) -> Case:
    rank, groups = a_rank(rng), rng.randint(1, 2)
    channels = groups * rng.randint(1, 3) + (rng.random() < 0.1)
    fields: dict[str, Any] = {
        "scale": integers(rng, rank, 1, 2),
        "kernel_size": [3, *odds(rng, rank - 1, 3)],  # the softmax of a single tap is 1
        "encoder_kernel_size": odds(rng, rank, 3),
        "compressed_channels": rng.randint(1, 3),
        "groups": groups,
    }
    return Case(
        "carafe",
        fields,
        ((2, channels, *sizes(rng, rank, 1, 4)),),
        lambda: attending.Carafe(channels, *fields.values()),
    )


def multi_scale_deformable_attention(rng: Random) -> Case:
    rank, levels, heads = a_rank(rng), rng.randint(1, 3), rng.randint(1, 3)
    channels = heads * rng.randint(1, 2) + (heads > 1 and rng.random() < 0.1)
    fields: dict[str, Any] = {"heads": heads, "points": rng.randint(1, 3)}
    maps = [(2, channels, *sizes(rng, rank, 1, 4)) for _ in range(levels)]
    queries = sizes(rng, a_rank(rng), 1, 3)
    return Case(
        "multi_scale_deformable_attention",
        fields,
        ((2, channels, *queries), *maps),
        lambda: attending.MultiScaleDeformableAttention(channels, *fields.values(), levels, rank),
    )


# Each with the number of its 300 cases that must be refused by both sides.
REFUSED: dict[Callable[[Random], Case], int] = {
    matmul: 40,
    dot_product_attention: 40,
    window_attention: 20,
    channel_attention: 10,
    correlation: 20,
    grid_sample: 20,
    carafe: 20,
    multi_scale_deformable_attention: 5,
}
