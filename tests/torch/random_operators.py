# ruff: noqa: ARG001  # one interface for all, of which not every function uses every argument
"""More layers of random networks in PyTorch: attention, recurrences, moves of axes, fixed filters.

Every product is a matrix product or a convolution, which PyTorch's counter sees forward and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

import torch
from random_models import AXES, CONV, Fields, Part, add, as_axes, axis_of, normed, padded, window
from torch import Tensor
from torch.nn import functional

# --- learned and fixed numbers -----------------------------------------------------------------


def per_channel(part: Part, f: Fields, x: Tensor) -> Tensor:
    one = part.tensor("weight", x.shape[1] if f.get("per", "channel") == "channel" else 1)
    return one.view(1, -1, *[1] * (x.dim() - 2))


def scale(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x * per_channel(part, f, x)


def shift(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x + per_channel(part, f, x)


def parameter(part: Part, f: Fields, *reference: Tensor) -> Tensor:
    made = part.tensor("weight", *f["shape"])[None]
    return made.expand(len(reference[0]), *made.shape[1:]) if reference else made


def embedding(part: Part, f: Fields, x: Tensor) -> Tensor:
    if x.dim() > 2 and x.shape[1] > 1:
        raise ValueError("several indices at one position")
    indices = x.detach().abs().long().clamp(max=f["num_embeddings"] - 1)
    weight = part.tensor("weight", f["num_embeddings"], f["embedding_dim"])
    return weight[indices if x.dim() == 2 else indices[:, 0]].movedim(-1, 1)


def rms_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    y = part.scaled(x, mean) if part.smooth else x / (x.square().mean(1, keepdim=True) + 1).sqrt()
    return normed(part, y, "", bias=False) if f.get("affine", True) else y


def filtered(part: Part, x: Tensor, k: Sequence[int], f: Fields, pads: Any, times: int) -> Tensor:
    """Each channel by fixed taps, one after the other."""
    x = padded(x, pads, f.get("padding_mode", "zeros"))
    taps = torch.ones(times, 1, *k, dtype=x.dtype) / prod(k)
    more = {"stride": as_axes(f.get("s", 1), len(k)), "dilation": as_axes(f.get("d", 1), len(k))}
    return torch.cat([CONV[len(k)](one, taps, **more) for one in x.split(1, 1)], 1)


def fixed_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    one = window(f, x)
    return part.noted(filtered(part, x, one["k"], f, one["pads"], f.get("filters", 1)))


def blur_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    k = as_axes(f.get("k", 3), x.dim() - 2)
    around = [((n - 1) // 2, n // 2) for n in k]
    pads = window({**f, "k": k}, x)["pads"] if "p" in f else around
    more = {"s": f.get("s", 2), "padding_mode": f.get("padding_mode", "reflect")}
    return part.noted(filtered(part, x, k, more, pads, 1))


# --- poolings ----------------------------------------------------------------------------------

POWER: Any = (None, functional.lp_pool1d, functional.lp_pool2d, functional.lp_pool3d)
DRAWN: Any = {2: functional.fractional_max_pool2d, 3: functional.fractional_max_pool3d}


def lp_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Smooth, a sum: the root of a sum has no gradient where it is 0."""
    rank = x.dim() - 2
    kind = 1.0 if part.smooth else f["norm_type"]
    k = as_axes(f["k"], rank)
    s = as_axes(f.get("s", k), rank)
    if rank > 1:
        return POWER[rank](x, kind, k, s, f.get("ceil_mode", False))
    return POWER[1](x, kind, k[0], s[0], f.get("ceil_mode", False))


def fractional_max_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    size = {key: f[key] for key in ("output_size", "output_ratio") if key in f}
    if x.dim() == 3:
        raise ValueError("not on one axis")
    return DRAWN[x.dim() - 2](x, f["k"], **size)


def reduce(part: Part, f: Fields, x: Tensor) -> Tensor:
    axis, mode, keepdim = f["axis"], f.get("mode", "mean"), f.get("keepdim", True)
    every = tuple(range(2, x.dim()))
    axes = every if axis == "positions" else (axis_of(axis, x.dim()),)
    if not axes or (axis == "channels" and not keepdim):
        raise ValueError("no positions, or no channels left")
    kept = keepdim
    if mode in ("max", "min") and not part.smooth:
        return (x.amax if mode == "max" else x.amin)(axes, keepdim=kept)
    return x.mean(axes, keepdim=kept)


# --- moves -------------------------------------------------------------------------------------


def reshape(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x.reshape(len(x), *f["shape"])


def permute(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x.permute(0, *f["dims"])


def sliced(part: Part, f: Fields, x: Tensor) -> Tensor:
    places = slice(f.get("start", 0), f.get("stop"), f.get("step", 1))
    return x[(*[slice(None)] * axis_of(f["axis"], x.dim()), places)]


def chunk(part: Part, f: Fields, x: Tensor) -> tuple[Tensor, ...]:
    axis = axis_of(f.get("axis", "channels"), x.dim())
    n = x.shape[axis]
    if "chunks" in f and n % f["chunks"]:
        raise ValueError("pieces of different sizes")
    sizes = f.get("sizes") or [n // f["chunks"]] * f["chunks"]
    return x.split(list(sizes), axis)


def stack(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    return torch.stack(xs, axis_of(f["axis"], xs[0].dim() + 1))


def pad_channels(part: Part, f: Fields, x: Tensor, *reference: Tensor) -> Tensor:
    before, wanted = f.get("before", 0), f.get("channels")
    if not f and not reference:
        raise ValueError("nothing is added")
    if reference:
        wanted = reference[0].shape[1]
    after = f.get("after", 0) if wanted is None else wanted - x.shape[1]
    if after < 0:
        raise ValueError("more channels than wanted")
    return functional.pad(x, [0, 0] * (x.dim() - 2) + [before, after])


def unfold(part: Part, f: Fields, x: Tensor) -> Tensor:
    one, rank = window(f, x), x.dim() - 2
    x = padded(x, one["pads"])
    for axis in range(rank):
        k, s, d = (one[key][axis] for key in "ksd")
        at = 2 + 2 * axis
        count = (x.shape[at] - d * (k - 1) - 1) // s + 1
        if count < 1:
            raise ValueError("no window fits")
        places = s * torch.arange(count)[:, None] + d * torch.arange(k)
        x = x.index_select(at, places.flatten()).unflatten(at, (count, k))
    taps, places_at = [3 + 2 * axis for axis in range(rank)], [2 + 2 * a for a in range(rank)]
    x = x.permute(0, 1, *taps, *places_at).flatten(1, 1 + rank)
    return x.flatten(2) if f.get("flat", True) else x


def fold(part: Part, f: Fields, x: Tensor) -> Tensor:
    """PyTorch's for a map; a sequence is a map of one row."""
    flat = [] if len(f["output_size"]) == 2 else [1]
    zero = [0] * len(flat)
    y = functional.fold(
        x,
        [*flat, *f["output_size"]],
        [*flat, *f["k"]],
        dilation=[*flat, *f.get("d", [1, 1][len(flat) :])],
        padding=[*zero, *f.get("p", [0, 0][len(flat) :])],
        stride=[*flat, *f.get("s", [1, 1][len(flat) :])],
    )
    return y.squeeze(2) if flat else y


def scatter(part: Part, f: Fields, x: Tensor, *places: Tensor) -> Tensor:
    count = prod(f["size"])
    grid = torch.zeros(*x.shape[:2], count, dtype=x.dtype)
    return grid.index_add(2, torch.arange(x.shape[2]) % count, x).unflatten(2, f["size"])


# --- joins -------------------------------------------------------------------------------------


def elementwise(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    """All functions of one element each, and all of two."""
    y = add(part, f, *xs)
    return y if part.smooth else y.relu()


def matmul(part: Part, f: Fields, a: Tensor, b: Tensor) -> Tensor:
    if a.dim() != b.dim():
        raise ValueError("another number of axes")
    a, b = part.factor(a), part.factor(b)
    return (a.mT if f.get("transpose_a") else a) @ (b.mT if f.get("transpose_b") else b)


def correlation(part: Part, f: Fields, first: Tensor, second: Tensor) -> Tensor:
    rank, most = first.dim() - 2, f.get("max_displacement")
    if first.dim() != second.dim() or first.shape[1] != second.shape[1]:
        raise ValueError("another number of axes or channels")
    every = (..., *(slice(None, None, s) for s in as_axes(f.get("s", 1), rank)))
    if most is not None and first.shape != second.shape:
        raise ValueError("maps of different sizes")
    first, second = part.factor(first[every]), part.factor(second)
    if most is None:
        return (second.flatten(2).mT @ first.flatten(2)).unflatten(2, first.shape[2:])
    sides = [d for d in reversed(most) for _ in range(2)]
    wide = functional.pad(second, sides, value=1.0 if part.smooth else 0.0)
    steps = as_axes(f.get("displacement_stride", 1), rank)
    near = []
    for move in product(
        *(range(-(d // t) * t, d + 1, t) for d, t in zip(most, steps, strict=True))
    ):
        starts = [d + m for d, m in zip(most, move, strict=True)]
        moved = [slice(at, at + n) for at, n in zip(starts, second.shape[2:], strict=True)]
        near.append(wide[(..., *moved)][every])
    rows = torch.stack(near, 1)  # (B, displacements, C, *sizes)
    pairs = rows.flatten(3).permute(0, 3, 1, 2) @ first.flatten(2).permute(0, 2, 1)[..., None]
    return pairs[..., 0].mT.unflatten(2, first.shape[2:])


def grid_sample(part: Part, f: Fields, x: Tensor, grid: Tensor) -> Tensor:
    if grid.dim() != x.dim() or grid.shape[1] != x.dim() - 2:
        raise ValueError("not a coordinate per axis")
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(f["mode"], f["mode"])
    if mode == "bicubic" and x.dim() != 4:
        raise ValueError("cubic on two axes only")
    flat = x.dim() == 3
    if flat:
        x, grid = x[:, :, None], torch.cat([grid, grid * 0], 1)[:, :, None]
    more = {"align_corners": f.get("align_corners", False)}
    y = functional.grid_sample(x, grid.movedim(1, -1), mode, **more)
    return y[:, :, 0] if flat else y


# --- attention ---------------------------------------------------------------------------------


def mapped(part: Part, x: Tensor, out: int, key: str, bias: bool = True) -> Tensor:
    """A linear map of the last axis."""
    weight = part.tensor(f"{key}.weight", out, x.shape[-1])
    offset = part.tensor(f"{key}.bias", out) if bias else None
    return part.noted(functional.linear(x, weight, offset))


def weighed(part: Part, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax of the scores where the mask is true."""
    if part.smooth:
        return scores if mask is None else scores * mask
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1)


def sight(f: Fields, sizes: Sequence[int], others: Sequence[int]) -> Tensor | None:
    """(N, M), true where a query sees a key; None without a mask."""
    window_size, causal = f.get("window"), f.get("causal", False)
    if window_size is None:
        if not causal:
            return None
        if len(sizes) != len(others) or (len(sizes) > 1 and tuple(sizes) != tuple(others)):
            raise ValueError("a mask on maps of different axes or sizes")
        return torch.ones(prod(sizes), prod(others), dtype=torch.bool).tril()
    if tuple(sizes) != tuple(others) or (causal and len(sizes) > 1):
        raise ValueError("a window on maps of different sizes")
    seen = torch.ones(1, 1, dtype=torch.bool)
    for n, k in zip(sizes, window_size, strict=True):
        offset = torch.arange(n) - torch.arange(n)[:, None]
        before = k - 1 if causal else (k - 1) // 2
        seen = torch.kron(seen, (offset >= -before) & (offset <= k - 1 - before))
    return seen


def dot_product_attention(part: Part, f: Fields, *maps: Tensor) -> Tensor:
    """With ``skip_masked`` pair by pair, of those that the mask leaves."""
    heads = f["heads"]
    shared = f.get("kv_heads") or heads
    if maps[1].shape[2:] != maps[2].shape[2:]:
        raise ValueError("not a value for each key")
    query, key, value = (
        part.factor(x).flatten(2).unflatten(1, (count, -1)).mT
        for x, count in zip(maps, (heads, shared, shared), strict=True)
    )
    if query.shape[-1] != key.shape[-1] or heads % shared:
        raise ValueError("queries and keys of different length")
    key, value = (x.repeat_interleave(heads // shared, 1) for x in (key, value))
    mask = sight(f, maps[0].shape[2:], maps[1].shape[2:])
    if mask is None or not f.get("skip_masked"):
        made = weighed(part, query @ key.mT, mask) @ value
    else:
        rows, columns = mask.nonzero().unbind(1)
        scores = query[:, :, rows, None] @ key[:, :, columns, :, None]
        shares = scores if part.smooth else scores.sigmoid()
        summands = shares @ value[:, :, columns, None]
        made = torch.zeros(*query.shape[:3], value.shape[-1], dtype=value.dtype)
        made = made.index_add(2, rows, summands[:, :, :, 0])
    return made.mT.flatten(1, 2).unflatten(2, maps[0].shape[2:])


def window_attention(part: Part, f: Fields, x: Tensor) -> Tensor:
    sizes, c, rank, heads = list(x.shape[2:]), x.shape[1], x.dim() - 2, f["heads"]
    w, grid = f["w"], f.get("partition") == "grid"
    moves, position = f.get("shift_size", [0] * rank), f.get("relative_position", "table")
    if c % heads or any(s >= k for s, k in zip(moves, w, strict=True)):
        raise ValueError("heads or shift")
    if grid and (any(moves) or any(n % k for n, k in zip(sizes, w, strict=True))):
        raise ValueError("a grid divides and is not shifted")
    behind = [-n % k for n, k in zip(sizes, w, strict=True)]
    x = padded(x, [(0, n) for n in behind]).movedim(1, -1)
    grown, axes = list(x.shape[1:-1]), list(range(1, 1 + rank))
    moves = [s if n > k else 0 for n, k, s in zip(grown, w, moves, strict=True)]
    x = x.roll([-s for s in moves], axes)
    region = regions(grown, w, moves)
    x, region = cut_windows(x, w, grid), cut_windows(region, w, grid)  # (B, windows, positions, C)
    whole = f.get("qkv_bias", True) and f.get("key_bias", True)
    rows = mapped(part, x, 3 * c, "qkv", whole)
    if f.get("qkv_bias", True) and not whole:
        sides = [part.tensor(name, c) for name in ("q_bias", "v_bias")]
        rows = rows + torch.cat([sides[0], torch.zeros(c, dtype=x.dtype), sides[1]])
    query, key, value = (
        part.factor(rows).unflatten(-1, (3, heads, -1)).movedim(-3, 0).transpose(-2, -3)
    )
    scores = query @ key.mT
    if f.get("cosine"):
        scores = scores * part.tensor("logit_scale", heads, 1, 1)
    scores = scores + offsets(part, f, query, w, position)
    same = (region == region.mT)[:, :, None]
    mixed = (weighed(part, scores, same) @ value).transpose(-2, -3).flatten(-2)
    y = join_windows(mapped(part, mixed, c, "proj", f.get("proj_bias", True)), grown, w, grid)
    y = y.roll(moves, axes).movedim(-1, 1)
    return y[(..., *(slice(n) for n in sizes))]


def regions(sizes: Sequence[int], w: Sequence[int], moves: Sequence[int]) -> Tensor:
    """(1, *sizes, 1), a number for what a roll must not bring together."""
    found = torch.zeros(1)
    for n, k, s in zip(sizes, w, moves, strict=True):
        line = torch.zeros(n)
        if s:
            line[n - k : n - s], line[n - s :] = 1, 2
        found = (found[:, None] * 3 + line).flatten()
    return found.view(1, *sizes, 1)


def order_of(rank: int, grid: bool) -> list[int]:
    """The axes of windows, then of positions within them."""
    windows = [2 + 2 * axis if grid else 1 + 2 * axis for axis in range(rank)]
    places = [1 + 2 * axis if grid else 2 + 2 * axis for axis in range(rank)]
    return [0, *windows, *places, 2 * rank + 1]


def cut_windows(x: Tensor, w: Sequence[int], grid: bool) -> Tensor:
    rank, shape = len(w), [len(x)]
    for n, k in zip(x.shape[1:-1], w, strict=True):
        shape += [k, n // k] if grid else [n // k, k]
    x = x.reshape(*shape, x.shape[-1]).permute(order_of(rank, grid))
    return x.flatten(1, rank).flatten(2, 1 + rank)


def join_windows(x: Tensor, sizes: Sequence[int], w: Sequence[int], grid: bool) -> Tensor:
    counts = [n // k for n, k in zip(sizes, w, strict=True)]
    x = x.reshape(len(x), *counts, *w, x.shape[-1])
    order = order_of(len(w), grid)
    x = x.permute([order.index(axis) for axis in range(x.dim())])
    return x.reshape(len(x), *sizes, x.shape[-1])


def offsets(part: Part, f: Fields, query: Tensor, w: Sequence[int], position: str) -> Tensor:
    """What the offsets within a window add to its scores."""
    heads, each = query.shape[2], query.shape[-1]
    if position == "none":
        return torch.zeros((), dtype=query.dtype)
    places = torch.cartesian_prod(*map(torch.arange, w)).view(-1, len(w))
    apart = places[:, None] - places[None] + torch.tensor(w) - 1
    if position == "decomposed":
        total = torch.zeros((), dtype=query.dtype)
        for axis, (name, k) in enumerate(zip(AXES[len(w) + 2][1:], w, strict=True)):
            vectors = part.tensor(f"rel_pos.{name}", 2 * k - 1, each)
            number = places[:, axis, None] - torch.arange(k) + k - 1  # (positions, keys)
            rows = query.movedim(3, 0).flatten(1, 3) @ vectors[number].mT  # (positions, ..., keys)
            seen = part.noted(rows).unflatten(1, query.shape[:3]).movedim(0, 3)
            total = total + seen[..., places[:, axis]]
        return total
    count = prod(2 * k - 1 for k in w)
    if position == "mlp":
        given = torch.ones(count, len(w), dtype=query.dtype)
        hidden = mapped(part, given, f["mlp_channels"], "relative.hidden")
        table = mapped(part, hidden, heads, "relative.output", bias=False)
    else:
        table = part.tensor("relative_position_bias_table", count, heads)
    index = torch.zeros_like(apart[..., 0])
    for axis, k in enumerate(w):
        index = index * (2 * k - 1) + apart[..., axis]
    return table[index].permute(2, 0, 1)


def channel_attention(part: Part, f: Fields, x: Tensor) -> Tensor:
    c, heads, kernel = x.shape[1], f["heads"], f.get("dw_kernel_size")
    if c % heads:
        raise ValueError("heads do not divide the channels")
    bias = f.get("qkv_bias", True)
    rows = mapped(part, x.movedim(1, -1), 3 * c, "qkv", bias).movedim(-1, 1)
    if kernel:
        rows = part.filtered(rows, kernel, [(k // 2, k // 2) for k in kernel], bias=bias, key="dw_")
    query, key, value = part.factor(rows).flatten(2).unflatten(1, (3, heads, -1)).movedim(1, 0)
    matrix = weighed(part, query @ key.mT * part.tensor("temperature", heads, 1, 1))
    mixed = (matrix @ value).flatten(1, 2).unflatten(2, x.shape[2:])
    return mapped(part, mixed.movedim(1, -1), c, "proj", f.get("proj_bias", True)).movedim(-1, 1)


def linear_attention(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Products with one matrix per head, and with the sum of the keys."""
    c, heads, scales = x.shape[1], f["heads"], f.get("scales", [])
    if c % heads or (f.get("causal") and (x.dim() > 3 or scales)):
        raise ValueError("heads do not divide the channels, or no order")
    made = [mapped(part, x.movedim(1, -1), 3 * c, "qkv", f["qkv_bias"]).movedim(-1, 1)]
    for n, k in enumerate(scales):
        kernel, more = [k] * (x.dim() - 2), {"bias": False}
        half = [(k // 2, k // 2)] * len(kernel)
        y = part.filtered(made[0], kernel, half, **more, key=f"depthwise{n}_")
        made.append(part.mixed(y, 3 * c, groups=3 * heads, **more, key=f"pointwise{n}_"))
    rows = torch.cat([each.flatten(2).unflatten(1, (heads, 3, -1)) for each in made], 1)
    query, key, value = part.factor(rows).mT.unbind(2)  # (B, heads, N, channels of a head)
    causal = f.get("causal", False)
    every = torch.ones(query.shape[2], query.shape[2], dtype=x.dtype).tril() if causal else None
    context = summed(key.mT[:, :, None], value[:, :, None], every)
    y = (query[:, :, :, None] @ context)[:, :, :, 0] if causal else query @ context[:, :, 0]
    if f["normaliser"] != "none":
        ones = torch.ones_like(value[..., :1])
        if f["normaliser"] == "ones":
            sums = summed(key.mT[:, :, None], ones[:, :, None], every)
        else:
            sums = (key.cumsum(2) if causal else key.sum(2, keepdim=True))[..., None]
        z = (query[:, :, :, None] @ sums)[:, :, :, 0] if causal else query @ sums[:, :, 0]
        y = y + z if part.smooth else y / (z.abs() + 1)
    y = y.mT.flatten(1, 2).mT
    return mapped(part, y, c, "proj", f["proj_bias"]).mT.unflatten(2, x.shape[2:])


def summed(key: Tensor, value: Tensor, every: Tensor | None) -> Tensor:
    """The sum of the products of keys and values; with a mask, up to each position."""
    if every is None:
        return key @ value
    columns = key[:, :, 0].mT[..., None] @ value[:, :, 0][..., None, :]
    return columns.cumsum(2)


def as_real(spectrum: Tensor) -> Tensor:
    """Real and imaginary parts behind one another in the channels."""
    return torch.cat([spectrum.real, spectrum.imag], 1)


def as_complex(parts: Tensor) -> Tensor:
    return torch.complex(*parts.chunk(2, 1))


def complex_matrix(weight: Tensor) -> Tensor:
    """(..., 2) of parts as the real matrix that multiplies them, a block of four per number."""
    real, imaginary = weight.unbind(-1)
    rows = torch.cat([real, imaginary], 1), torch.cat([-imaginary, real], 1)
    return torch.cat(rows, 0)  # (2 · in, 2 · out, ...)


def spectral_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Frequency by frequency, one matrix product each."""
    axes, modes = list(range(2, x.dim())), f["modes"]
    if any(2 * m > n for n, m in zip(x.shape[2:-1], modes, strict=False)):
        raise ValueError("more modes than frequencies")
    if modes[-1] > x.shape[-1] // 2 + 1:
        raise ValueError("more modes than frequencies")
    spectrum = torch.fft.rfftn(x, dim=axes)
    made = torch.zeros(len(x), f["out"], *spectrum.shape[2:], dtype=spectrum.dtype)
    for number, signs in enumerate(product((False, True), repeat=len(modes) - 1), 1):
        corner = (..., *(slice(-m, None) if s else slice(m) for s, m in zip((*signs, 0), modes)))  # noqa: B905
        weight = part.tensor(f"weights{number}", x.shape[1], f["out"], *modes, 2)
        kept = as_real(spectrum[corner]).flatten(2).permute(2, 0, 1)
        mixed = kept @ complex_matrix(weight).flatten(2).permute(2, 0, 1)
        corner_made = part.noted(mixed).permute(1, 2, 0).unflatten(2, modes)
        made = made.clone()
        made[corner] = as_complex(corner_made)
    y = torch.fft.irfftn(made, s=x.shape[2:], dim=axes)
    if f.get("bias"):
        y = y + part.tensor("bias", f["out"]).view(1, -1, *[1] * len(axes))
    return y + (x.sum((1, *axes), keepdim=True) if part.smooth else 0)


def global_filter(part: Part, f: Fields, x: Tensor) -> Tensor:
    axes = list(range(2, x.dim()))
    spectrum = torch.fft.rfftn(x, dim=axes)
    weight = part.tensor("complex_weight", *spectrum.shape[2:], x.shape[1], 2)
    pairs = torch.view_as_real(spectrum).movedim(1, -2).flatten(1, -2)  # (B, numbers, 2)
    matrix = complex_matrix(weight.flatten(0, -2)[None, None]).permute(2, 0, 1)
    made = (pairs.transpose(0, 1) @ matrix).transpose(0, 1).unflatten(1, weight.shape[:-1])
    part.noted(made)
    y = torch.fft.irfftn(
        torch.view_as_complex(made.movedim(-2, 1).contiguous()), s=x.shape[2:], dim=axes
    )
    return y + (x.sum(axes, keepdim=True) if part.smooth else 0)


def carafe(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, sizes, groups = x.dim() - 2, x.shape[2:], f.get("g", 1)
    if x.shape[1] % groups:
        raise ValueError("groups do not divide the channels")
    times, kernel, encoder = f["scale"], f["k"], f["encoder_kernel_size"]
    between = part.mixed(x, f["compressed_channels"], key="compress_")
    half = [(k // 2, k // 2) for k in encoder]
    made = part.convolved(
        between, prod(times) * prod(kernel) * groups, encoder, half, key="encode_"
    )
    made = made.reshape(len(x), groups, prod(kernel), prod(times), prod(sizes))
    made = made if part.smooth else made.softmax(2)
    seen = part.factor(padded(x, [(k // 2, k // 2) for k in kernel]))
    for axis, k in enumerate(kernel):
        seen = seen.unfold(2 + axis, k, 1)
    seen = seen.reshape(len(x), groups, -1, prod(sizes), prod(kernel))
    found = seen.permute(0, 1, 3, 2, 4) @ made.permute(0, 1, 4, 2, 3)  # (B, g, N, C / g, S)
    found = found.permute(0, 1, 3, 4, 2).reshape(*x.shape[:2], *times, *sizes)
    order = [each for axis in range(rank) for each in (2 + rank + axis, 2 + axis)]
    y = found.permute(0, 1, *order)
    return y.reshape(*x.shape[:2], *(n * s for n, s in zip(sizes, times, strict=True)))


def multi_scale_deformable_attention(
    part: Part, f: Fields, queries: Tensor, *maps: Tensor
) -> Tensor:
    c, rank, heads, points = queries.shape[1], maps[0].dim() - 2, f["heads"], f["points"]
    if c % heads or not rank or any(x.dim() != maps[0].dim() or x.shape[1] != c for x in maps):
        raise ValueError("heads or maps do not fit")
    q, taps = queries.flatten(2).mT, heads * len(maps) * points
    joined = torch.cat([x.flatten(2).mT for x in maps], 1)
    values = mapped(part, joined, c, "value_proj").mT.split([x[0, 0].numel() for x in maps], 2)
    places = mapped(part, q, taps * rank, "sampling_offsets")
    places = places.unflatten(2, (heads, len(maps), points, rank)).tanh()
    shares = mapped(part, q, taps, "attention_weights").unflatten(2, (heads, -1)).softmax(-1)
    shares = shares.unflatten(3, (len(maps), points))
    total = torch.zeros((), dtype=q.dtype)
    for level, (x, value) in enumerate(zip(maps, values, strict=True)):
        each = value.unflatten(2, x.shape[2:]).unflatten(1, (heads, -1)).flatten(0, 1)
        grid = places[:, :, :, level].transpose(1, 2).flatten(0, 1)
        seen = sampled(each, grid).permute(0, 2, 1, 3)  # (B · heads, queries, C / heads, points)
        share = shares[:, :, :, level].transpose(1, 2).flatten(0, 1)[..., None]
        total = total + (seen @ share)[..., 0]
    mixed = total.unflatten(0, (len(queries), heads)).transpose(1, 2).flatten(2)
    return mapped(part, mixed, c, "output_proj").mT.unflatten(2, queries.shape[2:])


def sampled(x: Tensor, grid: Tensor) -> Tensor:
    """x (B, C, *sizes) at grid (B, N, P, rank): (B, C, N, P)."""
    if x.dim() == 3:
        x, grid = x[:, :, None], torch.cat([grid, grid * 0], -1)
    if x.dim() == 5:
        return functional.grid_sample(x, grid[:, None], align_corners=False)[:, :, 0]
    return functional.grid_sample(x, grid, align_corners=False)


# --- recurrences -------------------------------------------------------------------------------


def recurrent(part: Part, f: Fields, x: Tensor, gates: int) -> Tensor:
    """From the equations, step by step; the first state is zero and gets no gradient."""
    dim = axis_of(f["axis"], x.dim())
    rows = x.movedim(dim, 1).movedim(2, -1)  # (B, steps, *others, C)
    for layer in range(f.get("num_layers", 1)):
        ways = [walked(part, f, rows, gates, f"l{layer}")]
        if f.get("bidirectional"):
            back = walked(part, f, rows.flip(1), gates, f"l{layer}_reverse").flip(1)
            ways.append(back)
        rows = torch.cat(ways, -1)
    return rows.movedim(-1, 2).movedim(1, dim)


def walked(part: Part, f: Fields, rows: Tensor, gates: int, name: str) -> Tensor:
    hidden = f["hidden_size"]
    made = f.get("proj_size") or hidden
    bias = f.get("bias", True)
    given = linear_of(part, rows, gates * hidden, f"ih_{name}", bias)
    h = torch.zeros(len(rows), *rows.shape[2:-1], made, dtype=rows.dtype)
    cell, states = torch.zeros(*h.shape[:-1], hidden, dtype=rows.dtype), []
    for step in given.unbind(1):
        own = linear_of(part, h, gates * hidden, f"hh_{name}", bias)
        parts = (step + own).chunk(gates, -1)
        cell = (
            sum(parts[1:], cell + parts[0]) if part.smooth else (cell + parts[0]) * parts[1].tanh()
        )
        h = cell
        if made != hidden:
            h = functional.linear(h, part.tensor(f"weight_hr_{name}", made, hidden))
        states.append(h)
    return torch.stack(states, 1)


def linear_of(part: Part, x: Tensor, out: int, name: str, bias: bool) -> Tensor:
    weight = part.tensor(f"weight_{name}", out, x.shape[-1])
    return functional.linear(x, weight, part.tensor(f"bias_{name}", out) if bias else None)


def lstm(part: Part, f: Fields, x: Tensor) -> Tensor:
    return part.noted(recurrent(part, f, x, 4))


def gru(part: Part, f: Fields, x: Tensor) -> Tensor:
    return part.noted(recurrent(part, f, x, 3))


def convolving(part: Part, f: Fields, x: Tensor, gates: int) -> Tensor:
    """The same with convolutions of state and input together; those of the last gate of a
    ``conv_gru`` read the state behind the reset."""
    dim, hidden = axis_of(f["axis"], x.dim()), f["hidden_channels"]
    k = [n for axis, n in enumerate(f["k"]) if axis != dim - 2]
    if any(n % 2 == 0 for n in k):
        raise ValueError("an even kernel")
    weight = part.tensor("weight", gates * hidden, x.shape[1] + hidden, *k)
    bias = part.tensor("bias", gates * hidden) if f.get("bias", True) else None
    convolve, half = CONV[len(k)], [n // 2 for n in k]
    state = [n for axis, n in enumerate(x.shape) if axis not in (1, dim)]
    h = torch.zeros(state[0], hidden, *state[1:], dtype=x.dtype)
    states, first = [], hidden * (gates if gates == 4 else 2)
    for step in x.unbind(dim):
        both = torch.cat([h, step], 1)
        made = convolve(both, weight[:first], None if bias is None else bias[:first], padding=half)
        parts = made.chunk(first // hidden, 1)
        if gates == 3:
            both = torch.cat([parts[1] * h, step], 1)
            last = None if bias is None else bias[first:]
            q = convolve(both, weight[first:], last, padding=half)
            h = parts[0] * h + q
        else:
            h = sum(parts[1:], parts[0]) + h
        states.append(h)
    return part.noted(torch.stack(states, dim))


def conv_lstm(part: Part, f: Fields, x: Tensor) -> Tensor:
    return convolving(part, f, x, 4)


def conv_gru(part: Part, f: Fields, x: Tensor) -> Tensor:
    return convolving(part, f, x, 3)


MORE: dict[str, Callable[..., Any]] = {
    "slice": sliced,
    **{
        one.__name__: one
        for one in (
            *(scale, shift, parameter, embedding, rms_norm, fixed_conv, blur_pool, lp_pool),
            *(fractional_max_pool, reduce, reshape, permute, chunk, stack, pad_channels, unfold),
            *(linear_attention, spectral_conv, global_filter),
            *(fold, scatter, elementwise, matmul, correlation, grid_sample, carafe),
            *(dot_product_attention, window_attention, channel_attention),
            *(multi_scale_deformable_attention, lstm, gru, conv_lstm, conv_gru),
        )
    },
}
