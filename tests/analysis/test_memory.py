"""Memory against a count by hand: which tensors are alive while each layer works."""

from __future__ import annotations

import random
from typing import Any

import pytest

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import Memory, Report
from convcalc.diagnostics.suggestion import UnknownName
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


# --- options ---------------------------------------------------------------------------------


def peak(layers: str, *options: str, shape: str = "[1, 10]", rest: str = "") -> int:
    """Elements alive at the peak."""
    found = network(f"input: {shape}\nlayers: {layers}\n{rest}")
    return analyse(found, memory=options).totals.memory.activations_peak // 4


def test_activations_write_over_their_input_but_not_over_that_of_the_network() -> None:
    assert peak("[relu, relu, relu]") == 20
    assert peak("[relu, relu, relu]", "in-place") == 20  # the first makes a tensor
    assert peak("[{pointwise_conv: {out: 4}}, relu, tanh]") == 80
    assert peak("[{pointwise_conv: {out: 4}}, relu, tanh]", "in-place") == 50
    assert peak("[{pointwise_conv: {out: 4}}, softmax]", "in-place") == 80


def test_nobody_writes_over_what_is_read_later_or_returned() -> None:
    conv = "{pointwise_conv: {out: 4}, id: a}"
    assert peak(f"[{conv}, relu, {{add: [a, prev]}}]", "in-place") == 80
    assert peak(f"[{conv}, {{relu: {{}}, id: b}}]", "in-place", rest="outputs: [a, b]") == 80
    # A view shares the buffer, so that it keeps it.
    flat = f"[{conv}, {{flatten: {{}}, id: v}}, {{relu: {{}}, from: a}}, {{concat: [v]}}]"
    joined = flat.replace("{concat: [v]}", "{relu: {}, from: v}")
    assert peak(joined, "in-place") == 80


def test_a_sum_writes_over_the_operand_of_its_size() -> None:
    body = (
        "[{pointwise_conv: {out: 4}, id: a}, {global_avg_pool: {keepdim: true}}, {mul: [a, prev]}]"
    )
    assert peak(body) == 40 + 4 + 40
    assert peak(body, "in-place") == 10 + 40


def test_what_is_fused_to_a_convolution_has_no_tensor_before_it() -> None:
    body = "[{pointwise_conv: {out: 4}}, batch_norm, relu, {pointwise_conv: {out: 1}}]"
    assert peak(body) == 80
    assert peak(body, "fused") == 50
    shared = "[{pointwise_conv: {out: 4}, id: a}, batch_norm, relu, {add: [a, prev]}]"
    assert peak(shared, "fused") == 120  # somebody else reads it: nothing is fused
    assert peak("[{max_pool: {k: 1}}, relu]", "fused") == 20


def test_folded_norms_make_no_tensor_and_take_no_weights() -> None:
    found = network(
        "input: [1, 10]\nlayers: [{pointwise_conv: {out: 4, bias: false}}, batch_norm]\n"
    )
    plain = analyse(found).totals.memory
    folded = analyse(found, fuse_batch_norm=True).totals.memory
    assert (plain.weights, folded.weights) == (4 * (4 + 8 + 8), 4 * (4 + 4))
    assert (plain.activations_peak, folded.activations_peak) == (4 * 80, 4 * 50)
    assert folded.options == ("fuse-batch-norm",)


def test_callers_hold_what_they_pass() -> None:
    assert peak("[relu, relu]", "held-inputs") == 30
    block = "blocks: {B: {layers: [relu, relu, relu]}}"
    assert peak("[relu, B, relu]", rest=block) == 20
    assert peak("[relu, B, relu]", "held-inputs", rest=block) == 30
    assert peak("[relu, B, relu]", "held-inputs=1", rest=block) == 40


def kept(layers: str, *options: str) -> int:
    """Elements kept for the backward pass."""
    found = network(f"input: [1, 10]\nlayers: {layers}\n")
    return analyse(found, memory=("training", *options)).totals.memory.kept // 4


CONV = "{pointwise_conv: {out: 1, bias: false}}"


def test_only_what_a_gradient_needs_is_kept() -> None:
    assert kept(f"[{CONV}]") == 10
    assert kept("[relu]") == 0
    assert kept(f"[{CONV}, relu]") == 20
    assert kept(f"[{CONV}, relu, {CONV}]") == 20  # once for both
    assert kept(f"[{CONV}, gelu, {CONV}]") == 30
    assert kept("[{pointwise_conv: {out: 1}, trainable: false}, relu]") == 0
    assert kept("[{pointwise_conv: {out: 1}, id: a}, {add: [a, input]}]") == 10
    assert kept("[{pointwise_conv: {out: 1}, id: a}, {mul: [a, input]}]") == 10


def test_in_place_keeps_no_input_of_a_leaky_relu() -> None:
    body = f"[{CONV}, leaky_relu, {CONV}]"
    assert (kept(body), kept(body, "in-place")) == (30, 20)


def test_a_checkpoint_keeps_what_blocks_read() -> None:
    block = f"blocks: {{B: {{layers: [{CONV}, gelu, {CONV}, gelu]}}}}"
    found = network(f"input: [1, 10]\n{block}\nlayers: [{CONV}, B, B]\n")
    plain = analyse(found, memory=["training"]).totals.memory
    saved = analyse(found, memory=["training", "checkpoint"]).totals.memory
    assert (plain.kept, saved.kept) == (4 * 90, 4 * 30)
    # Both that are kept, and of one block what it keeps, its output, and that one's gradient.
    assert saved.activations_peak < plain.activations_peak


def test_gradients_and_optimizer_go_by_trained_parameters() -> None:
    frozen = "{pointwise_conv: {out: 1}, trainable: false}"
    found = network(f"input: [1, 10]\nlayers: [{frozen}, {{pointwise_conv: {{out: 3}}}}]\n")
    for name, numbers in (("sgd", 0), ("momentum", 1), ("adam", 2), ("amsgrad", 3)):
        memory = analyse(found, memory=["training", name]).totals.memory
        assert (memory.gradients, memory.optimizer_states) == (4 * 6, 4 * 6 * numbers)
        assert memory.total == 4 * (2 + 6 + 6 + 6 * numbers) + memory.activations_peak


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["inplace"], "use 'in-place'"),
        (["adam"], "use 'training,adam'"),
        (["training", "fused"], "leave one out"),
        (["training", "adam", "sgd"], "use 'sgd'"),
        (["held-inputs=0"], "held-inputs=2"),
        (["checkpoint=x", "training"], "checkpoint=2"),
        (["fused=2"], "there are"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], word: str) -> None:
    with pytest.raises(UnknownName) as caught:
        analyse(network(NORMED), memory=options)
    assert word in caught.value.help or "use" in caught.value.help


def test_an_unknown_layer_makes_what_is_kept_unknown() -> None:
    found = network("input: [3, 8, 8]\nlayers: [batch_norm, {opaque: {output: [3, 8, 8]}}]\n")
    memory = analyse(found, memory=["training"]).totals.memory
    assert not known(memory.kept) and not known(memory.activations_peak)
