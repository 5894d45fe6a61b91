"""Memory against a count by hand: which tensors are alive while each layer works."""

from __future__ import annotations

import random
from typing import Any

import pytest

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Memory, Report
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known


def network(body: str, **options: Any) -> Network:
    text = f"convcalc: 1\nname: net\n{body}"
    found = read_network(Target("net.convcalc.yaml", None, text), **options)
    assert not found.problems, found.problems
    return found


def report(body: str, dtype: str = "float32", **options: Any) -> Report:
    return analyse(network(body, **options), dtype=dtype)


def memory(body: str, dtype: str = "float32", **options: Any) -> Memory:
    return report(body, dtype, **options).totals.memory


# --- liveness --------------------------------------------------------------------------------


def alive_elements(network: Network) -> int:
    """The most elements that are alive at one time, asking of each tensor at each layer.

    A tensor is alive while it is made or read, between its making and its last reader, and
    from its making to the end if the network returns it. The inputs are there from the start.
    """
    first = len(network.inputs)
    end = len(network.layers)
    most = sum(shape.numel for shape in network.inputs.values())
    for now in range(end):
        alive = 0
        for tensor in range(first + end):
            made = tensor - first  # the layer that makes it; below 0 for an input
            readers = [k for k, layer in enumerate(network.layers) if tensor in layer.inputs]
            returned = tensor in network.outputs.values()
            last = end if returned else max([made, *readers])
            if tensor < first and not readers and not returned:
                last = -1 if now else 0  # an input that nobody reads goes after the start
            if made <= now <= last:
                alive += network.shape(tensor).numel
        most = max(most, alive)
    return most


def random_body(seed: int) -> str:
    rng = random.Random(seed)
    names = ["input"]
    lines = ["input: [2, 8, 8]", "layers:"]
    for index in range(rng.randint(1, 10)):
        name = f"t{index}"
        kind = rng.choice(("pointwise_conv", "relu", "concat", "residual"))
        source = rng.choice(names)
        if kind == "pointwise_conv":
            lines.append(
                f"- {{pointwise_conv: {{out: {rng.randint(1, 9)}}}, from: {source}, id: {name}}}"
            )
        elif kind == "relu":
            lines.append(f"- {{relu: {{}}, from: {source}, id: {name}}}")
        elif kind == "concat":
            lines.append(f"- {{concat: [{source}, {rng.choice(names)}, prev], id: {name}}}")
        else:
            lines.append(f"- {{residual: [relu, tanh], from: {source}, id: {name}}}")
        names.append(name)
    if rng.random() < 0.5:
        lines.append(
            f"outputs: [{', '.join(rng.sample(names[1:], rng.randint(1, len(names) - 1)))}]"
        )
    return "\n".join(lines)


@pytest.mark.parametrize("block", range(10))
def test_the_peak_is_that_of_the_busiest_layer(block: int) -> None:
    for seed in range(block * 30, block * 30 + 30):
        found = network(random_body(seed))
        assert analyse(found).totals.memory.activations_peak == 4 * alive_elements(found), seed


def test_the_peak_of_a_chain_is_the_largest_pair_of_neighbours() -> None:
    body = "input: [1, 10]\nlayers:\n" + "".join(
        f"- pointwise_conv: {{out: {c}}}\n" for c in (3, 8, 2, 9, 1)
    )
    assert memory(body).activations_peak == 4 * 10 * (8 + 2 + 1)  # 2 and 9


def test_a_skip_stays_alive_until_it_is_joined() -> None:
    plain = "input: [1, 10]\nlayers:\n- relu\n- relu\n- relu\n"
    skip = plain + "- add: [input, prev]\n"
    assert memory(plain).activations_peak == 4 * 20
    assert memory(skip).activations_peak == 4 * 30


def test_an_output_in_the_middle_is_alive_to_the_end() -> None:
    body = "input: [1, 10]\nlayers:\n- {relu: {}, id: a}\n- relu\n- {relu: {}, id: b}\n- relu\n"
    assert memory(body).activations_peak == 4 * 20
    assert memory(body + "outputs: [a, b]\n").activations_peak == 4 * 30


# --- bytes -----------------------------------------------------------------------------------

NORMED = "input: [3, 8, 8]\nlayers:\n- conv: {out: 4, k: 3, bias: false}\n- batch_norm\n"


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [
        ("float64", 64),
        ("float32", 32),
        ("tfloat32", 32),
        ("float16", 16),
        ("bfloat16", 16),
        ("float8", 8),
        ("int8", 8),
        ("int4", 4),
    ],
)
def test_the_type_decides_the_bytes(dtype: str, bits: int) -> None:
    found = memory(NORMED, dtype)
    # 4·3·3·3 weights; scale and shift; running mean and variance.
    stored = 108 + 8 + 8
    assert found.weights == -(-stored * bits // 8)
    assert found.activations_peak == (3 * 8 * 8 + 4 * 6 * 6) * bits // 8
    assert found.total == found.weights + found.activations_peak


def test_half_a_byte_is_a_byte() -> None:
    body = "input: [1, 3]\nlayers:\n- pointwise_conv: {out: 1, bias: false}\n"
    assert memory(body, "int4").weights == 1
    assert memory(body, "int4").activations_peak == 3


def test_activations_grow_with_the_batch_and_weights_do_not() -> None:
    one, five = memory(NORMED), memory(NORMED, batch=5)
    assert five.activations_peak == 5 * one.activations_peak
    assert five.weights == one.weights


def test_shared_weights_are_stored_once() -> None:
    body = "input: [4, 8]\nlayers:\n- {pointwise_conv: {out: 4}, id: a}\n"
    assert memory(body + "- {pointwise_conv: {out: 4}, share: a}\n").weights == memory(body).weights


def test_shared_norms_store_their_buffers_once() -> None:
    body = "input: [4, 8]\nlayers:\n- {batch_norm: {}, id: a}\n"
    shared = report(body + "- {batch_norm: {}, share: a}\n").totals
    assert (shared.params, shared.buffers) == (
        report(body).totals.params,
        report(body).totals.buffers,
    )


def test_shared_norms_without_weights_store_their_buffers_once() -> None:
    body = "input: [4, 8]\nlayers:\n- {batch_norm: {affine: false}, id: a}\n"
    both = body + "- {batch_norm: {affine: false}, share: a}\n"
    found = read_network(Target("n.yaml", None, f"convcalc: 1\n{both}"))
    assert not found.problems
    assert analyse(found).totals.buffers == report(body).totals.buffers


def test_several_inputs_are_alive_from_the_start() -> None:
    body = (
        "inputs: {a: [1, 10], b: [1, 20]}\nlayers:\n- {relu: {}, from: a}\n- {relu: {}, from: b}\n"
    )
    assert memory(body).activations_peak == 4 * (20 + 20)


# --- unknown ---------------------------------------------------------------------------------


def test_an_unknown_size_makes_the_peak_unknown_and_not_the_weights() -> None:
    found = report("input: [3, null, 8]\nlayers:\n- conv: {out: 4, k: 3}\n- global_avg_pool\n")
    assert not known(found.totals.memory.activations_peak)
    assert not known(found.totals.memory.total)
    assert found.totals.memory.weights == 4 * (108 + 4)
    assert not known(found.totals.moved)


def test_undeclared_parameters_make_the_weights_unknown() -> None:
    found = report("input: [3, 8, 8]\nlayers:\n- opaque: {output: [3, 8, 8]}\n- relu\n")
    assert not known(found.totals.memory.weights)
    assert found.totals.memory.activations_peak == 4 * 2 * 192
    assert "opaque: params" in found.totals.unknown
