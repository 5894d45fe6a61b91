"""36 programs of torch.export, held against PyTorch's numbers."""

from __future__ import annotations

from functools import cache

import pytest
from importing.archives import program_truth, programs

from convcalc.analysis.analyse import analyse
from convcalc.analysis.conventions import convention_names
from convcalc.analysis.conventions.counting import layer_counts, total
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.resolve import resolve
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

NAMES = list(program_truth())
QUICK = ("tv_resnet18", "tv_shufflenet_v2_x1_0", "tv_r3d_18", "timm_levit_128s", "tv_googlenet")


@cache
def network(name: str) -> NetworkFile:
    """The network of a program."""
    return read_target(Target(f"{name}.pt2", None, programs()[name], format="pt2"))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.exhaustive] * (name not in QUICK)) for name in NAMES],
)
def test_every_program_has_the_numbers_of_its_module(name: str) -> None:
    """Parameters, buffers and MACs to the unit; the module's parts that do not run are left out."""
    found, truth = network(name), program_truth()[name]
    assert not found.problems
    assert None not in found.outputs.values()
    totals = analyse(found).totals
    assert totals.macs == truth.macs
    assert totals.params == truth.params - truth.unused_params
    assert totals.buffers == truth.buffers
    if truth.unused_params:
        assert f"{truth.unused_params:,} parameters that it does not use" in found.origin


def test_the_archive_holds_what_the_table_names() -> None:
    assert set(programs()) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "shipped"),
    [("tv_resnet18", "resnet18"), ("tv_densenet121", "densenet121"), ("tv_googlenet", "googlenet")],
)
def test_receptive_fields_are_those_of_the_shipped_networks(name: str, shipped: str) -> None:
    wanted = analyse(read_target(resolve(shipped))).receptive_field
    found = analyse(network(name)).receptive_field
    assert wanted is not None
    assert found is not None
    assert (found.size, found.jump) == (wanted.size, wanted.jump)


def test_layers_belong_to_the_modules_of_the_program() -> None:
    layers = {layer.path: layer for layer in network("tv_resnet18").layers}
    convolution = layers["layer1.0.conv1"]
    assert [(group.path, group.kind) for group in convolution.groups] == [
        ("layer1", "Sequential"),
        ("layer1.0", "BasicBlock"),
    ]
    assert convolution.form == ""


def test_a_module_that_is_called_again_has_a_number() -> None:
    paths = [layer.path for layer in network("tv_resnet18").layers if "layer1.0.relu" in layer.path]
    assert paths == ["layer1.0.relu", "layer1.0.relu[1]"]
    assert "layer1.0.add" in [layer.path for layer in network("tv_resnet18").layers]


def test_a_sum_is_a_method_and_a_flatten_is_a_function() -> None:
    """``out += identity`` in code, and ``torch.flatten``."""
    forms = {layer.name: layer.form for layer in network("tv_resnet18").layers}
    assert forms["add"] == "method"
    assert forms["conv"] == forms["batch_norm"] == forms["max_pool"] == ""


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("tv_resnet18", "resnet18"),
        ("tv_googlenet", "googlenet"),
        ("tv_efficientnet_b0", "efficientnet_b0"),
        ("tv_shufflenet_v2_x1_0", "shufflenet_v2_x1_0"),
        ("tv_convnext_tiny", "convnext_tiny"),
    ],
)
def test_every_tool_counts_what_it_counts_of_the_shipped_network(name: str, shipped: str) -> None:
    """Functions, methods, derived classes and dropout are told apart as in the code."""
    ours, theirs = network(name), read_target(resolve(shipped))
    for tool in convention_names():
        assert counted(ours, tool) == counted(theirs, tool), tool


def counted(found: Network, tool: str) -> dict[str, int]:
    """The totals of a tool."""
    layers = layer_counts(found, tool)
    return {key: sum(total(layer[key]) for layer in layers) for key in layers[0]}
