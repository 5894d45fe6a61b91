"""What must hold whatever the numbers are: one layer said in two ways, sums, and batches."""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from small import layer_of, report_of
from windows import channels, few, numbers, windows

from convcalc.analysis.report.report import Report
from convcalc.diagnostics.diagnostic import NetworkError

# --- one layer, said in two ways ------------------------------------------------------------


@given(windows(), channels, few, st.booleans())
def test_as_many_groups_as_channels_is_a_depthwise_convolution(
    window: tuple[list[int], dict[str, Any]], c: int, multiplier: int, bias: bool
) -> None:
    sizes, fields = window
    one = layer_of("conv", [c, *sizes], out_channels=c * multiplier, groups=c, bias=bias, **fields)
    two = layer_of("depthwise_conv", [c, *sizes], depth_multiplier=multiplier, bias=bias, **fields)
    assert numbers(one) == numbers(two)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), channels, channels, few, few)
def test_kernel_size_1_is_a_pointwise_convolution(
    sizes: list[int], c: int, out: int, stride: int, dilation: int
) -> None:
    one = layer_of("conv", [c, *sizes], out=out, k=1, s=stride, d=dilation)
    two = layer_of("pointwise_conv", [c, *sizes], out=out, s=stride)
    assert numbers(one) == numbers(two)


@given(st.lists(st.integers(1, 9), max_size=3), channels, channels, st.booleans())
def test_a_linear_layer_at_every_position_is_a_pointwise_convolution(
    sizes: list[int], c: int, out: int, bias: bool
) -> None:
    linear = layer_of("linear", [c, *sizes], out=out, bias=bias)
    assert linear.output.spatial == tuple(sizes)
    if sizes:
        pointwise = layer_of("pointwise_conv", [c, *sizes], out=out, bias=bias)
        costs = [(x.params, x.macs, x.elementwise, x.output) for x in (linear, pointwise)]
        assert costs[0] == costs[1]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), channels, channels, few)
def test_a_linear_layer_on_all_positions_is_a_convolution_as_large_as_its_input(
    sizes: list[int], c: int, out: int, batch: int
) -> None:
    linear = report_of(["flatten", {"linear": {"out": out}}], [c, *sizes], batch)
    conv = layer_of("conv", [c, *sizes], batch, out=out, k=sizes)
    assert conv.output.spatial == (1,) * len(sizes)
    assert (linear.totals.params, linear.totals.macs) == (conv.params, conv.macs)
    assert linear.totals.elementwise == conv.elementwise


@given(windows(), channels, channels, few, st.booleans())
def test_a_separable_convolution_is_a_depthwise_and_a_pointwise_one(
    window: tuple[list[int], dict[str, Any]], c: int, out: int, multiplier: int, bias: bool
) -> None:
    sizes, fields = window
    whole = layer_of(
        "separable_conv", [c, *sizes], out=out, depth_multiplier=multiplier, bias=bias, **fields
    )
    depthwise = {"depth_multiplier": multiplier, "bias": bias, **fields}
    layers = [{"depthwise_conv": depthwise}, {"pointwise_conv": {"out": out, "bias": bias}}]
    parts = report_of(layers, [c, *sizes])
    for key in ("params", "macs", "elementwise"):
        assert getattr(whole, key) == getattr(parts.totals, key)
    assert whole.output == parts.layers[-1].output
    assert whole.receptive_field == parts.receptive_field


@given(windows(rank=2), channels, channels, channels)
def test_a_spatially_separable_convolution_is_one_convolution_per_axis(
    window: tuple[list[int], dict[str, Any]], c: int, middle: int, out: int
) -> None:
    sizes, fields = window
    whole = layer_of(
        "spatially_separable_conv", [c, *sizes], out=out, mid_channels=middle, **fields
    )
    neutral = {"kernel_size": 1, "stride": 1, "padding": [0, 0], "dilation": 1}
    first = {key: [value[0], neutral[key]] for key, value in fields.items()}
    second = {key: [neutral[key], value[1]] for key, value in fields.items()}
    layers = [{"conv": {"out": middle, **first}}, {"conv": {"out": out, **second}}]
    parts = report_of(layers, [c, *sizes])
    for key in ("params", "macs", "elementwise"):
        assert getattr(whole, key) == getattr(parts.totals, key)
    assert whole.output == parts.layers[-1].output
    assert whole.receptive_field == parts.receptive_field


@given(windows(), channels, channels, few)
def test_dilation_of_a_single_tap_and_dilation_1_change_nothing(
    window: tuple[list[int], dict[str, Any]], c: int, out: int, dilation: int
) -> None:
    sizes, fields = window
    undilated = {key: value for key, value in fields.items() if key != "dilation"}
    plain = layer_of("conv", [c, *sizes], out=out, **undilated)
    assert numbers(layer_of("conv", [c, *sizes], out=out, **undilated, d=1)) == numbers(plain)
    single = {**undilated, "kernel_size": 1}
    spread = layer_of("conv", [c, *sizes], out=out, **single, d=dilation)
    assert numbers(spread) == numbers(layer_of("conv", [c, *sizes], out=out, **single))


@given(windows(), channels, few)
def test_dilation_with_its_padding_widens_the_view_and_costs_nothing(
    window: tuple[list[int], dict[str, Any]], c: int, dilation: int
) -> None:
    sizes, fields = window
    kernel = [2 * k - 1 for k in fields["kernel_size"]]
    dense = layer_of("conv", [c, *sizes], out=c, k=kernel, p="half")
    spread = layer_of("conv", [c, *sizes], out=c, k=kernel, p="half", d=dilation)
    assert spread.output == dense.output
    assert (spread.params, spread.macs) == (dense.params, dense.macs)
    assert spread.receptive_field is not None
    assert spread.receptive_field.size == tuple(dilation * (k - 1) + 1 for k in kernel)


@given(windows(), channels, channels, st.sampled_from([1, 2, 4]))
def test_groups_divide_weights_and_macs_but_not_the_bias(
    window: tuple[list[int], dict[str, Any]], c: int, out: int, groups: int
) -> None:
    sizes, fields = window
    c, out = c * groups, out * groups
    dense = layer_of("conv", [c, *sizes], out=out, **fields)
    split = layer_of("conv", [c, *sizes], out=out, groups=groups, **fields)
    assert split.macs * groups == dense.macs
    assert (split.params - out) * groups == dense.params - out
    assert (split.elementwise, split.output) == (dense.elementwise, dense.output)


@given(windows(rank=2), channels, channels)
def test_turning_the_image_turns_the_result(
    window: tuple[list[int], dict[str, Any]], c: int, out: int
) -> None:
    sizes, fields = window
    turned = {key: value[::-1] for key, value in fields.items()}
    for operator in ("conv", "conv_transpose"):
        one = {"output_padding": 0} if operator == "conv_transpose" else {}
        try:
            straight = layer_of(operator, [c, *sizes], out=out, **fields, **one)
        except NetworkError:  # the padding leaves nothing of a stamped kernel
            assume(False)
        other = layer_of(operator, [c, *sizes[::-1]], out=out, **turned, **one)
        assert other.output.spatial == straight.output.spatial[::-1]
        assert (other.params, other.macs) == (straight.params, straight.macs)
        assert other.receptive_field and straight.receptive_field
        assert other.receptive_field.size == straight.receptive_field.size[::-1]
        assert other.receptive_field.jump == straight.receptive_field.jump[::-1]


@given(windows(rank=1), channels, channels, few)
def test_an_axis_of_kernel_size_1_is_so_many_separate_rows(
    window: tuple[list[int], dict[str, Any]], c: int, out: int, rows_: int
) -> None:
    (size,), fields = window
    flat = layer_of("conv", [c, size], out=out, **fields)
    beside = {"kernel_size": 1, "stride": 1, "padding": [0, 0], "dilation": 1}
    tall = {key: [beside[key], *value] for key, value in fields.items()}
    image = layer_of("conv", [c, rows_, size], out=out, **tall)
    assert image.output.spatial == (rows_, *flat.output.spatial)
    assert image.params == flat.params
    assert (image.macs, image.elementwise) == (rows_ * flat.macs, rows_ * flat.elementwise)


@given(st.integers(1, 12), st.integers(1, 12), channels)
def test_adaptive_pooling_to_one_part_is_global_pooling(h: int, w: int, c: int) -> None:
    for kind in ("avg", "max"):
        part = layer_of(f"adaptive_{kind}_pool", [c, h, w], output_size=1)
        whole = layer_of(f"global_{kind}_pool", [c, h, w], keepdim=True)
        assert part.output == whole.output
        assert part.elementwise == whole.elementwise


# --- sizes ----------------------------------------------------------------------------------


@given(windows(), channels)
def test_a_transposed_convolution_gives_the_size_of_the_convolutions_input_back(
    window: tuple[list[int], dict[str, Any]], c: int
) -> None:
    sizes, fields = window
    # What the windows did not reach at the end of each axis comes back as output padding.
    rest = [
        (n + sum(p) - d * (k - 1) - 1) % s
        for n, k, s, p, d in zip(sizes, *fields.values(), strict=True)
    ]
    layers = [
        {"conv": {"out": 2 * c, **fields}},
        {"conv_transpose": {"out": c, **fields, "output_padding": rest}},
    ]
    down, up = report_of(layers, [c, *sizes]).layers
    assert up.output == down.inputs[0]


@given(windows(), channels, channels, few)
def test_macs_are_placements_times_weights(
    window: tuple[list[int], dict[str, Any]], c: int, out: int, batch: int
) -> None:
    sizes, fields = window
    slid = layer_of("conv", [c, *sizes], batch, out=out, bias=False, **fields)
    assert slid.macs == batch * slid.output.positions * prod(slid.weights["weight"])
    unpadded = {**fields, "padding": 0}
    stamped = layer_of("conv_transpose", [c, *sizes], batch, out=out, bias=False, **unpadded)
    assert stamped.macs == batch * prod(sizes) * prod(stamped.weights["weight"])
    assert stamped.params == slid.params


# --- ways of writing the same ---------------------------------------------------------------


def costs(report: Report) -> list[Any]:
    """The layers without their names."""
    return [numbers(layer) for layer in report.layers]


@given(few, channels)
def test_repeats_loops_sequences_and_blocks_write_the_same_layers(times: int, c: int) -> None:
    body = [{"conv": {"out": c, "k": 3, "p": 1}}, "relu"]
    plain = report_of(body * times, [c, 6, 6])
    ways = [
        report_of([{"seq": body, "repeat": times}], [c, 6, 6]),
        report_of([{"seq": body, "for": {"x": [1] * times}}], [c, 6, 6]),
        report_of(
            [{"Pair": {"c": c}, "repeat": times}],
            [c, 6, 6],
            blocks={
                "Pair": {
                    "params": {"c": {"type": "int"}},
                    "layers": [{"conv": {"out": "c", "k": 3, "p": 1}}, "relu"],
                }
            },
        ),
    ]
    for way in ways:
        assert costs(way) == costs(plain)
        assert vars(way.totals) == vars(plain.totals)


@given(channels, st.integers(2, 4))
def test_channels_that_are_split_and_joined_are_the_same_channels(c: int, parts: int) -> None:
    layers = [{"branches": [[] for _ in range(parts)], "split": "channels", "join": "concat"}]
    report = report_of(layers, [c * parts, 5, 5])
    assert report.layers[-1].output.dims == (1, c * parts, 5, 5)
    assert (report.totals.params, report.totals.macs, report.totals.elementwise) == (0, 0, 0)


@given(st.lists(st.tuples(st.sampled_from([1, 3, 5]), st.integers(1, 3)), min_size=1, max_size=5))
def test_the_order_of_convolutions_without_stride_does_not_matter_for_what_is_seen(
    kernels: list[tuple[int, int]],
) -> None:
    def seen(order: list[tuple[int, int]]) -> Any:
        layers = [{"conv": {"out": 1, "k": k, "d": d, "p": "half"}} for k, d in order]
        return report_of(layers, [1, 40]).receptive_field

    one = seen(kernels)
    assert one == seen(kernels[::-1])
    assert one.size == (1 + sum(d * (k - 1) for k, d in kernels),)
