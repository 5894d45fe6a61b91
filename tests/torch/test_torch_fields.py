"""What attention and masks read, on all axes together, against where gradients arrive.

Half planes, windows and the like are no product of axes. PyTorch computes each network from its own
modules, in double precision and with positive weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import attending
import pytest
import torch
from graphs import read
from regions import listed
from small import network_of
from torch.nn import functional

from convcalc.analysis.receptive_field.study import study

Tensor = torch.Tensor
Position = tuple[int, ...]


def patterns(
    compute: Callable[[Tensor], Tensor], sizes: Sequence[int]
) -> dict[Position, set[Position]]:
    """For each position of the output, the input positions at which its gradient is not zero."""
    torch.manual_seed(1)
    x = torch.rand(1, *sizes, dtype=torch.double).add(0.1).requires_grad_()
    made = compute(x).sum(1)[0]
    found = {}
    for place in product(*map(range, made.shape)):
        (gradient,) = torch.autograd.grad(made[place], x, retain_graph=True)
        where = gradient[0].abs().sum(0).nonzero().tolist()
        found[place] = {tuple(each) for each in where}
    return found


def agree(layers: Sequence[Any], sizes: Sequence[int], compute: Callable[[Tensor], Tensor]) -> None:
    """Every position of the last layer reads what PyTorch says."""
    network = network_of(layers, sizes)
    for place, expected in patterns(compute, sizes).items():
        got = read(network, len(network.layers), place, bordered=True, strict=True)
        assert got == expected, (layers, place)


def averaged(x: Tensor, k: int) -> Tensor:
    """Every channel as the mean of a window."""
    weight = torch.ones(x.shape[1], 1, *[k] * (x.dim() - 2), dtype=x.dtype)
    conv: Any = (functional.conv1d, functional.conv2d, functional.conv3d)[x.dim() - 3]
    return conv(x, weight, padding=k // 2, groups=x.shape[1])


@pytest.mark.parametrize("sizes", [(4, 6), (4, 3, 4), (4, 2, 3, 2)])
@pytest.mark.parametrize(
    "mask",
    [{}, {"causal": True}, {"window": 2}, {"window": 3}, {"kv_heads": 1, "causal": True}],
    ids=str,
)
def test_attention_reads_what_its_mask_leaves(sizes: Sequence[int], mask: dict[str, Any]) -> None:
    fields = {"heads": 2, "kv_heads": None, "causal": False, "window": None, "skips": False, **mask}
    if mask.get("window"):
        fields["window"] = [mask["window"]] * (len(sizes) - 1)
    module = attending.DotProductAttention(**fields)
    shared = {"out": 4 // (2 // mask.get("kv_heads", 2)), "k": 1}
    network = [
        {"depthwise_conv": {"k": 3, "p": 1}, "id": "x"},
        {"conv": shared, "id": "kv"},
        {"dot_product_attention": {"heads": 2, **mask}, "from": ["x", "kv", "kv"]},
    ]

    def compute(x: Tensor) -> Tensor:
        near = averaged(x, 3)
        mixed = near.sum(1, keepdim=True) + torch.zeros(1, shared["out"], *[1] * (x.dim() - 2))
        return module(near, mixed.cos(), mixed.exp())

    agree(network, sizes, compute)


def test_a_product_reads_a_row_and_a_column() -> None:
    layers = [{"matmul": {}, "from": ["input", "input"]}]
    agree(layers, (1, 4, 4), lambda x: x @ x)
    agree(layers, (1, 3, 4, 4), lambda x: x @ x)


WINDOWS = {
    "window": ((2, 6, 4), [3, 2], [0, 0], "window"),
    "shifted": ((2, 8), [4], [2], "window"),
    "padded": ((2, 7, 5), [3, 2], [1, 1], "window"),
    "one window": ((2, 3, 5), [4, 2], [2, 1], "window"),
    "grid": ((2, 6, 8), [3, 2], [0, 0], "grid"),
    "three axes": ((2, 3, 4, 2), [2, 2, 2], [1, 0, 1], "window"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_read_what_is_in_them(name: str) -> None:
    sizes, window, shift, partition = WINDOWS[name]
    fields = {"window_size": window, "shift_size": shift, "partition": partition, "heads": 1}
    module = attending.WindowAttention(
        2, window, 1, shift, partition, "table", 1, False, True, True, True
    ).double()
    agree([{"window_attention": fields}], sizes, module)
    conv = {"depthwise_conv": {"k": 3, "p": 1}}
    layers = [conv, {"window_attention": fields}, conv, {"window_attention": fields}]
    agree(layers, sizes, lambda x: module(averaged(module(averaged(x, 3)), 3)))


def masked(x: Tensor, k: Sequence[int], mask: str, d: int, s: int, groups: int = 1) -> Tensor:
    """A convolution whose weight is multiplied by zeros and ones, as PixelCNN's code does."""
    taps = list(product(*map(range, k)))
    center = tuple(n // 2 for n in k)
    left = {
        "A": lambda tap: tap < center,
        "B": lambda tap: tap <= center,
        "causal": lambda tap: tap[0] <= center[0],
    }[mask]
    zeros = torch.tensor([float(left(tap)) for tap in taps], dtype=x.dtype).reshape(k)
    weight = torch.rand(x.shape[1], x.shape[1] // groups, *k, dtype=x.dtype) + 0.1
    conv: Any = (functional.conv1d, functional.conv2d, functional.conv3d)[x.dim() - 3]
    padding = [d * (n // 2) for n in k]
    return conv(x, weight * zeros, None, s, padding, d, groups)


@pytest.mark.parametrize("mask", ["A", "B", "causal"])
@pytest.mark.parametrize(
    ("sizes", "k", "d", "s"),
    [
        ((2, 9), [5], 1, 1),
        ((2, 6, 7), [3, 3], 1, 1),
        ((2, 7, 8), [3, 5], 2, 1),
        ((2, 7, 6), [3, 1], 1, 2),
        ((2, 6, 6), [1, 3], 1, 1),
        ((2, 4, 4, 3), [3, 3, 3], 1, 1),
    ],
)
def test_a_masked_convolution_reads_the_taps_that_are_left(
    mask: str, sizes: Sequence[int], k: list[int], d: int, s: int
) -> None:
    fields = {"out": 2, "k": k, "d": d, "s": s, "p": [d * (n // 2) for n in k], "mask": mask}
    agree([{"conv": fields}], sizes, lambda x: masked(x, k, mask, d, s))
    agree([{"conv": {**fields, "g": 2}}], sizes, lambda x: masked(x, k, mask, d, s, 2))


def test_a_stack_of_masked_convolutions_has_pixelcnns_blind_spot() -> None:
    layers = [{"conv": {"out": 1, "k": 3, "p": 1, "mask": mask}} for mask in "ABB"]
    sizes = (1, 7, 7)

    def compute(x: Tensor) -> Tensor:
        for mask in "ABB":
            x = masked(x, [3, 3], mask, 1, 1)
        return x

    agree(layers, sizes, compute)
    network = network_of(layers, sizes)
    seen = read(network, 3, (5, 2), bordered=True)
    earlier = {(row, column) for row in range(7) for column in range(7)} & {
        place for place in product(range(7), range(7)) if place < (5, 2)
    }
    assert seen < earlier
    assert (4, 6) in earlier - seen  # to the right above: no path of the masks leads there


def test_channels_attend_over_all_positions() -> None:
    module = attending.ChannelAttention(2, 1, None, True, True).double()
    agree([{"channel_attention": {"heads": 1}}], (2, 3, 4), module)


@pytest.mark.parametrize(
    ("most", "step", "stride"),
    [([1, 2], [1, 1], [1, 1]), ([2, 2], [2, 1], [1, 2]), (None, [1, 1], [1, 1])],
)
def test_a_correlation_reads_its_displacements(
    most: list[int] | None, step: list[int], stride: list[int]
) -> None:
    fields = {"max_displacement": most, "displacement_stride": step, "stride": stride}
    module = attending.Correlation(most, step, stride)
    layers = [{"correlation": fields, "from": ["input", "input"]}, {"conv": {"out": 1, "k": 1}}]
    agree(layers, (2, 5, 6), lambda x: module(x, x))


def test_each_channel_of_a_correlation_reads_one_displacement() -> None:
    fields = {"max_displacement": 1, "stride": 1, "displacement_stride": 1}
    network = network_of([{"correlation": fields, "from": ["input", "input"]}], (2, 5, 6))
    found = study(network, position=(2, 3), channel=0)
    assert found.region is not None
    assert listed(found.region, 2) == {(2, 3), (1, 2)}


@pytest.mark.parametrize(("k", "encoder"), [(3, 1), (3, 3), (3, 5)])
def test_carafe_reads_around_the_position_that_it_comes_from(k: int, encoder: int) -> None:
    both = [2, 1]
    module = attending.Carafe(2, both, [k, k], [encoder, encoder], 2, 1).double()
    fields = {"scale": both, "k": k, "encoder_kernel_size": encoder, "compressed_channels": 2}
    agree([{"carafe": fields}], (2, 4, 3), module)
