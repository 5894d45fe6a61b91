"""Every operator, in every way of its case table: written, checked by onnx, and read back.

A row is written or refused; what is refused is listed here by the operator's name, and so is what
the reader cannot say again.
"""

from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="the onnx package is not installed")

from cases import OPERATORS, Row, rows
from exporting.onnx.agreement import checked, differences, stated

from convcalc.exporting.onnx.model import onnx_file
from convcalc.exporting.onnx.nodes import Unwritable
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

# Without an equal in ONNX, whatever their fields are.
REFUSED = {
    *("carafe", "channel_attention", "cond_conv", "conv_gru", "conv_lstm", "coord_conv"),
    *("deform_ps_roi_pool", "deform_roi_pool", "fold", "fourier_unit", "fractional_max_pool"),
    "gated_conv",
    *("global_filter", "gru", "inpainting_conv", "linear_attention", "local_attention"),
    *("locally_connected", "lstm", "multi_scale_deformable_attention", "octave_conv", "opaque"),
    *("ps_roi_align", "ps_roi_pool", "scatter", "selective_scan", "spectral_conv"),
    "submanifold_conv",
}
# Refused in some ways: how many rows of the table.
PARTLY = {
    "adaptive_avg_pool": 1,
    "adaptive_max_pool": 1,
    "attention": 1,
    "bilinear_conv_transpose": 1,
    "channel_shuffle": 1,
    "chunk": 1,
    "conv": 3,
    "conv_transpose": 24,
    "correlation": 1,
    "crop": 3,
    "deform_conv": 16,
    "dot_product_attention": 6,
    "group_norm": 1,
    "involution": 1,
    "layer_norm": 1,
    "learned_group_conv": 3,
    "lp_pool": 1,
    "max_unpool": 7,
    "pad": 2,
    "roi_align": 2,
    "roi_pool": 2,
    "space_to_batch": 1,
    "upsample": 1,
    "window_attention": 2,
}
# What the reader does not say again, and why.
UNREAD = {
    "batch_to_space": "several images that become one are one batch to it",
    "space_to_batch": "one image that becomes several is one image to it",
    "parameter": "a constant that is returned is no layer",
}
UNREAD_ROWS = {
    "add-13": "sizes that are not known are not compared",
    "batch_norm-15": "statistics over the batch",
    "concat-6": "sizes that are not known are not compared",
    "crop-13": "a slice of a size that is not known",
    "embedding-2": "a vector of indices",
    "max_pool-13": "padding same in numbers, beyond PyTorch's bound",
    "mul-13": "sizes that are not known are not compared",
    "pixel_unshuffle-6": "a reshape of a size that is not known",
    "reshape-5": "a reshape of a size that is not known",
    "roi_align-3": "boxes of two images",
    "roi_pool-2": "boxes of two images",
    "slice-5": "a slice of a size that is not known",
}


def networks(operator: str) -> list[tuple[Row, Network]]:
    """The rows of an operator that are no mistakes, as networks."""
    working = (row for row in rows(operator) if row.works)
    return [
        (row, read_network(Target("case.yaml", None, row.text), batch=row.batch)) for row in working
    ]


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_layer_is_written_as_onnx_accepts_it_and_read_back_with_its_numbers(
    operator: str,
) -> None:
    refused = []
    wrong = {}
    for row, network in networks(operator):
        try:
            content = onnx_file(network)
        except Unwritable as error:
            refused.append(str(error))
            continue
        sizes = stated(checked(content))
        for name, number in network.outputs.items():
            ours = network.shape(number).dims
            assert all(m in (0, n) for n, m in zip(ours, sizes[name], strict=True)), row.name
        if operator not in UNREAD and f"{operator}-{row.number}" not in UNREAD_ROWS:
            wrong[row.name] = differences(network, content)
    assert {name: what for name, what in wrong.items() if what} == {}
    assert all(operator in message or "not known" in message for message in refused), refused
    everything = len(networks(operator))
    assert len(refused) == (everything if operator in REFUSED else PARTLY.get(operator, 0)), refused


@pytest.mark.parametrize("name", sorted(UNREAD_ROWS))
def test_what_is_not_read_back_differs_still(name: str) -> None:
    operator, number = name.rsplit("-", 1)
    found = {row.number: network for row, network in networks(operator)}
    network = found[int(number)]
    assert differences(network, onnx_file(network))
