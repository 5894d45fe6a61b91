"""Random networks against PyTorch: counts, and which numbers an output depends on.

``python tests/torch/random_networks.py 20000`` compares more of them by hand.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from typing import Any

import pytest
import torch
from random_layers import ATTENDING, JOINTS, LEARNED, UNSEEN
from random_models import OPERATORS, Model, Step, supports
from random_networks import (
    ALL,
    CHANGES,
    MOVES,
    WINDOWS,
    Plan,
    activation,
    differences,
    drawn,
    narrow,
    network_of,
    norm,
    report_of,
    shrunk,
    text_of,
    unpooling,
    whole,
)
from random_operators import MORE as MORE_OPERATORS
from regions import listed

from convcalc.analysis.receptive_field.histories import Histories
from convcalc.analysis.receptive_field.preimage import Unseen
from convcalc.analysis.receptive_field.read_back import POINT, read_back, read_histories
from convcalc.analysis.receptive_field.region import product as region_of
from convcalc.model.graph.paths import paths_of

BLOCK = 40  # seeds of one test


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(0, 400, BLOCK))
def test_a_random_network_counts_as_pytorch_does(first: int) -> None:
    for seed in range(first, first + BLOCK):
        plan = drawn(seed)
        if differences(plan):
            pytest.fail(f"seed {seed}\n{report_of(plan)}")


def test_random_networks_have_all_that_they_should() -> None:
    plans = [drawn(seed) for seed in range(1000)]
    steps = [step for plan in plans for step in plan.steps]
    assert {len(plan.inputs) for plan in plans} == {1, 2}
    assert {len(sizes) for plan in plans for sizes in plan.inputs.values()} == {2, 3, 4}
    assert sum(len(plan.outputs) > 1 for plan in plans) > 50
    assert sum(bool(step.share) for step in steps) > 30
    assert sum(bool(step.paths) for step in steps) > 50
    assert sum(plan.dead in {step.name for step in plan.steps} for plan in plans) > 15
    used = {step.operator for step in steps} | {
        inner.operator for step in steps for path in step.paths for inner in path
    }
    assert len(used) > 80, sorted(used)
    assert {*OPERATORS, *MORE_OPERATORS} <= used
    modes = {step.fields.get("padding_mode") for step in steps}
    assert modes >= {"zeros", "reflect", "replicate", "circular"}


def test_a_difference_is_shown_by_the_smallest_network_that_has_it() -> None:
    def has_a_grouped_window(plan: Plan) -> bool:
        return any(step.operator == "conv" and step.fields.get("g", 1) > 1 for step in plan.steps)

    plan = next(plan for plan in map(drawn, range(100)) if has_a_grouped_window(plan))
    small = shrunk(plan, has_a_grouped_window)
    assert len(small.steps) == 1
    assert set(small.steps[0].fields) == {"g"}


# --- what an output depends on -----------------------------------------------------------------

# Layers whose outputs together read what their inputs together read: no channel goes its own way.
# An unpooling writes a value to one of the positions that it could: gradients show that one alone.
SPREAD = tuple(maker for maker in MOVES if maker is not unpooling)
TOGETHER = (*WINDOWS, *SPREAD, activation, *CHANGES, narrow, norm, whole, *LEARNED, *ATTENDING)
# Where something points is not known; all axes stay where they are.
SEEN = tuple(name for name in JOINTS if not name.startswith(("grid_sample", "multi_scale")))


def seen(plan: Plan, output: str) -> dict[str, torch.Tensor]:
    """By input: (output position ..., input position ...), over all channels."""
    return {name: mask.any(0) for name, mask in seen_by_channels(plan, output).items()}


def seen_by_channels(plan: Plan, output: str) -> dict[str, torch.Tensor]:
    """By input: (output channel, output position ..., input position ...)."""
    inputs = {
        name: torch.rand(1, *sizes, generator=torch.Generator().manual_seed(7), dtype=torch.double)
        + 0.5
        for name, sizes in plan.inputs.items()
    }
    interpolated = any(step.fields.get("mode") in ("linear", "cubic") for step in plan.steps)
    model = Model(plan.steps, smooth=True)
    masks = supports(model, inputs, output, 1e-13 if interpolated else 0.0)
    rank = len(model(inputs)[output].shape) - 2
    return {name: mask.any(rank + 1) for name, mask in masks.items()}


def test_supports_tell_channels_apart() -> None:
    """A grouped convolution: each half of the outputs sees its half of the inputs, 3 positions."""
    grouped = Step("t", "conv", {"out": 2, "k": [3], "p": [[1, 1]], "g": 2}, ("input",))
    plan = Plan({"input": (4, 7)}, (grouped,))
    inputs = {"input": torch.rand(1, 4, 7, dtype=torch.double) + 0.5}
    mask = supports(Model(plan.steps, smooth=True), inputs, "t")["input"]
    for c, y, channel, x in product(range(2), range(7), range(4), range(7)):
        assert mask[c, y, channel, x] == (channel // 2 == c and abs(x - y) <= 1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(120))
def test_a_whole_tensor_reads_what_gradients_reach(seed: int) -> None:
    plan = drawn(seed, makers=TOGETHER, most=400, joints=("elementwise", "conv_transpose"))
    network = network_of(plan)
    for output in plan.outputs:
        number = paths_of(network).tensor(output)
        if not network.shape(number).rank:  # a vector has no position to ask about
            continue
        masks = seen(plan, output)
        places = list(product(*map(range, network.shape(number).spatial)))
        for place in places:
            wanted = {number: region_of([(y, 1) for y in place])}
            regions = read_back(network, wanted, bordered=True, strict=True)
            for name, mask in masks.items():
                rank = len(plan.inputs[name]) - 1
                found = listed(regions.get(name), rank)
                reached = {tuple(one) for one in mask[place].nonzero().tolist()}
                assert found == reached, (place, name, text_of(plan))


# Everything else that is drawn, but layers whose PyTorch side is not smooth.
APART = tuple(maker for maker in ALL if maker not in (unpooling, *UNSEEN))


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(0, 240, 8))
def test_every_channel_reads_what_its_gradients_reach(first: int) -> None:
    for seed in range(first, first + 8):
        plan = drawn(seed, makers=APART, most=300, joints=SEEN)
        network = network_of(plan)
        histories = Histories(network)
        for output in plan.outputs:
            number = paths_of(network).tensor(output)
            if is_scattered(histories, number):  # a number of it has a position of its own
                continue
            if number in histories.moved:  # its axes are not those of the image
                continue
            masks = seen_by_channels(plan, output)
            with suppress(Unseen):  # where positions were cut apart, say
                compare_channels(plan, histories, number, masks)


def is_scattered(histories: Histories, tensor: int) -> bool:
    """Whether positions lie in the channels of a tensor."""
    own = histories.tensors[tensor].histories
    return any(histories.histories[each].scattered for each in own)


def compare_channels(
    plan: Plan, histories: Histories, tensor: int, masks: dict[str, torch.Tensor]
) -> None:
    """Each channel of a tensor, at every position."""
    network = histories.network
    shape = network.shape(tensor)
    done: dict[Any, dict[str, Any]] = {}
    for channel, place in product(range(shape.channels), product(*map(range, shape.spatial))):
        history = histories.tensors[tensor].of(channel)
        assert history is not None
        if (history, place) not in done:
            region = region_of([(y, 1) for y in place]) if place else POINT
            wanted = {history: region}
            done[history, place] = read_histories(histories, wanted, bordered=True, strict=True)
        for name, mask in masks.items():
            found = listed(done[history, place].get(name), len(plan.inputs[name]) - 1)
            reached = {tuple(one) for one in mask[(channel, *place)].nonzero().tolist()}
            assert found == reached, (channel, place, name, text_of(plan))
