# ruff: noqa: ARG001  # one interface for all, of which not every function uses every argument
"""Layers of a random network in PyTorch, written without convcalc, and what their outputs read.

A :class:`Step` says what a layer of a network file says; :class:`Model` computes them in double
precision. All weights are positive. With ``smooth`` every layer becomes one whose output grows with
each number that it reads, so that in :func:`supports` no gradient cancels and none is zero by
chance: activations are left out, maxima become sums, and norms scale by one plus the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, prod
from types import SimpleNamespace
from typing import Any

import torch
from gradients import AVERAGE, CONV, LARGEST, MAXIMUM, PARTS, STAMP, cut, nearest, padded, pads_of
from torch import Tensor, nn
from torch.nn import functional

Fields = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One layer: its name, operator and fields, what it reads, and whose weights it uses again.

    ``paths`` are the layers of the branches of a composite; ``trainable`` weights get a gradient.
    """

    name: str
    operator: str
    fields: Fields = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    share: str = ""
    paths: tuple[tuple[Step, ...], ...] = ()
    trainable: bool = True


class Drawn:
    """Makes positive weights, about 1 in sum for each output."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> nn.Parameter:
        drawn = torch.rand(shape, generator=self.generator, dtype=torch.double) + 0.5
        return nn.Parameter(drawn / prod(shape[1:]))


class Part(nn.Module):
    """A layer; ``multiplied`` lists the outputs of its products with weights while it runs."""

    def __init__(self, drawn: Drawn, multiplied: list[int], smooth: bool) -> None:
        super().__init__()
        self.drawn, self.multiplied, self.smooth = drawn, multiplied, smooth
        self.trainable = True

    def gated(self, x: Tensor, gate: Tensor) -> Tensor:
        """A product with a gate; smooth, a sum, which has a gradient where one of them is zero."""
        return x + gate if self.smooth else x * gate.sigmoid()

    def factor(self, x: Tensor) -> Tensor:
        """A factor of a product of two tensors; smooth, it is never zero."""
        return x + 1 if self.smooth else x

    def tensor(self, key: str, *shape: int) -> Tensor:
        """A weight that is made where it is first needed; its shape must never change."""
        key = key.replace(".", "_")  # PyTorch has none in names
        if key not in self._parameters:
            made = self.drawn(*shape).requires_grad_(self.trainable)
            self.register_parameter(key, made)
        found = self._parameters[key]
        assert found is not None
        if tuple(found.shape) != shape:
            raise ValueError(f"weights of {tuple(found.shape)} for {shape}")
        return found

    def noted(self, y: Tensor) -> Tensor:
        self.multiplied.append(y.numel())
        return y

    def convolved(
        self,
        x: Tensor,
        out: int,
        k: Sequence[int],
        pads: Any = None,
        s: Any = 1,
        d: Any = 1,
        groups: int = 1,
        bias: bool = True,
        mode: str = "zeros",
        key: str = "",
        norm: str = "none",
        mask: str = "none",
    ) -> Tensor:
        """One convolution per group: PyTorch's counter has the gradient of the weights of a
        grouped one g times too large."""
        if x.shape[1] % groups or out % groups:
            raise ValueError("groups do not divide the channels")
        rank = x.dim() - 2
        weight = self.normalised(self.tensor(f"{key}weight", out, x.shape[1] // groups, *k), norm)
        if mask != "none":
            weight = weight * kept_taps(k, mask)
        offset = self.tensor(f"{key}bias", out) if bias else None
        x = padded(x, pads or [(0, 0)] * rank, mode)
        parts = zip(
            x.chunk(groups, 1),
            weight.chunk(groups),
            offset.chunk(groups) if offset is not None else [None] * groups,
            strict=True,
        )
        done = [CONV[rank](one, w, b, stride=s, dilation=d) for one, w, b in parts]
        return self.noted(torch.cat(done, 1))

    def normalised(self, weight: Tensor, kind: str) -> Tensor:
        """What a normalised weight is multiplied with; its statistics play no role here."""
        one_each = (len(weight), *[1] * (weight.dim() - 1))
        gain = {"scaled": "gain", "weight": "weight_g"}.get(kind)
        return weight * self.tensor(gain, *one_each) if gain else weight

    def filtered(self, x: Tensor, k: Sequence[int], pads: Any, **more: Any) -> Tensor:
        out = x.shape[1] * more.pop("multiplier", 1)
        return self.convolved(x, out, k, pads, groups=x.shape[1], **more)

    def mixed(self, x: Tensor, out: int, **more: Any) -> Tensor:
        return self.convolved(x, out, (1,) * (x.dim() - 2), **more)

    def scaled(self, x: Tensor, statistic: Tensor) -> Tensor:
        """Instead of a norm or a softmax over the same numbers."""
        return x + statistic


def kept_taps(k: Sequence[int], mask: str) -> Tensor:
    """1 where a mask leaves a tap, 0 elsewhere."""
    if any(n % 2 == 0 for n in (k[:1] if mask == "causal" else k)):
        raise ValueError("an even kernel has no center")
    ones = torch.ones(*k, dtype=torch.double)
    if mask == "causal":
        ones[k[0] // 2 + 1 :] = 0
    else:
        center = prod(k) // 2
        ones.view(-1)[center + (mask == "B") :] = 0
    if not ones.any():
        raise ValueError("no tap is left")
    return ones


def as_axes(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def window(fields: Fields, x: Tensor) -> Fields:
    """What the fields of a window say, by axis; padding by its side."""
    rank = x.dim() - 2
    k, s, d = (as_axes(fields.get(key, 1), rank) for key in ("k", "s", "d"))
    padding = fields.get("p", 0)
    if not isinstance(padding, str):
        sides = [padding] * rank if isinstance(padding, int) else padding
        padding = [(one, one) if isinstance(one, int) else tuple(one) for one in sides]
    named = SimpleNamespace(kernel_size=k, stride=s, dilation=d, padding=padding)
    return {"k": k, "s": s, "d": d, "pads": pads_of(named, x)}


# --- convolutions ------------------------------------------------------------------------------


def conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    more = {"groups": f.get("g", 1), "bias": f.get("bias", True)}
    more |= {"norm": f.get("weight_norm", "none"), "mask": f.get("mask", "none")}
    return part.convolved(x, f["out"], **window(f, x), **more, mode=f.get("padding_mode", "zeros"))


def depthwise_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    more = {"bias": f.get("bias", True), "mode": f.get("padding_mode", "zeros")}
    return part.filtered(x, **window(f, x), **more, multiplier=f.get("depth_multiplier", 1))


def pointwise_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    more = {"groups": f.get("g", 1), "bias": f.get("bias", True)}
    return part.mixed(x, f["out"], s=as_axes(f.get("s", 1), x.dim() - 2), **more)


def separable_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    bias, times = f.get("bias", True), f.get("depth_multiplier", 1)
    x = part.filtered(x, **window(f, x), multiplier=times, bias=bias, key="depthwise_")
    return part.mixed(x, f["out"], bias=bias)


def spatially_separable_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, whole = x.dim() - 2, window(f, x)
    for axis in range(rank):
        one: Fields = {"k": [1] * rank, "s": [1] * rank, "d": [1] * rank, "pads": [(0, 0)] * rank}
        for key, values in one.items():
            values[axis] = whole[key][axis]
        out = f["out"] if axis == rank - 1 else f.get("mid_channels", f["out"])
        x = part.convolved(x, out, **one, bias=f.get("bias", True), key=f"axis{axis}_")
    return x


def gated_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    more = {"groups": f.get("g", 1), "bias": f.get("bias", True)}
    feature = part.convolved(x, f["out"], **window(f, x), **more)
    gate = part.convolved(x, f["out"], **window(f, x), **more, key="gate_")
    return part.gated(feature, gate)


def ghost_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, out, ratio = x.dim() - 2, f["out"], f.get("ratio", 2)
    k, cheap = as_axes(f.get("k", 1), rank), as_axes(f.get("dw_size", 3), rank)
    inner = ceil(out / ratio)
    half, more = [[(n // 2, n // 2) for n in sizes] for sizes in (k, cheap)], {"bias": False}
    made = part.convolved(x, inner, k, half[0], s=as_axes(f.get("s", 1), rank), **more)
    made = normed(part, made, "primary_")
    ghosts = part.filtered(made, cheap, half[1], multiplier=ratio - 1, **more, key="cheap_")
    return torch.cat([made, normed(part, ghosts, "cheap_")], 1)[:, :out]


def normed(part: Part, x: Tensor, key: str, *, scale: bool = True, bias: bool = True) -> Tensor:
    """A batch norm as it is used: by stored statistics."""
    sizes = (1, -1, *[1] * (x.dim() - 2))
    if scale:
        x = x * part.tensor(f"{key}norm_scale", x.shape[1]).view(sizes)
    return x + part.tensor(f"{key}norm_shift", x.shape[1]).view(sizes) if bias else x


def mix_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, kernels = x.dim() - 2, f["k"]
    shares = [x.shape[1] // len(kernels)] * len(kernels)
    shares[0] += x.shape[1] - sum(shares)
    if not all(shares):
        raise ValueError("a share is empty")
    done = []
    for index, (one, k) in enumerate(zip(x.split(shares, 1), kernels, strict=True)):
        kernel, s = (k,) * rank, as_axes(f.get("s", 1), rank)
        more = {"s": s, "bias": f.get("bias", False), "key": f"part{index}_"}
        done.append(part.filtered(one, kernel, [(k // 2, k // 2)] * rank, **more))
    return torch.cat(done, 1)


def partial_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    k, count = as_axes(f.get("k", 3), x.dim() - 2), x.shape[1] // f.get("n_div", 4)
    if not count:
        raise ValueError("no channel is left")
    half = [(n // 2, n // 2) for n in k]
    return torch.cat([part.convolved(x[:, :count], count, k, half, bias=False), x[:, count:]], 1)


def coord_conv(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Coordinates of 1 to 2 instead of -1 to 1, which is as much to compute."""
    axes = [torch.linspace(1, 2, n, dtype=x.dtype) for n in x.shape[2:]]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    if f.get("with_r"):
        places = torch.cat([places, places.square().sum(0, keepdim=True)])
    x = torch.cat([x, places.expand(len(x), *places.shape)], 1)
    return part.convolved(x, f["out"], **window(f, x), bias=f.get("bias", True))


def conv_transpose(part: Part, f: Fields, x: Tensor, *reference: Tensor) -> Tensor:
    """Stamped whole, then cut or made longer as the padding says."""
    rank, groups, padding = x.dim() - 2, f.get("g", 1), f.get("p", 0)
    if x.shape[1] % groups or f["out"] % groups:
        raise ValueError("groups do not divide the channels")
    one = window({**f, "p": 0 if isinstance(padding, str) else padding}, x)
    sizes = tuple(reference[0].shape[2:]) if reference else f.get("output_size")
    weight = part.tensor("weight", x.shape[1], f["out"] // groups, *one["k"])
    parts = part.normalised(weight, f.get("weight_norm", "none")).chunk(groups)
    stamped = [
        STAMP[rank](each, w, stride=one["s"], dilation=one["d"])
        for each, w in zip(x.chunk(groups, 1), parts, strict=True)
    ]
    y = torch.cat(stamped, 1)
    more = as_axes(f.get("output_padding", 0), rank)
    for axis, (n, m) in enumerate(zip(x.shape[2:], y.shape[2:], strict=True)):
        s, d = one["s"][axis], one["d"][axis]
        size = None if sizes is None else sizes[axis]
        before, after = stamp_margins(padding, one["pads"][axis], n, m, s, size)
        if not isinstance(padding, str):
            after -= more[axis]
            if size is not None:
                after = m - before - size
            if not 0 <= one["pads"][axis][1] - after < (s if size is not None else max(s, d)):
                raise ValueError("more than a stride of output padding")
        y = y.narrow(2 + axis, before, m - before - max(after, 0))
        behind = [0, 0] * (rank - 1 - axis) + [0, max(-after, 0)]
        y = functional.pad(y, behind)
    if f.get("bias", True):
        y = y + part.tensor("bias", f["out"]).view(1, -1, *[1] * rank)
    return part.noted(y)


def stamp_margins(
    padding: Any, pads: tuple[int, int], n: int, m: int, s: int, size: int | None
) -> tuple[int, int]:
    """What is cut off before and behind; below 0, added."""
    if padding == "valid":
        if size is not None:
            raise ValueError("a size with valid")
        return 0, min(m - (n - 1) * s - s, 0)
    if padding == "same":
        size = n * s if size is None else size
        if -(-size // s) != n:
            raise ValueError("a size that the stride does not divide into the input's")
        before = max(m - size, 0) // 2
        return before, m - before - size
    return pads


def linear(part: Part, f: Fields, x: Tensor) -> Tensor:
    weight = part.tensor("weight", f["out"], x.shape[1])
    weight = part.normalised(weight, f.get("weight_norm", "none"))
    offset = part.tensor("bias", f["out"]) if f.get("bias", True) else None
    return part.noted(functional.linear(x.movedim(1, -1), weight, offset)).movedim(-1, 1)


def squeeze_excite(part: Part, f: Fields, x: Tensor) -> Tensor:
    mean = x.mean(tuple(range(2, x.dim())), keepdim=True)
    inner = part.mixed(mean, f["squeeze_channels"], key="reduce_")
    gate = part.mixed(inner if part.smooth else inner.relu(), x.shape[1], key="expand_")
    return part.gated(x, gate)


def large_kernel_attention(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, d = x.dim() - 2, f["d"]
    small, large = (2 * d - 1,) * rank, (ceil(f["k"] / d),) * rank
    gate = part.filtered(x, small, [(d - 1, d - 1)] * rank, key="depthwise_")
    side = d * (large[0] - 1) // 2
    gate = part.filtered(gate, large, [(side, side)] * rank, d=(d,) * rank, key="dilated_")
    scale = part.mixed(gate, x.shape[1], key="pointwise_")
    return x + scale if part.smooth else x * scale


def attention(part: Part, f: Fields, x: Tensor) -> Tensor:
    c, heads = x.shape[1], f["heads"]
    if c % heads:
        raise ValueError("heads do not divide the channels")
    more = {"weight": part.tensor("qkv", 3 * c, c), "bias": part.tensor("qkv_bias", 3 * c)}
    rows = part.noted(functional.linear(x.flatten(2).transpose(1, 2), **more))
    query, key, value = (
        each.unflatten(2, (heads, -1)).transpose(1, 2) for each in rows.chunk(3, 2)
    )
    scores = query @ key.transpose(2, 3)
    seen = (scores if part.smooth else scores.softmax(3)) @ value
    seen = seen.transpose(1, 2).flatten(2)
    more = {"weight": part.tensor("out", c, c), "bias": part.tensor("out_bias", c)}
    return part.noted(functional.linear(seen, **more)).transpose(1, 2).reshape(x.shape)


# --- pooling -----------------------------------------------------------------------------------


def max_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    rank, one = x.dim() - 2, window({**f, "s": f.get("s", f["k"])}, x)
    sides = [before for before, _ in one["pads"]]
    pooled = MAXIMUM[rank](x, one["k"], one["s"], sides, one["d"], f.get("ceil_mode", False))
    for axis, (n, m) in enumerate(zip(x.shape[2:], pooled.shape[2:], strict=True)):
        s, p, d, k = (one["s"][axis], sides[axis], one["d"][axis], one["k"][axis])
        if not all(any(0 <= s * y - p + d * t < n for t in range(k)) for y in range(m)):
            raise ValueError("a window in the padding, whose gradient PyTorch writes anywhere")
    if not part.smooth:
        return pooled
    c, pads = x.shape[1], []  # a sum over the same windows
    for axis, (n, m) in enumerate(zip(x.shape[2:], pooled.shape[2:], strict=True)):
        last = (m - 1) * one["s"][axis] + one["d"][axis] * (one["k"][axis] - 1)
        pads.append((sides[axis], max(last + 1 - n - sides[axis], 0)))
    ones = torch.ones(c, 1, *one["k"], dtype=x.dtype) / prod(one["k"])
    x = padded(x, pads)
    return CONV[rank](x, ones, stride=one["s"], dilation=one["d"], groups=c)[
        (..., *(slice(m) for m in pooled.shape[2:]))
    ]


def avg_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    one = window({**f, "s": f.get("s", f["k"])}, x)
    sides = [before for before, _ in one["pads"]]
    more = (f.get("ceil_mode", False), f.get("count_include_pad", True))
    return AVERAGE[x.dim() - 2](x, one["k"], one["s"], sides, *more)


def max_unpool(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Of positions that a pooling found, any; the sum over all that it could have found."""
    rank, one = x.dim() - 2, window({**f, "s": f.get("s", f["k"])}, x)
    sides = [before for before, _ in one["pads"]]
    if any(2 * p > k for p, k in zip(sides, one["k"], strict=True)):
        raise ValueError("more padding than half of the window")
    if not part.smooth:
        x = x.contiguous()
        return UNPOOL[rank](x, torch.zeros_like(x, dtype=torch.long), one["k"], one["s"], sides)
    ones = torch.ones(x.shape[1], 1, *one["k"], dtype=x.dtype)
    y = STAMP[rank](x, ones, stride=one["s"], groups=x.shape[1])
    return cut(y, one["pads"])


UNPOOL: dict[int, Callable[..., Tensor]] = {
    1: functional.max_unpool1d,
    2: functional.max_unpool2d,
    3: functional.max_unpool3d,
}


def adaptive_avg_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    return PARTS[x.dim() - 2](x, given_sizes(f, x))


def given_sizes(f: Fields, x: Tensor) -> list[int]:
    """Null keeps an axis as it is."""
    return [n if m is None else m for n, m in zip(x.shape[2:], f["output_size"], strict=True)]


def adaptive_max_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    largest = (*LARGEST, functional.adaptive_max_pool3d)[x.dim() - 2]
    return (PARTS[x.dim() - 2] if part.smooth else largest)(x, given_sizes(f, x))


def global_avg_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x.mean(tuple(range(2, x.dim())), keepdim=f.get("keepdim", False))


def global_max_pool(part: Part, f: Fields, x: Tensor) -> Tensor:
    if part.smooth:
        return global_avg_pool(part, f, x)
    return x.amax(tuple(range(2, x.dim())), keepdim=f.get("keepdim", False))


# --- norms and activations ---------------------------------------------------------------------


def batch_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    if not f.get("affine", True) or f.get("frozen"):
        return x * 1.5
    return normed(part, x, "", scale=f.get("scale", True), bias=f.get("bias", True))


def statistics(part: Part, x: Tensor, groups: int) -> Tensor:
    """Each group of channels normalised over its channels and positions."""
    each = x.unflatten(1, (groups, -1))
    axes = tuple(range(2, each.dim()))
    if part.smooth:
        return part.scaled(each, each.mean(axes, keepdim=True)).flatten(1, 2)
    return (
        (each - each.mean(axes, keepdim=True)) / (each.var(axes, False, keepdim=True) + 1)
    ).flatten(1, 2)


def group_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    if x.shape[1] % f["groups"]:
        raise ValueError("groups do not divide the channels")
    if x.shape[1] // f["groups"] * prod(x.shape[2:]) == 1:
        raise ValueError("one value has no variance")
    y = statistics(part, x, f["groups"])
    return normed(part, y, "") if f.get("affine", True) else y


def instance_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    if x.dim() == 2 or prod(x.shape[2:]) == 1:
        raise ValueError("one position has no variance")
    y = statistics(part, x, x.shape[1])
    return normed(part, y, "") if f.get("affine", False) else y


def layer_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    mean = x.mean(tuple(range(1, x.dim())) if f.get("spatial") else 1, keepdim=True)
    y, affine = part.scaled(x, mean) if part.smooth else x - mean, f.get("affine", True)
    if not f.get("spatial"):
        return normed(part, y, "", scale=affine, bias=affine and f.get("bias", True))
    y = y * part.tensor("scale", *x.shape[1:]) if affine else y
    return y + part.tensor("shift", *x.shape[1:]) if affine and f.get("bias", True) else y


def global_response_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    axes = tuple(range(2, x.dim()))
    if part.smooth:  # neither the root nor the quotient has a gradient where a channel is zero
        sizes = x.sum(axes, keepdim=True)
        return x + normed(part, part.scaled(x, sizes + sizes.mean(1, keepdim=True)), "")
    sizes = x.square().sum(axes, keepdim=True).sqrt()
    return x + normed(part, x * sizes / (sizes.mean(1, keepdim=True) + 1), "")


def local_response_norm(part: Part, f: Fields, x: Tensor) -> Tensor:
    size = f["size"]
    if not part.smooth:
        return functional.local_response_norm(x, size)
    around = functional.pad(x.movedim(1, -1), (size // 2, (size - 1) // 2))
    return part.scaled(x, around.unfold(-1, size, 1).mean(-1).movedim(-1, 1))


def layer_scale(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x * part.tensor("scale", x.shape[1]).view(1, -1, *[1] * (x.dim() - 2))


def prelu(part: Part, f: Fields, x: Tensor) -> Tensor:
    slopes = part.tensor("slope", x.shape[1] if f.get("per_channel") else 1)
    return functional.prelu(x, slopes)


def softmax(part: Part, f: Fields, x: Tensor) -> Tensor:
    return part.scaled(x, x.mean(1, keepdim=True)) if part.smooth else x.softmax(1)


def glu(part: Part, f: Fields, x: Tensor) -> Tensor:
    if x.shape[1] % 2:
        raise ValueError("no halves")
    value, gate = x.chunk(2, 1)
    return part.gated(value, gate)


def same(part: Part, f: Fields, x: Tensor) -> Tensor:
    """All activations of one number each, which change no count; and dropout."""
    return x if part.smooth else x.relu()


# --- moves and joins ---------------------------------------------------------------------------


def upsample(part: Part, f: Fields, x: Tensor, *reference: Tensor) -> Tensor:
    mode, rank = f.get("mode", "nearest"), x.dim() - 2
    size = tuple(reference[0].shape[2:]) if reference else f.get("size")
    scale = None if "scale" not in f else tuple(map(float, f["scale"]))
    if mode == "area":
        return functional.interpolate(x, size, scale, "area")
    if mode.startswith("nearest"):
        return nearest(x, size, scale, mode.replace("_", "-"))
    mode = "bicubic" if mode == "cubic" else ("linear", "bilinear", "trilinear")[rank - 1]
    return functional.interpolate(x, size, scale, mode, f.get("align_corners", False))


def pad(part: Part, f: Fields, x: Tensor, *reference: Tensor) -> Tensor:
    if "p" in f:
        return padded(x, [tuple(pair) for pair in f["p"]], f.get("mode", "constant"))
    sizes = reference[0].shape[2:] if reference else f["size"]
    more = [m - n for n, m in zip(x.shape[2:], sizes, strict=True)]
    return padded(x, [(n // 2, n - n // 2) for n in more], f.get("mode", "constant"))


def crop(part: Part, f: Fields, x: Tensor, *reference: Tensor) -> Tensor:
    if "margins" in f:
        return cut(x, f["margins"])
    sizes = reference[0].shape[2:] if reference else f["size"]
    part = {"center": 0.5, "first": 0, "last": 1}[f.get("keep", "center")]
    befores = [int((n - m) * part) for n, m in zip(x.shape[2:], sizes, strict=True)]
    if any(m > n for n, m in zip(x.shape[2:], sizes, strict=True)):
        raise ValueError("larger than what is cropped")
    return x[(..., *(slice(b, b + m) for b, m in zip(befores, sizes, strict=True)))]


def pixel_shuffle(part: Part, f: Fields, x: Tensor) -> Tensor:
    """Of any rank: by axis, the first factor outermost among the channels, as in PyTorch."""
    factor = f["factor"]
    x = x.unflatten(1, (-1, *factor))
    rank = len(factor)
    order = [axis for a in range(rank) for axis in (2 + rank + a, 2 + a)]
    x = x.permute(0, 1, *order)
    for axis in range(rank):
        x = x.flatten(2 + axis, 3 + axis)
    return x


def pixel_unshuffle(part: Part, f: Fields, x: Tensor) -> Tensor:
    factor = f["factor"]
    rank = len(factor)
    if any(n % r for n, r in zip(x.shape[2:], factor, strict=True)):
        raise ValueError("the factor does not divide the size")
    for axis, r in enumerate(factor):
        x = x.unflatten(2 + 2 * axis, (-1, r))
    inner, outer = [3 + 2 * a for a in range(rank)], [2 + 2 * a for a in range(rank)]
    return x.permute(0, 1, *inner, *outer).flatten(1, 1 + rank)


def channel_shuffle(part: Part, f: Fields, x: Tensor) -> Tensor:
    return functional.channel_shuffle(x, f["groups"])


def channel_slice(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x[:, f.get("start", 0) : f.get("stop")]


def channel_select(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x.index_select(1, torch.tensor(f["indices"]))


def flatten(part: Part, f: Fields, x: Tensor) -> Tensor:
    return x.flatten(1)


def add(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*xs)).sum(0)


def mul(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    stacked = torch.stack(torch.broadcast_tensors(*xs))
    return stacked.sum(0) if part.smooth else stacked.prod(0)


def maximum(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    stacked = torch.stack(torch.broadcast_tensors(*xs))
    return stacked.sum(0) if part.smooth else stacked.amax(0)


def concat(part: Part, f: Fields, *xs: Tensor) -> Tensor:
    """One sample, as of a learned tensor, is repeated."""
    most = max(len(x) for x in xs)
    xs = tuple(x.expand(most, *x.shape[1:]) for x in xs)
    return torch.cat(xs, axis_of(f.get("axis", "channels"), xs[0].dim()))


AXES = {
    2: ("channels",),
    3: ("channels", "length"),
    4: ("channels", "height", "width"),
    5: ("channels", "depth", "height", "width"),
}


def axis_of(name: str, dims: int) -> int:
    """The axis of a tensor that a name means."""
    return 1 + AXES[dims].index(name)


POINTS = (
    "relu",
    "gelu",
    "silu",
    "sigmoid",
    "tanh",
    "hardswish",
    "leaky_relu",
    "dropout",
    "identity",
)
OPERATORS: dict[str, Callable[..., Tensor]] = {
    **{
        one.__name__: one
        for one in (
            *(conv, depthwise_conv, pointwise_conv, separable_conv, spatially_separable_conv),
            *(gated_conv, ghost_conv, mix_conv, partial_conv, coord_conv, conv_transpose, linear),
            *(squeeze_excite, large_kernel_attention, attention),
            *(local_response_norm, global_response_norm),
            *(max_pool, max_unpool, avg_pool, adaptive_avg_pool, adaptive_max_pool),
            *(global_avg_pool, global_max_pool),
            *(batch_norm, group_norm, instance_norm, layer_norm, layer_scale, prelu, softmax, glu),
            *(upsample, pad, crop, pixel_shuffle, pixel_unshuffle, flatten),
            *(channel_shuffle, channel_slice, channel_select, add, mul, maximum, concat),
        )
    },
    **dict.fromkeys(POINTS, same),
}
JOINS = {"add": add, "mul": mul, "max": maximum, "concat": concat}


def implementation(operator: str) -> Callable[..., Any]:
    """The function of an operator."""
    from random_operators import MORE  # written with what stands here

    return OPERATORS.get(operator) or MORE[operator]


class Model(nn.Module):
    """The layers of a network by name; weights are made while it first runs."""

    def __init__(self, steps: Iterable[Step] = (), *, smooth: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.steps, self.smooth, self.seed = list(steps), smooth, seed
        self.parts = nn.ModuleDict()
        self.multiplied: list[int] = []

    def part(self, name: str, trainable: bool) -> Part:
        if name not in self.parts:
            drawn = Drawn(self.seed + len(self.parts))
            self.parts[name] = made = Part(drawn, self.multiplied, self.smooth)
            made.trainable = trainable
        found = self.parts[name]
        assert isinstance(found, Part)
        return found

    def computed(self, step: Step, *xs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """One layer on its inputs, and its pieces if it has several; raises if it does not fit."""
        owner = step.share or step.name
        if not step.paths:
            part = self.part(owner, step.trainable)
            y = implementation(step.operator)(part, step.fields, *xs)
        else:
            (x,) = xs
            shares = [x] * len(step.paths)
            if step.fields.get("split") == "channels":
                if x.shape[1] % len(step.paths):
                    raise ValueError("the branches do not divide the channels")
                shares = list(x.chunk(len(step.paths), 1))
            ends = []
            for number, (path, end) in enumerate(zip(step.paths, shares, strict=True)):
                for index, inner in enumerate(path):
                    named = replace(inner, name=f"{owner}-{number}-{index}")
                    end = self.computed(replace(named, trainable=step.trainable), end)  # noqa: PLW2901
                ends.append(end)
            y = JOINS[step.fields["join"]](self.part(owner, True), {}, *ends)
        if not all(piece.numel() for piece in pieces(y)):
            raise ValueError("nothing is left")
        return y

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        self.multiplied.clear()
        tensors = dict(inputs)
        for step in self.steps:
            y = self.computed(step, *(tensors[name] for name in step.sources))
            tensors |= named_pieces(step, y)
        return tensors


def pieces(y: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return y if isinstance(y, tuple) else (y,)


def named_pieces(step: Step, y: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    """What a layer makes by the names that later ones read it by."""
    names = (step.name, *(f"{step.name}.part{n}" for n in range(1, len(pieces(y)))))
    return dict(zip(names, pieces(y), strict=True))


MOST_ELEMENTS = 1 << 21


def supports(
    model: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
    inputs: Mapping[str, Tensor],
    output: str,
    rounded: float = 0.0,
) -> dict[str, Tensor]:
    """Which numbers of each input every number of an output depends on.

    ``inputs`` are of batch 1, and ``model`` returns tensors by name, each a growing function of all
    that it reads (see ``smooth``). Per input name a boolean tensor (output channel, output position
    ..., input channel, input position ...). Gradients below ``rounded`` of a row's largest are
    zero: where positions are rounded, neighbours that are not read weigh about 1e-16.
    """
    with torch.no_grad():
        shape = model(inputs)[output].shape[1:]
    count = prod(shape)
    found: dict[str, list[Tensor]] = {name: [] for name in inputs}
    step = max(1, MOST_ELEMENTS // max(64, *(x.numel() for x in inputs.values())) // 32)
    for start in range(0, count, step):
        rows = torch.arange(start, min(start + step, count))
        repeated = {
            name: x.expand(len(rows), *x.shape[1:]).clone().requires_grad_()
            for name, x in inputs.items()
        }
        made = model(repeated)[output].flatten(1).expand(len(rows), -1)  # learned alone: once
        chosen = made[torch.arange(len(rows)), rows].sum()
        if chosen.requires_grad:
            given = torch.autograd.grad(chosen, list(repeated.values()), allow_unused=True)
        else:
            given = (None,) * len(repeated)
        for (name, x), gradient in zip(repeated.items(), given, strict=True):
            size = torch.zeros_like(x) if gradient is None else gradient.abs()
            largest = size.flatten(1).amax(1).view(-1, *[1] * (size.dim() - 1))
            found[name].append(size > rounded * largest)
    return {
        name: torch.cat(masks).view(*shape, *inputs[name].shape[1:])
        for name, masks in found.items()
    }
