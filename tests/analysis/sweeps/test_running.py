"""Many configurations at once against the ordinary path, one by one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from shipped import shipped_files

pytest.importorskip("numpy", reason="numpy is not installed: sweeps are not tested")

from convcalc.analysis.sweeps.measuring import Assumptions
from convcalc.analysis.sweeps.metrics import METRICS
from convcalc.analysis.sweeps.running import PROBLEM, Differs, Runner
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.target import Target
from convcalc.model.operators import registry

SUMS = ("params", "macs", "activations", "memory", "training", "elementwise", "moved")
FIELDS = ("receptive_field", "jump")


def runner(text: str, metrics: Sequence[str] = SUMS) -> Runner:
    """What measures the network of a text."""
    return Runner(lambda: NetworkSource(Target("net.yaml", text=text)), metrics, Assumptions())


def of_file(file: str, metrics: Sequence[str]) -> Runner:
    return Runner(lambda: NetworkSource(Target(file)), metrics, Assumptions())


def require_all_equal(run: Runner, columns: Mapping[str, Sequence[Any]], rows: int) -> None:
    """Every row, or some of them, is what the ordinary path gives."""
    found = run.run(columns)
    count = len(found[PROBLEM])
    chosen = range(count) if rows >= count else random.Random(rows).sample(range(count), rows)
    for row in chosen:
        run.require_equal(columns, found, row)


def net(layers: str, params: str = "", size: str = "[6, 24, 20]") -> str:
    given = f"params: {{{params}}}\n" if params else ""
    return f"convcalc: 1\nname: net\ninput: {size}\n{given}layers:\n{layers}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name.partition(".")[0])
def test_sizes_of_a_shipped_network(path: Any) -> None:
    source = NetworkSource(Target(str(path)))
    network = source.network()
    shapes = list(network.inputs.values())
    if len(shapes) != 1 or any(p.severity == "error" for p in network.problems):
        pytest.skip("several inputs")
    rng = random.Random(path.name)
    own = [size if isinstance(size, int) else 64 for size in shapes[0].dims[1:]]
    sizes = [
        [own[0], *(max(1, rng.randint(size // 2, size * 3 // 2)) for size in own[1:])]
        for _ in range(40)
    ]
    require_all_equal(of_file(str(path), ("params", "macs", "memory")), {"input": sizes}, 4)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name.partition(".")[0])
def test_params_of_a_shipped_network(path: Any) -> None:
    document = NetworkSource(Target(str(path))).document
    assert document is not None
    rng = random.Random(path.name)
    for name, param in document.unit.params.items():
        if param.kind not in ("int", "float") or param.evaluate is None:
            continue
        try:
            usual = param.evaluate({})
        except Exception:  # it depends on another param
            continue
        if param.kind == "int":
            few = usual < 16
            values: list[Any] = [
                max(0, usual + rng.randint(-3, 5)) if few else int(usual * rng.uniform(0.5, 1.5))
                for _ in range(16)
            ]
        else:
            values = [round(usual * rng.uniform(0.3, 2), 2) for _ in range(16)]
        require_all_equal(of_file(str(path), ("params", "macs")), {name: values}, 3)


BASIC = ("resnet", "mobilenet_v2", "unet", "convnext", "swin", "efficientnet", "yolov8", "densenet")


@pytest.mark.parametrize("name", BASIC)
def test_all_numbers_of_networks(name: str) -> None:
    path = next(each for each in shipped_files() if each.name == f"{name}.convcalc.yaml")
    rng = random.Random(name)
    sizes = [[3, 32 * rng.randint(2, 9), 32 * rng.randint(2, 9)] for _ in range(12)]
    require_all_equal(of_file(str(path), (*SUMS, *FIELDS)), {"input": sizes}, 3)


# Fields where those that are required do not say enough.
FIELDS_OF = {
    "upsample": "scale: 2",
    "involution": "kernel_size: 3",
    "deform_conv": "version: 1, out_channels: w, kernel_size: 3",
    "octave_conv": "out_channels: 4*w, kernel_size: 3, alpha_in: null, alpha_out: 0.5",
    "submanifold_conv": "out_channels: w, kernel_size: 3, density: 0.5",
    "pad": "padding: 1",
    "pad_channels": "after: w",
    "slice": "axis: channels, stop: w",
    "chunk": "chunks: 2, axis: channels",
    "fractional_max_pool": "kernel_size: 2, output_size: 3",
    "permute": "dims: [2, 1, 3]",
    "elementwise": "op: exp",
    "reshape": "shape: [4*w, -1]",
}
# Those that need further inputs, other ranks or words; shipped networks have most of them.
NOT_ALONE = {
    *("add", "mul", "maximum", "stack", "matmul", "correlation", "grid_sample", "scatter", "fold"),
    *("conv_gru", "conv_lstm", "gru", "lstm", "embedding", "parameter", "opaque", "max_unpool"),
    *("dot_product_attention", "multi_scale_deformable_attention", "deform_ps_roi_pool"),
    *("batch_to_space", "channel_select", "crop", "mix_conv", "reduce"),
}


@pytest.mark.parametrize("operator", registry.operator_names())
def test_every_operator_takes_lanes(operator: str) -> None:
    """Sizes, channels and widths, each row again; with numbers if it can stand alone."""
    rng = random.Random(operator)
    fields = registry.fields_of(registry.operator_class(operator))
    required = {
        name: {"int": "w", "size": 3, "pair": 3}.get(declared.kind, 2)
        for name, declared in fields.items()
        if declared.required
    }
    usual = ", ".join(f"{name}: {value}" for name, value in required.items())
    layer = f"{operator}: {{{FIELDS_OF.get(operator, usual)}}}"
    text = net(f"  - conv: {{out_channels: 4*w, kernel_size: 1}}\n  - {layer}\n", "w: 4")
    run = runner(text, ("params", "macs", "memory", "layers"))
    columns = {
        "w": [rng.randint(1, 12) for _ in range(10)],
        "input": [[rng.choice((4, 8)), rng.randint(6, 30), rng.randint(6, 30)] for _ in range(10)],
    }
    assert all(run.run(columns)[PROBLEM]) is (operator in NOT_ALONE)
    require_all_equal(run, columns, 10)


@pytest.mark.parametrize(
    "layers",
    [
        "  - conv: {out_channels: make_divisible(6*w), kernel_size: 3, stride: s, padding: k}\n"
        "  - {batch_norm: , if: w > 1}\n"
        "  - {conv: {out_channels: 8, kernel_size: k}, repeat: s}\n",
        "  - residual:\n      - conv: {out_channels: 6, kernel_size: 3, padding: 1}\n"
        "  - conv: {out_channels: '[8, 16, 32][s % 3]', kernel_size: k, dilation: s}\n",
        "  - conv: {out_channels: 6*s, kernel_size: 1}\n"
        "  - branches:\n      - [relu]\n      - [conv: {out_channels: s, kernel_size: 1}]\n"
        "    split: channels\n    join: concat\n"
        "  - max_pool: {kernel_size: k, ceil_mode: true}\n",
        "  - conv: {out_channels: 12 // s * s, kernel_size: 3, groups: s}\n  - flatten\n"
        "  - linear: {out_channels: round(10*w)}\n",
        "  - depthwise_conv: {kernel_size: k, padding: same}\n  - upsample: {scale: s}\n"
        "  - adaptive_avg_pool: {output_size: 3}\n",
    ],
)
def test_params_that_change_structure(layers: str) -> None:
    rng = random.Random(layers)
    text = net(layers, "w: 1.0, s: 1, k: 3")
    columns = {
        "w": [rng.choice((0.25, 0.5, 1.0, 1.35)) for _ in range(30)],
        "s": [rng.randint(1, 3) for _ in range(30)],
        "k": [rng.choice((1, 2, 3, 5)) for _ in range(30)],
        "input": [[6, rng.randint(4, 30), rng.randint(8, 30)] for _ in range(30)],
    }
    run = runner(text, (*SUMS, *FIELDS))
    assert not all(run.run(columns)[PROBLEM])
    require_all_equal(run, columns, 30)


def test_a_row_with_a_problem_has_no_numbers_and_says_where() -> None:
    run = runner(net("  - conv: {out_channels: 4, kernel_size: 7}\n"), ("macs",))
    found = run.run({"input": [[6, 5, 5], [6, 7, 7], [6, 9, 6]]})
    assert found["macs"] == [None, 4 * 6 * 49, None]
    assert found[PROBLEM][1] == ""
    assert "net.yaml:5" in found[PROBLEM][0]


def test_an_unknown_number_is_none() -> None:
    text = net("  - opaque: {output: [4, 8], params: null, macs: 5}\n", size="[3, 8]")
    found = runner(text, ("params", "macs")).run({"input": [[3, 8], [3, 9]]})
    assert found["params"] == [None, None]
    assert found["macs"] == [5, 5]


def test_words_and_lists_are_swept_too() -> None:
    text = net(
        "  - conv: {out_channels: 8, kernel_size: 3, padding: p}\n"
        "  - {conv: {out_channels: c, kernel_size: 1}, for: {c: widths}}\n",
        "p: {default: same, type: str}, widths: [4, 8]",
    )
    columns = {
        "p": ["same", "valid", "same", "valid"],
        "widths": [[4, 8], [4, 9], [5], [6, 6]],
    }
    require_all_equal(runner(text), columns, 4)


def test_one_run_does_for_many_sizes() -> None:
    path = next(each for each in shipped_files() if each.name == "resnet.convcalc.yaml")
    run = of_file(str(path), ("params", "macs", "memory"))
    run.run({"input": [[3, 64 + k, 64 + 3 * k] for k in range(1000)]})
    assert run.runs == 1
    assert not run.apart


def test_numbers_beyond_64_bits_are_exact() -> None:
    run = runner(net("  - conv: {out_channels: 6, kernel_size: 1}\n"), ("macs", "moved"))
    sizes = [2**40 - 1, 2**40, 2**41 + 1]
    found = run.run({"input": [[6, size, size] for size in sizes]})
    assert found["macs"] == [36 * size * size for size in sizes]


def test_a_wrong_number_stops_a_sweep() -> None:
    run = runner(net("  - conv: {out_channels: 4, kernel_size: 3}\n"), ("macs",))
    columns = {"input": [[6, 8, 8], [6, 9, 9]]}
    found = run.run(columns)
    found["macs"][1] += 1
    run.require_equal(columns, found, 0)
    with pytest.raises(Differs):
        run.require_equal(columns, found, 1)


def test_every_metric_has_a_sentence() -> None:
    assert all(METRICS.values())
