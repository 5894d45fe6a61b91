"""40 networks from both exporters of PyTorch, held against PyTorch's numbers."""

from __future__ import annotations

import pytest
from importing.archives import EXPORTERS, exported, truth

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target

FILES = [(exporter, name) for exporter in EXPORTERS for name in truth()]


def network(exporter: str, name: str) -> NetworkFile:
    """The network of one file."""
    content = exported(exporter)[name]
    return read_target(Target(f"{name}.onnx", None, content, format="onnx"))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("exporter", "name"), FILES)
def test_every_file_maps_with_the_macs_of_pytorch(exporter: str, name: str) -> None:
    found = network(exporter, name)
    assert not found.problems
    assert None not in found.outputs.values()
    report = analyse(found)
    assert report.totals.macs == truth()[name].macs


# Where an exporter keeps what a module has, its parameters are the module's. Both fold batch norms
# into convolutions, whose biases are left out if they are zero; attention's tables of offsets are
# gathered before they are written; weights of equal value are written once and counted per use.
SAME_PARAMS = (
    "tv_vit_b_16",
    "timm_vit_tiny_patch16_224",
    "timm_edgenext_small",
    "tv_squeezenet1_1",
)


@pytest.mark.parametrize("name", SAME_PARAMS)
def test_what_is_not_folded_has_the_modules_parameters(name: str) -> None:
    assert analyse(network("torchscript", name)).totals.params == truth()[name].params


def test_a_folded_norm_leaves_a_bias_for_scale_and_shift() -> None:
    """Of 4,800 normalised channels scale and shift go, and a bias of the convolution comes."""
    found = analyse(network("torchscript", "tv_resnet18")).totals.params
    assert found == truth()["tv_resnet18"].params - truth()["tv_resnet18"].buffers // 2


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("tv_resnet18", "resnet18"),
        ("tv_resnet50", "resnet50"),
        ("tv_mobilenet_v2", "mobilenet_v2"),
        ("tv_densenet121", "densenet121"),
        ("tv_squeezenet1_1", "squeezenet1_1"),
        ("tv_convnext_tiny", "convnext_tiny"),
        ("tv_regnet_y_400mf", "regnet_y_400mf"),
        ("timm_ghostnet_100", "ghostnet_100"),
    ],
)
def test_receptive_fields_are_those_of_the_shipped_networks(name: str, shipped: str) -> None:
    from convcalc.language.sources.resolve import resolve

    wanted = analyse(read_target(resolve(shipped))).receptive_field
    assert wanted is not None
    for exporter in EXPORTERS:
        found = analyse(network(exporter, name)).receptive_field
        assert found is not None
        assert (found.size, found.jump) == (wanted.size, wanted.jump)
