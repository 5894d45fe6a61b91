# ruff: noqa: ARG001  # one interface for all, of which not every function uses every argument
"""Fields of random layers that move axes, attend, walk along an axis, or read several tensors."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import prod

from random_fields import Drawn, Maker, Sizes, axes, divisor, sides
from random_models import AXES, Fields, Step

UNARY = ("abs", "cos", "erf", "exp", "log", "neg", "reciprocal", "rsqrt", "sin", "sqrt", "square")
BINARY = ("atan2", "div", "minimum", "pow", "sub")


def names(x: Sizes) -> tuple[str, ...]:
    """The axes of a tensor, the channels first."""
    return AXES[len(x) + 1]


# --- layers of one tensor ----------------------------------------------------------------------


def learned(rng: random.Random, x: Sizes) -> Drawn:
    if rng.random() < 0.3:
        return "rms_norm", {"affine": rng.random() < 0.7}
    return rng.choice(("scale", "shift")), {"per": rng.choice(("channel", "tensor"))}


def of_each(rng: random.Random, x: Sizes) -> Drawn:
    if rng.random() < 0.5:
        return "elementwise", {"op": rng.choice(UNARY)}
    op = rng.choice((*BINARY, "add", "clamp", "mul"))
    return "elementwise", {"op": op, "value": rng.choice((0.5, 2))}


def fixed(rng: random.Random, x: Sizes) -> Drawn:
    rank = len(x) - 1
    modes = ("zeros", "reflect", "replicate")
    if rng.random() < 0.5:
        fields: Fields = {"k": axes(rng, rank, (1, 2, 3, 4)), "s": axes(rng, rank, (1, 2))}
        if rng.random() < 0.3:
            fields["p"] = sides(rng, rank)
        return "blur_pool", fields | {"padding_mode": rng.choice(modes)}
    fields = {"k": axes(rng, rank, (1, 2, 3)), "s": axes(rng, rank, (1, 1, 2))}
    fields |= {"d": axes(rng, rank, (1, 1, 2)), "p": rng.choice((sides(rng, rank), "same"))}
    fields |= {"filters": rng.randint(1, 2), "shared": rng.random() < 0.5}
    return "fixed_conv", fields | {"padding_mode": rng.choice(modes)}


def powers(rng: random.Random, x: Sizes) -> Drawn:
    rank = len(x) - 1
    fields: Fields = {"norm_type": rng.choice((1, 2, 3)), "k": axes(rng, rank, (1, 2, 3))}
    if rng.random() < 0.6:
        fields["s"] = axes(rng, rank, (1, 2, 3))
    return "lp_pool", fields | {"ceil_mode": rng.random() < 0.5}


def random_windows(rng: random.Random, x: Sizes) -> Drawn:
    k = axes(rng, len(x) - 1, (1, 2))
    if rng.random() < 0.5:
        return "fractional_max_pool", {"k": k, "output_ratio": [0.6 for _ in k]}
    sizes = [max(1, n - rng.randint(1, 4)) for n in x[1:]]
    return "fractional_max_pool", {"k": k, "output_size": sizes}


def reducing(rng: random.Random, x: Sizes) -> Drawn:
    fields: Fields = {"axis": rng.choice((*names(x), "positions"))}
    fields |= {"mode": rng.choice(("mean", "max", "min", "sum")), "keepdim": rng.random() < 0.7}
    return "reduce", fields


def reshaping(rng: random.Random, x: Sizes) -> Drawn:
    """Axes merged or cut in two, mostly the last."""
    sizes, choice = list(x), rng.random()
    if choice < 0.4 and len(sizes) > 2:
        at = rng.randrange(1, len(sizes) - 1)
        sizes[at : at + 2] = [sizes[at] * sizes[at + 1]]
    elif choice < 0.8 and len(sizes) < 4:
        at = rng.randrange(len(sizes))
        part = divisor(rng, sizes[at])
        sizes[at : at + 1] = rng.choice(([part, sizes[at] // part], [sizes[at] // part, part]))
    elif len(sizes) > 1:
        sizes[:2] = [sizes[0] * sizes[1], 1]
    if rng.random() < 0.2:
        sizes[rng.randrange(len(sizes))] = -1
    return "reshape", {"shape": sizes}


def permuting(rng: random.Random, x: Sizes) -> Drawn:
    dims = list(range(1, len(x) + 1))
    rng.shuffle(dims)
    return "permute", {"dims": dims}


def slicing(rng: random.Random, x: Sizes) -> Drawn:
    axis = rng.randrange(len(x))
    start = rng.randrange(x[axis])
    fields: Fields = {"axis": names(x)[axis], "start": start - rng.choice((0, x[axis]))}
    if rng.random() < 0.6:
        fields["stop"] = rng.randint(start + 1, x[axis])
    return "slice", fields | {"step": rng.choice((1, 1, 2, 3))}


def chunking(rng: random.Random, x: Sizes) -> Drawn:
    axis = rng.randrange(len(x))
    fields: Fields = {"axis": names(x)[axis]}
    if rng.random() < 0.5 or x[axis] < 2:
        return "chunk", fields | {"chunks": divisor(rng, x[axis])}
    first = rng.randint(1, x[axis] - 1)
    return "chunk", fields | {"sizes": [first, x[axis] - first]}


def more_channels(rng: random.Random, x: Sizes) -> Drawn:
    if rng.random() < 0.5:
        return "pad_channels", {"channels": x[0] + rng.randint(0, 3)}
    return "pad_channels", {"before": rng.randint(0, 2), "after": rng.randint(1, 2)}


def unfolding(rng: random.Random, x: Sizes) -> Drawn:
    rank = len(x) - 1
    fields: Fields = {"k": axes(rng, rank, (1, 2)), "s": axes(rng, rank, (1, 2))}
    fields |= {"d": axes(rng, rank, (1, 1, 2)), "p": sides(rng, rank, 1)}
    return "unfold", fields | {"flat": rng.random() < 0.6}


def folding(rng: random.Random, x: Sizes) -> Drawn:
    """Windows of a row or of a map, as many as there are positions."""
    rank = rng.choice((1, 2))
    count = [x[1]] if rank == 1 else [(part := divisor(rng, x[1])), x[1] // part]
    taps = divisor(rng, x[0])
    k = [taps] if rank == 1 else [(part := divisor(rng, taps)), taps // part]
    s, d, p = axes(rng, rank, (1, 2, 3)), axes(rng, rank, (1, 1, 2)), axes(rng, rank, (0, 0, 1))
    sizes = [
        (n - 1) * s_ + d_ * (k_ - 1) + 1 - 2 * p_ + rng.randint(0, s_ - 1)
        for n, k_, s_, d_, p_ in zip(count, k, s, d, p, strict=True)
    ]
    fields: Fields = {"output_size": [max(1, n) for n in sizes], "k": k, "s": s}
    return "fold", fields | {"d": d, "p": p}


def scattering(rng: random.Random, x: Sizes) -> Drawn:
    return "scatter", {"size": [rng.randint(2, 5) for _ in range(rng.randint(1, 3))]}


def looking_up(rng: random.Random, x: Sizes) -> Drawn:
    return "embedding", {"num_embeddings": rng.randint(1, 9), "embedding_dim": rng.randint(1, 5)}


def constant(rng: random.Random, x: Sizes) -> Drawn:
    return "parameter", {"shape": list(x)}


def walking(rng: random.Random, x: Sizes) -> Drawn:
    fields: Fields = {"axis": rng.choice(names(x)[1:]), "bias": rng.random() < 0.5}
    if len(x) > 2 and rng.random() < 0.4:
        fields |= {"hidden_channels": rng.randint(1, 3), "k": axes(rng, len(x) - 1, (1, 3))}
        return rng.choice(("conv_lstm", "conv_gru")), fields
    fields |= {"hidden_size": rng.randint(1, 4), "num_layers": rng.choice((1, 1, 2))}
    fields["bidirectional"] = rng.random() < 0.4
    if rng.random() < 0.5:
        return "gru", fields
    return "lstm", fields | {"proj_size": rng.randint(0, fields["hidden_size"] - 1)}


def windowed(rng: random.Random, x: Sizes) -> Drawn:
    rank, grid = len(x) - 1, rng.random() < 0.3
    w = [divisor(rng, n) for n in x[1:]] if grid else axes(rng, rank, (1, 2, 3))
    fields: Fields = {"w": w, "heads": divisor(rng, x[0])}
    if grid:
        fields["partition"] = "grid"
    elif rng.random() < 0.5:
        fields["shift_size"] = [rng.randint(0, k - 1) for k in w]
    position = rng.choice(("table", "mlp", "decomposed", "none"))
    fields |= {"relative_position": position, "mlp_channels": rng.randint(1, 3)}
    flags = ("cosine", "qkv_bias", "key_bias", "proj_bias")
    return "window_attention", fields | {name: rng.random() < 0.6 for name in flags}


def across_channels(rng: random.Random, x: Sizes) -> Drawn:
    fields: Fields = {"heads": divisor(rng, x[0]), "qkv_bias": rng.random() < 0.6}
    if rng.random() < 0.5:
        fields["dw_kernel_size"] = axes(rng, len(x) - 1, (1, 3))
    return "channel_attention", fields | {"proj_bias": rng.random() < 0.6}


def reassembling(rng: random.Random, x: Sizes) -> Drawn:
    rank = len(x) - 1
    fields: Fields = {"scale": axes(rng, rank, (1, 2)), "k": axes(rng, rank, (1, 3))}
    fields |= {"encoder_kernel_size": axes(rng, rank, (1, 3)), "g": divisor(rng, x[0])}
    return "carafe", fields | {"compressed_channels": rng.randint(1, 3)}


def kernelised(rng: random.Random, x: Sizes) -> Drawn:
    fields: Fields = {"heads": divisor(rng, x[0]), "causal": rng.random() < 0.3}
    if rng.random() < 0.3:
        fields["scales"] = rng.choice(([3], [1, 3], [3, 3]))
    fields["feature_map"] = rng.choice(("elu", "relu"))
    fields["normaliser"] = rng.choice(("sum", "ones", "none"))
    return "linear_attention", fields | {
        f"{name}_bias": rng.random() < 0.6 for name in ("qkv", "proj")
    }


def spectral(rng: random.Random, x: Sizes) -> Drawn:
    if rng.random() < 0.5:
        return "global_filter", {}
    modes = [rng.randint(1, max(1, n // 2)) for n in x[1:]]
    return "spectral_conv", {"out": rng.randint(1, 5), "modes": modes, "bias": rng.random() < 0.5}


MOVED: tuple[Maker, ...] = (reshaping, permuting, slicing, chunking, more_channels, unfolding)
LEARNED: tuple[Maker, ...] = (learned, of_each, fixed, powers, reducing)
ATTENDING: tuple[Maker, ...] = (windowed, across_channels, reassembling, kernelised, spectral)
UNSEEN: tuple[Maker, ...] = (random_windows, folding, scattering, looking_up, constant, walking)
MORE: tuple[Maker, ...] = (*MOVED, *MOVED, *LEARNED, *LEARNED, *ATTENDING, *UNSEEN, walking)
SINGLE = (learned, of_each, reshaping, slicing, chunking, more_channels, looking_up)  # of vectors


# --- layers of several tensors -----------------------------------------------------------------

Tensors = Mapping[str, Sizes]


def partner(rng: random.Random, tensors: Tensors, fits: Callable[[Sizes], bool]) -> list[str]:
    """One of the tensors that fit, or none."""
    found = [name for name, x in tensors.items() if fits(x)]
    return [rng.choice(found)] if found else []


def side_by_side(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    axis = rng.randrange(len(x))

    def fits(y: Sizes) -> bool:
        return len(y) == len(x) and x[:axis] + x[axis + 1 :] == y[:axis] + y[axis + 1 :]

    return {"axis": names(x)[axis]}, partner(rng, tensors, fits)


def stacked(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    if len(x) > 3:
        return {}, []
    others = partner(rng, tensors, lambda y: y == x)
    return {"axis": rng.choice(AXES[len(x) + 2])}, others * rng.choice((1, 1, 2))


def both(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    return {"op": rng.choice(BINARY)}, partner(rng, tensors, lambda y: y[1:] == x[1:])


def multiplied(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    if len(x) < 2:
        return {}, []
    fields = {f"transpose_{name}": rng.random() < 0.5 for name in "ab"}
    inner = x[-2] if fields["transpose_a"] else x[-1]

    def fits(y: Sizes) -> bool:
        if len(y) != len(x):
            return False
        leading = zip(x[:-2], y[:-2], strict=True)
        return inner == y[-1 if fields["transpose_b"] else -2] and all(
            n == m or 1 in (n, m) for n, m in leading
        )

    return fields, partner(rng, tensors, fits)


def attended(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    heads = divisor(rng, x[0])
    shared, each = divisor(rng, heads), x[0] // heads
    if len(x) < 2 or prod(x[1:]) > 64:
        return {}, []
    keys = partner(rng, tensors, lambda y: y[0] == shared * each and len(y) > 1)
    keys = [name for name in keys if prod(tensors[name][1:]) <= 64]
    if not keys:
        return {}, []
    spatial = tensors[keys[0]][1:]
    values = partner(rng, tensors, lambda y: y[1:] == spatial and y[0] % shared == 0)
    fields: Fields = {"heads": heads, "causal": rng.random() < 0.3}
    fields |= {"kv_heads": shared} if shared < heads else {}
    if spatial == x[1:] and rng.random() < 0.5:
        fields["window"] = axes(rng, len(spatial), (1, 2, 3))
    return fields | {"skip_masked": rng.random() < 0.4}, [*keys, *values] if values else []


def correlated(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x, near = tensors[first], rng.random() < 0.6
    rank = len(x) - 1
    fields: Fields = {"s": axes(rng, rank, (1, 1, 2))}
    if near:
        fields |= {"max_displacement": axes(rng, rank, (0, 1, 2))}
        fields |= {"displacement_stride": axes(rng, rank, (1, 1, 2))}

    def fits(y: Sizes) -> bool:
        return y == x if near else len(y) == len(x) and y[0] == x[0]

    return fields, partner(rng, tensors, fits) if rank else []


def pointed(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    rank = len(tensors[first]) - 1
    modes = ("linear", "nearest", *["cubic"] * (rank == 2))
    fields: Fields = {"mode": rng.choice(modes), "align_corners": rng.random() < 0.5}
    return fields, partner(rng, tensors, lambda y: rank == len(y) - 1 == y[0])


def sampled(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    fields: Fields = {"heads": divisor(rng, x[0]), "points": rng.randint(1, 3)}
    maps = partner(rng, tensors, lambda y: y[0] == x[0] and len(y) > 1)
    if not maps or len(x) < 2:
        return {}, []
    rank = len(tensors[maps[0]])
    more = partner(rng, tensors, lambda y: y[0] == x[0] and len(y) == rank)
    return fields, [*maps, *more] if rng.random() < 0.5 else maps


def as_wide(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    x = tensors[first]
    return {}, partner(rng, tensors, lambda y: y[0] >= x[0])


def stamped_to(rng: random.Random, first: str, tensors: Tensors) -> tuple[Fields, list[str]]:
    """A transposed convolution to the size of another tensor, which it reaches."""
    x = tensors[first]
    rank, s = len(x) - 1, rng.choice((1, 2, 2, 3))
    word = rng.random() < 0.5
    fields: Fields = {"out": rng.randint(1, 4), "s": [s] * rank}
    fields |= {"k": [s + 1] * rank, "p": "same" if word else [[1, 0]] * rank}

    def fits(y: Sizes) -> bool:
        sizes = zip(x[1:], y[1:], strict=False)
        return len(y) == len(x) and all(0 <= m - (n - 1) * s - (not word) < s for n, m in sizes)

    return fields, partner(rng, tensors, fits) if rank else []


JOINTS: Mapping[str, Callable[[random.Random, str, Tensors], tuple[Fields, list[str]]]] = {
    "concat": side_by_side,
    "stack": stacked,
    "elementwise": both,
    "matmul": multiplied,
    "dot_product_attention": attended,
    "correlation": correlated,
    "grid_sample": pointed,
    "multi_scale_deformable_attention": sampled,
    "pad_channels": as_wide,
    "conv_transpose": stamped_to,
}


def joint(rng: random.Random, name: str, tensors: Tensors, operators: Sequence[str]) -> Step | None:
    """A layer of several tensors that fit, if there are some, or a learned tensor beside one."""
    first = rng.choice(list(tensors))
    operator = rng.choice((*operators, "parameter"))
    if operator == "parameter":
        sizes = [rng.choice((n, 1)) for n in tensors[first]]
        return Step(name, "parameter", {"shape": sizes})
    fields, others = JOINTS[operator](rng, first, tensors)
    return Step(name, operator, fields, (first, *others)) if others else None
