# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""What 31 networks from official code asked of the language, each by its smallest example.

A number that is not counted on paper here is published, or was measured with the code it names.
"""

from __future__ import annotations

from typing import Any

import pytest
import shipped
from measured import amount
from places import TESTS
from problems import errors, marked
from small import network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target

OFFICIAL = TESTS / "examples" / "official"


def outcome(text: str, **options: Any) -> tuple[str, int]:
    """The shape of the last layer, and the parameters of the network."""
    network = network_of_text(text, **options)
    return str(network.layers[-1].analysis.output), analyse(network).totals.params


TWO_CONVS = """input: [8, 16, 16]
layers:
- {conv: {out: 8, k: 1}, id: a}
- {conv: {out: 8, k: 3, p: 1}, repeat: 3, id: m}
"""
UNITS = """input: [8, 16]
blocks:
  Unit:
    layers:
    - {conv: {out: 8, k: 3, p: 1}, id: body}
    - {conv: {out: 4, k: 1}, id: skip}
    - {identity: {}, from: body}
layers:
- {Unit: {}, repeat: 24, id: unit}
"""
HEADS = """input: [8, 16, 16]
blocks:
  Head: {layers: [{depthwise_conv: {k: 3, p: 1}, id: dw}, {conv: {out: 4, k: 1}, id: c}]}
  Again: {params: {of: ref}, layers: [{depthwise_conv: {k: 3, p: 1}, share: of.dw}, batch_norm]}
  Behind: {params: {of: ref}, layers: [{conv: {out: 2, k: 1}, from: of.c}]}
layers:
- {Head: {}, id: a}
"""
HEAD = 8 * 9 + 8 + 4 * 8 + 4
GRU = """input: [8, 16, 16]
layers:
- {conv: {out: 6, k: 1}, id: h0}
- {conv: {out: 2, k: 1}, from: input, id: zero}
- seq:
  - concat: [h, flow]
  - {conv: {out: 6, k: 1}, id: h}
  - {conv: {out: 2, k: 1}, id: flow}
  repeat: 12
  carry: {h: h0, flow: zero}
"""

EXAMPLES: dict[str, tuple[str, str, int]] = {
    # G1: sizes of what a layer reads
    "sizes": (
        "input: [4, 6, 10]\nlayers: [{opaque: {output: [positions, height, width], params: 0}}]\n",
        "60×6×10",
        0,
    ),
    "length": (
        "input: [4, 10]\nlayers: [{opaque: {output: [in_channels, length//2], params: 0}}]\n",
        "4×5",
        0,
    ),
    "depth": (
        "input: [4, 2, 6, 10]\nlayers: [{opaque: {output: [depth, 1, height, width], params: 0}}]\n",
        "2×1×6×10",
        0,
    ),
    "same": ("input: [4, 6, 10]\nlayers: [{opaque: {output: same, params: 3}}]\n", "4×6×10", 3),
    # G2: a learned tensor
    "a class token": (
        "input: [768, 14, 14]\nlayers:\n- {reshape: {shape: [in_channels, positions]}, id: patches}\n"
        "- {parameter: {shape: [768, 1]}, id: token}\n"
        "- {concat: {axis: length}, from: [token, patches]}\n",
        "768×197",
        768,
    ),
    "a table per channel": (
        "input: [8, 4, 4]\nlayers:\n- {parameter: {shape: [8, 1, 1]}, id: gain}\n- mul: [input, gain]\n",
        "8×4×4",
        8,
    ),
    "scale": ("input: [8, 4, 4]\nlayers: [scale]\n", "8×4×4", 8),
    "one scalar": ("input: [8, 4, 4]\nlayers: [{scale: {per: tensor}}]\n", "8×4×4", 1),
    "shift": ("input: [8, 4, 4]\nlayers: [shift]\n", "8×4×4", 8),
    # G3: all rounds of a loop
    "all rounds": (f"{TWO_CONVS}- concat: ['m[*]']\n", "24×16×16", 72 + 3 * 584),
    "one more before": (f"{TWO_CONVS}- concat: [a, 'm[*]']\n", "32×16×16", 72 + 3 * 584),
    "skips of Conv-TasNet": (f"{UNITS}- add: ['unit[*].skip']\n", "4×16", 24 * (200 + 36)),
    # G4: branches from a list, and under a condition
    "branches": (
        "input: [8, 16, 16]\nparams: {rates: [1, 2, 4]}\nlayers:\n- branches: {for: {r: rates}, "
        "layers: [{conv: {out: 4, k: 3, d: r, p: r}}]}\n  join: concat\n",
        "12×16×16",
        3 * 292,
    ),
    "a branch left out": (
        "input: [8, 16, 16]\nlayers:\n- branches:\n  - [{conv: {out: 8, k: 3, p: 1}}]\n"
        "  - {if: in_channels > 8, layers: [batch_norm]}\n  join: add\n",
        "8×16×16",
        584,
    ),
    # G5: several states through a loop
    "two states": (GRU, "2×16×16", 8 * 6 + 6 + 8 * 2 + 2 + 12 * (8 * 6 + 6 + 6 * 2 + 2)),
    # G6: refs to blocks
    "shared by way of a ref": (
        f"{HEADS}- {{Again: {{of: a}}, from: input}}\n",
        "8×16×16",
        HEAD + 16,
    ),
    "read by way of a ref": (f"{HEADS}- Behind: {{of: a}}\n", "2×16×16", HEAD + 10),
    "for over paths": (
        f"{HEADS}- {{conv: {{out: 2, k: 1}}, for: {{l: [a.dw, a.c]}}, from: l}}\n",
        "2×16×16",
        HEAD + 18 + 10,
    ),
    # G7: recursion with a falling int
    "recursion": (
        "input: [8, 16, 16]\nblocks:\n  U:\n    params: {n: int}\n    layers:\n"
        "    - {residual: [{max_pool: {k: 2}}, {conv: {out: 8, k: 1}}, {U: {n: n - 1}, if: n > 1}, "
        "{upsample: {scale: 2}}]}\nlayers: [{U: {n: 4}}]\n",
        "8×16×16",
        4 * 72,
    ),
    # G8: an int or a list, and what enters a block
    "a size per axis": (
        "input: [8, 16, 16]\nblocks:\n  B: {params: {s: size}, layers: [{conv: {out: 4, k: 1, s: s}}]}\n"
        "layers: [{B: {s: 2}}, {B: {s: [1, 2]}}]\n",
        "4×8×4",
        36 + 20,
    ),
    "the channels that enter a block": (
        "input: [8, 16, 16]\nblocks:\n  B:\n    params: {c: block.in_channels}\n    layers:\n"
        "    - {conv: {out: 2, k: 1}}\n    - {conv: {out: c, k: 1}}\n"
        "    - {conv: {out: block.in_channels//2, k: 1}, from: input}\nlayers: [B]\n",
        "4×16×16",
        18 + 24 + 36,
    ),
    # G9: functions of one's own
    "a function": (
        "input: [3, 8, 8]\nparams: {width: 0.25, most: 1024}\nfunctions:\n"
        "  w(c): ceil(min(c, most)*width/8)*8\nlayers: [{conv: {out: w(64), k: 1}}, "
        "{conv: {out: int(w(2048)/2), k: 1}}]\n",
        "128×8×8",
        16 * 3 + 16 + 128 * 16 + 128,
    ),
    # G11: conditional outputs
    "outputs under a condition": (
        "input: [3, 8, 8]\nparams: {train: false}\nlayers:\n- {conv: {out: 4, k: 1}, id: a}\n"
        "- {conv: {out: 2, k: 1}, id: aux, if: train}\noutputs: [a, {id: aux, if: train}]\n",
        "4×8×8",
        16,
    ),
    # G12: the weight shared, and the bias not
    "a tied autoencoder": (
        "input: [3, 8, 8]\nlayers:\n- {conv: {out: 16, k: 3}, id: enc}\n"
        "- {conv_transpose: {out: 3, k: 3}, share: {of: enc, only: [weight]}}\n",
        "3×8×8",
        451,
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_smallest_example_gives_what_is_right(name: str) -> None:
    text, shape, params = EXAMPLES[name]
    assert outcome(text) == (shape, params)


def test_vit_follows_its_input() -> None:
    """torchvision 0.28 at 3x384x384, by torch.utils.flop_counter with the attention's products."""
    network = read_network(resolve("vit_b_16"), inputs=[3, 384, 384])
    assert analyse(network).totals.macs == 55_484_350_464
    assert [problem for problem in network.problems if problem.severity == "error"] == []


def test_a_list_of_widths_makes_segformer_b1_of_b0() -> None:
    """segmentation_models_pytorch 0.6.0, Segformer(mit_b1) at 512."""
    path = OFFICIAL / "segformer_b0.convcalc.yaml"
    target = Target(str(path), None, path.read_text("utf-8"))
    totals = analyse(read_network(target, params={"widths": [64, 128, 320, 512]})).totals
    assert (totals.params, totals.macs) == (13_715_798, 15_878_062_080)


@pytest.mark.shipped
@pytest.mark.parametrize(
    ("name", "first", "gated"),
    # 7 windows of 4x4 pixels; of 8 in the second version. MaxViT's convolutions see 7 more, and the
    # gate of its squeeze and excitation all there is.
    [("swin_t", 28, False), ("swin_v2_t", 32, False), ("maxvit_t", 35, True)],
)
def test_attention_within_windows_sees_its_window(name: str, first: int, gated: bool) -> None:
    fields = [
        layer.receptive_field
        for layer in shipped.report(name).layers
        if layer.operator == "window_attention"
    ]
    assert fields[0] is not None
    assert (fields[0].size, fields[0].is_global) == ((first, first), gated)


@pytest.mark.shipped
def test_tools_that_hook_modules_do_not_see_functions() -> None:
    """thop 0.1.1 prints this for torchvision's densenet161, which calls F.relu and F.adaptive_avg_pool2d."""
    assert amount(shipped.network("densenet161"), "thop.macs") == 7_845_841_056


def test_what_stands_in_repeat_is_a_number() -> None:
    body = "layers:\n- {relu: {}, id: h, repeat: {times: 12, carry: {h: input}}}\n"
    (found,) = errors(body)
    assert (found.name, found.message) == ("wrong-type", "'repeat' needs a number of rounds")
    assert found.help == "repeat: 12, and beside it carry: {state: start}"
    assert marked(body) == ["{times: 12, carry: {h: input}}"]
