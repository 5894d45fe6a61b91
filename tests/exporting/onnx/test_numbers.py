"""What a written file computes is what PyTorch computes, with the same random weights.

ONNX's reference implementation runs the file. Only operators that are written as several nodes, or
whose attributes have another meaning than PyTorch's, stand here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("onnx", reason="the onnx package is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from deformable import torchvision_ops  # noqa: E402 behind the skip
from exporting.onnx.numbers import made_by  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

Make = Callable[[Any], Any]


def module(make: Any, **renamed: str) -> tuple[Any, dict[str, Any]]:
    """A module in evaluation with random weights, and those by the names of an operator."""
    made = make.eval()
    for each in (*made.parameters(), *made.buffers()):
        if each.is_floating_point():
            each.data = torch.rand(each.shape) / len(each.shape) + 0.1
    return made, {renamed.get(key, key): each.numpy() for key, each in made.state_dict().items()}


def agrees(layer: str, shapes: list[tuple[int, ...]], function: Make, weights: Any = None) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(shape) for shape in shapes]
    names = ["input", "other", "third"][: len(shapes)]
    arrays = {name: each.numpy() for name, each in zip(names, tensors, strict=True)}
    with torch.no_grad():
        wanted = function(*tensors)
    item = f"  - {{{layer}, from: [{', '.join(names)}], id: case}}\n"
    found = made_by(item, arrays, weights or {})
    torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-4)


MAP = (1, 8, 6, 6)
MODULES = {
    "conv: {out: 6, k: 3, padding: half, groups: 2, padding_mode: reflect}": nn.Conv2d(
        8, 6, 3, padding=1, groups=2, padding_mode="reflect"
    ),
    "conv: {out: 6, k: 3, s: 2, p: [[0, 1], [2, 1]]}": nn.Sequential(
        nn.ZeroPad2d((2, 1, 0, 1)), nn.Conv2d(8, 6, 3, 2)
    ),
    "conv_transpose: {out: 5, k: 3, s: 2, p: 1, output_padding: 1}": nn.ConvTranspose2d(
        8, 5, 3, 2, 1, 1
    ),
    "linear: {out: 5}": nn.Conv2d(8, 5, 1),
    "batch_norm: {}": nn.BatchNorm2d(8),
    "instance_norm: {affine: true}": nn.InstanceNorm2d(8, affine=True),
    "group_norm: {groups: 4}": nn.GroupNorm(4, 8),
    "group_norm: {groups: 2, affine: false}": nn.GroupNorm(2, 8, affine=False),
    "prelu: {per_channel: true}": nn.PReLU(8),
}


@pytest.mark.parametrize("layer", MODULES)
def test_a_layer_with_weights_computes_what_its_module_computes(layer: str) -> None:
    made, weights = module(MODULES[layer])
    weights = {key.rpartition(".")[2]: each for key, each in weights.items()}
    agrees(layer, [MAP], made, weights)


FUNCTIONS: dict[str, Make] = {
    "silu: {}": functional.silu,
    "gelu: {approximate: tanh}": lambda x: functional.gelu(x, approximate="tanh"),
    "hardswish: {}": functional.hardswish,
    "hardsigmoid: {}": functional.hardsigmoid,
    "mish: {}": functional.mish,
    "logsigmoid: {}": functional.logsigmoid,
    "softplus: {beta: 2}": lambda x: functional.softplus(x, 2),
    "glu: {}": lambda x: functional.glu(x, 1),
    "softmax: {}": lambda x: functional.softmax(x, 1),
    "max_pool: {k: 3, s: 2, ceil_mode: true}": nn.MaxPool2d(3, 2, ceil_mode=True),
    "avg_pool: {k: 3, s: 2, p: 1}": nn.AvgPool2d(3, 2, 1),
    "adaptive_avg_pool: {output_size: [4, 5]}": nn.AdaptiveAvgPool2d((4, 5)),
    "adaptive_max_pool: {output_size: [3, 4]}": nn.AdaptiveMaxPool2d((3, 4)),
    "global_avg_pool: {}": lambda x: x.mean((2, 3)),
    "pixel_shuffle: {factor: 2}": nn.PixelShuffle(2),
    "pixel_unshuffle: {factor: [2, 2]}": nn.PixelUnshuffle(2),
    "channel_shuffle: {groups: 2}": nn.ChannelShuffle(2),
    "unfold: {k: 3, s: 2, p: 1}": nn.Unfold(3, stride=2, padding=1),
    "upsample: {scale: 2}": nn.Upsample(scale_factor=2),
    "upsample: {size: [9, 4], mode: nearest_exact}": nn.Upsample((9, 4), mode="nearest-exact"),
    "upsample: {scale: 2, mode: linear}": nn.Upsample(scale_factor=2, mode="bilinear"),
    "upsample: {size: 9, mode: linear, align_corners: true}": nn.Upsample(
        9, mode="bilinear", align_corners=True
    ),
    "upsample: {scale: 2, mode: cubic}": nn.Upsample(scale_factor=2, mode="bicubic"),
    "pad: {p: [[1, 2], [0, 3]], mode: reflect}": lambda x: functional.pad(
        x, (0, 3, 1, 2), mode="reflect"
    ),
    "pad: {size: [8, 5]}": lambda x: functional.pad(x, (-1, 0, 1, 1)),
    "pad_channels: {before: 1, after: 2}": lambda x: functional.pad(x, (0,) * 4 + (1, 2)),
    "slice: {axis: height, start: 1, step: 2}": lambda x: x[:, :, 1::2],
    "permute: {dims: [2, 3, 1]}": lambda x: x.permute(0, 2, 3, 1),
    "reduce: {axis: channels, mode: max}": lambda x: x.amax(1, keepdim=True),
    "elementwise: {op: rsqrt}": torch.rsqrt,
}


@pytest.mark.parametrize("layer", FUNCTIONS)
def test_a_layer_computes_what_its_function_computes(layer: str) -> None:
    def function(x: Any) -> Any:
        return FUNCTIONS[layer](x)

    torch.manual_seed(0)
    if "rsqrt" in layer:
        positive = torch.rand(MAP) + 0.1
        found = made_by(f"  - {{{layer}, id: case}}\n", {"input": positive.numpy()}, {})
        torch.testing.assert_close(torch.from_numpy(found), positive.rsqrt(), rtol=1e-4, atol=1e-4)
        return
    agrees(layer, [MAP], function)


# --- written as several nodes ---------------------------------------------------------------------


def channels_last(norm: Any) -> Make:
    return lambda x: norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def test_a_layer_norm_normalises_the_channels_of_each_position() -> None:
    made, weights = module(nn.LayerNorm(8))
    agrees("layer_norm: {}", [MAP], channels_last(made), weights)


def test_a_local_response_norm_divides_by_its_neighbours() -> None:
    # As many samples as channels: onnx's reference takes one for the other.
    function = nn.LocalResponseNorm(5, alpha=0.5, k=2.0)
    agrees("local_response_norm: {size: 5, alpha: 0.5, k: 2.0}", [(5, 5, 6, 6)], function)


def test_an_rms_norm_divides_by_the_energy_of_each_position() -> None:
    made, weights = module(nn.RMSNorm(8, eps=1e-6))
    agrees("rms_norm: {}", [MAP], channels_last(made), weights)


def test_a_global_response_norm_is_convnexts() -> None:
    weights = {key: torch.rand(8).numpy() for key in ("weight", "bias")}

    def function(x: Any) -> Any:
        norms = x.norm(dim=(2, 3), keepdim=True)
        scaled = x * (norms / (norms.mean(1, keepdim=True) + 1e-6))
        gamma, beta = (torch.from_numpy(weights[key])[:, None, None] for key in ("weight", "bias"))
        return gamma * scaled + beta + x

    agrees("global_response_norm: {}", [MAP], function, weights)


def test_a_squeeze_excite_is_torchvisions() -> None:
    reduce, expand = (module(nn.Conv2d(*sizes, 1)) for sizes in ((8, 2), (2, 8)))
    weights = {f"reduce.{key}": each for key, each in reduce[1].items()}
    weights |= {f"expand.{key}": each for key, each in expand[1].items()}

    def function(x: Any) -> Any:
        gate = expand[0](functional.relu(reduce[0](x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)

    agrees("squeeze_excite: {reduction: 4}", [MAP], function, weights)


def attended(q: Any, k: Any, v: Any, heads: int) -> Any:
    """Attention of (batch, channels, *positions), all of which see each other."""
    split = [x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for x in (q, k, v)]
    found = functional.scaled_dot_product_attention(*split)
    return found.transpose(2, 3).flatten(1, 2).unflatten(2, q.shape[2:])


def test_dot_product_attention_is_pytorchs() -> None:
    layer = "dot_product_attention: {heads: 2}"
    agrees(layer, [MAP, (1, 8, 5), (1, 6, 5)], lambda q, k, v: attended(q, k, v, 2))


def test_heads_share_keys_and_values() -> None:
    layer = "dot_product_attention: {heads: 4, kv_heads: 2}"

    def function(q: Any, k: Any, v: Any) -> Any:
        k, v = (x.unflatten(1, (2, -1)).repeat_interleave(2, 1).flatten(1, 2) for x in (k, v))
        return attended(q, k, v, 4)

    agrees(layer, [MAP, (1, 4, 5), (1, 4, 5)], function)


@pytest.mark.parametrize("kind", ["window", "grid"])
def test_attention_within_parts_sees_neighbours_or_every_so_many_positions(kind: str) -> None:
    layer = f"dot_product_attention: {{heads: 2, partition: {kind}, partition_size: [2, 3]}}"

    def function(q: Any, k: Any, v: Any) -> Any:
        made = torch.empty(q.shape)
        for row in range(3):
            for column in range(2):
                rows, columns = slice(2 * row, 2 * row + 2), slice(3 * column, 3 * column + 3)
                if kind == "grid":
                    rows, columns = slice(row, None, 3), slice(column, None, 2)
                parts = (x[:, :, rows, columns] for x in (q, k, v))
                made[:, :, rows, columns] = attended(*parts, 2)
        return made

    agrees(layer, [MAP, MAP, MAP], function)


def test_attention_has_its_maps_in_it() -> None:
    qkv, out = module(nn.Linear(8, 24)), module(nn.Linear(8, 8))
    weights = {f"qkv.{key}": each for key, each in qkv[1].items()}
    weights |= {f"out.{key}": each for key, each in out[1].items()}

    def function(x: Any) -> Any:
        q, k, v = channels_last(qkv[0])(x).chunk(3, 1)
        return channels_last(out[0])(attended(q, k, v, 2))

    agrees("attention: {heads: 2}", [MAP], function, weights)


@pytest.mark.parametrize(
    ("size", "shift", "version"),
    [((6, 6), 0, 1), ((6, 6), 1, 1), ((8, 5), 2, 1), ((6, 6), 1, 2), ((7, 8), 0, 2)],
)
def test_window_attention_is_torchvisions(size: tuple[int, int], shift: int, version: int) -> None:
    torchvision_ops()
    swin = importlib.import_module("torchvision.models.swin_transformer")
    kind = swin.ShiftedWindowAttention if version == 1 else swin.ShiftedWindowAttentionV2
    made, found = module(kind(8, [3, 3], [shift, shift], 2))
    weights = {
        key.replace("cpb_mlp.0", "relative.hidden").replace("cpb_mlp.2", "relative.output"): each
        for key, each in found.items()
    }
    if version == 2:
        for part in (made.cpb_mlp[0], made.cpb_mlp[2]):
            part.weight.data /= 30
        # torchvision sets the bias of keys to zero in each pass, and bounds the factor of a head.
        bias = made.qkv.bias.data
        bias[8:16] = 0
        weights["qkv.bias"] = bias.numpy()
        made.relative_coords_table = swin.ShiftedWindowAttentionV2(
            8, [3, 3], [0, 0], 2
        ).relative_coords_table
    made.relative_position_index = kind(8, [3, 3], [0, 0], 2).relative_position_index
    fields = f"window_size: 3, heads: 2, shift_size: {shift}"
    if version == 2:
        fields += ", cosine: true, relative_position: mlp"
    agrees(f"window_attention: {{{fields}}}", [(1, 8, *size)], channels_last(made), weights)


def test_involution_multiplies_each_window_with_the_kernel_of_its_position() -> None:
    reduce, norm = module(nn.Conv2d(8, 2, 1, bias=False)), module(nn.BatchNorm2d(2))
    span = module(nn.Conv2d(2, 9 * 2, 1))
    weights: dict[str, Any] = {}
    for name, (_, found) in (("reduce", reduce), ("norm", norm), ("span", span)):
        weights |= {f"{name}.{key}": each for key, each in found.items()}

    def function(x: Any) -> Any:
        pooled = functional.avg_pool2d(x, 2)
        kernel = span[0](functional.relu(norm[0](reduce[0](pooled))))
        windows = functional.unfold(x, 3, padding=1, stride=2).view(1, 2, 4, 9, 3, 3)
        return (windows * kernel.view(1, 2, 1, 9, 3, 3)).sum(3).view(1, 8, 3, 3)

    layer = "involution: {k: 3, s: 2, reduction_ratio: 4, group_channels: 4}"
    agrees(layer, [MAP], function, weights)


def test_correlation_compares_all_positions_or_near_ones() -> None:
    def everywhere(one: Any, other: Any) -> Any:
        found = torch.einsum("bchw,bcij->bijhw", one, other) / 8**0.5
        return found.flatten(1, 2)

    agrees("correlation: {}", [MAP, MAP], everywhere)

    def near(one: Any, other: Any) -> Any:
        padded = functional.pad(other, (2, 2, 2, 2))
        moved = [padded[:, :, y : y + 6, x : x + 6] for y in (0, 2, 4) for x in (0, 2, 4)]
        return torch.stack([(one * each).mean(1) for each in moved], 1)

    layer = "correlation: {max_displacement: 2, displacement_stride: 2}"
    agrees(layer, [MAP, MAP], near)


@pytest.mark.parametrize("kind", ["standard", "scaled", "weight", "spectral"])
def test_a_weight_is_normalised_before_it_multiplies(kind: str) -> None:
    weight, gain = torch.rand(6, 8, 3, 3), torch.rand(6, 1, 1, 1)
    u, v = torch.rand(6), torch.rand(72)
    stored = {"weight": weight, "gain": gain, "weight_g": gain, "weight_u": u, "weight_v": v}

    def used() -> Any:
        axes = (1, 2, 3)
        if kind == "weight":
            return gain * weight / weight.flatten(1).norm(dim=1)[:, None, None, None]
        if kind == "spectral":
            return weight / (u @ weight.flatten(1) @ v)
        centred = weight - weight.mean(axes, keepdim=True)
        unit = centred / (centred.pow(2).mean(axes, keepdim=True) + 1e-5).sqrt()
        return unit * gain if kind == "scaled" else unit

    layer = f"conv: {{out: 6, k: 3, bias: false, weight_norm: {kind}}}"
    arrays = {key: each.numpy() for key, each in stored.items()}
    agrees(layer, [MAP], lambda x: functional.conv2d(x, used()), arrays)
