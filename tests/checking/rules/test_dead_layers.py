"""Layers that no output depends on: which are named, and what share of the totals they have."""

from __future__ import annotations

import random

import pytest

from convcalc.analysis.analyse import analyse
from convcalc.checking.rules import dead_layer
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.builder import Builder
from convcalc.model.graph.network import Network

HEAD = "convcalc: 1\nname: net\ninput: [3, 8, 8]\n"


def messages(body: str) -> list[str]:
    network = read_network(Target("net.yaml", None, HEAD + body))
    assert [str(each) for each in network.problems if each.severity == "error"] == []
    return [found.message for found in dead_layer.findings(network)]


def test_every_layer_that_is_read_or_returned_lives() -> None:
    assert messages("layers: [relu, {conv: {out: 4, k: 3}}]\n") == []
    body = "layers:\n- {conv: {out: 4, k: 3}, id: a}\n- {conv: {out: 4, k: 3}, id: b}\n"
    assert messages(f"outputs: [a, b]\n{body}") == []
    assert messages(f"outputs: a\n{body}") == [
        "nothing reads 'b', and it is not an output: it adds 148 params (56.9 %) and "
        "2.304 k MACs (37.2 %) to the totals"
    ]  # 4·4·9 + 4 of 260, 4·4·9·16 of that and 4·3·9·36


def test_what_leads_to_a_dead_layer_alone_counts_with_it() -> None:
    body = """\
layers:
- {conv: {out: 4, k: 1, bias: false}, id: main}
- {conv: {out: 4, k: 1, bias: false}, id: one}
- {relu: {}, id: two}
- {conv: {out: 4, k: 1, bias: false}, id: three}
- {relu: {}, from: main}
"""
    assert messages(body) == [
        "nothing reads 'three', and it is not an output: "
        "it and 2 layers before that lead nowhere too "
        "add 32 params (72.7 %) and 2.048 k MACs (72.7 %) to the totals"
    ]


def test_a_layer_that_costs_nothing_says_so() -> None:
    body = "layers:\n- {relu: {}, id: a}\n- {relu: {}, id: b}\n- {relu: {}, from: a}\n"
    assert messages(body) == [
        "nothing reads 'b', and it is not an output: it adds no params and no MACs"
    ]


def test_weights_that_a_live_layer_shares_are_not_the_dead_ones() -> None:
    body = """\
layers:
- {conv: {out: 3, k: 1, bias: false}, id: a}
- {conv: {out: 3, k: 1, bias: false}, share: a, from: input, id: b}
"""
    only = "it adds 576 MACs (50 %) to the totals"
    assert messages(body) == [f"nothing reads 'a', and it is not an output: {only}"]
    assert messages(f"outputs: a\n{body}") == [
        f"nothing reads 'b', and it is not an output: {only}"
    ]
    dead = messages(f"outputs: c\n{body}- {{relu: {{}}, from: input, id: c}}\n")
    assert dead[0].endswith("it adds 9 params (100 %) and 576 MACs (50 %) to the totals")
    assert dead[1].endswith(only)


def test_copies_of_one_line_are_one_finding() -> None:
    body = """\
layers:
- {conv: {out: 3, k: 1, bias: false}, id: a}
- {conv: {out: 3, k: 1, bias: false}, from: a, for: {i: [0, 1, 2]}, id: side}
- {relu: {}, from: a}
"""
    (found,) = messages(body)
    assert found.startswith("nothing reads 'side")


def test_further_outputs_need_no_reader_and_keep_their_layer_alive() -> None:
    octave = "- {octave_conv: {out: 8, k: 3, p: 1, alpha_out: 0.5}, id: mix}\n"
    assert messages(f"layers:\n{octave}") == []  # mix.low is not read
    assert messages(f"outputs: mix.low\nlayers:\n{octave}") == []  # mix itself is not read
    assert messages(f"layers:\n{octave}- {{relu: {{}}, from: mix.low}}\n") == []
    (found,) = messages(f"layers:\n{octave}- {{relu: {{}}, from: input}}\n")
    assert found.startswith("nothing reads 'mix', and it is not an output")


def test_an_unknown_amount_is_called_unknown() -> None:
    body = """\
layers:
- {relu: {}, id: a}
- {opaque: {output: [3, 8, 8], params: 5}, id: b}
- {relu: {}, from: a}
"""
    (found,) = messages(body)
    assert "unknown MACs" in found


def random_network(seed: int) -> Network:
    draw = random.Random(seed)
    builder = Builder("net")
    tensors = [builder.input("x", [4, 6, 6])]
    for _ in range(draw.randint(1, 12)):
        tensors.append(
            builder.add("add", [draw.choice(tensors), draw.choice(tensors)])
            if draw.random() < 0.3
            else builder.add("conv", draw.choice(tensors), out_channels=4, kernel_size=1)
        )
    count = draw.randint(1, 2)
    return builder.network({f"o{k}": draw.choice(tensors) for k in range(count)})


@pytest.mark.parametrize("seed", range(60))
def test_a_layer_is_dead_if_the_outputs_are_the_same_without_it(seed: int) -> None:
    network = random_network(seed)
    mains = dead_layer._mains(network)
    live = dead_layer._live(network, mains)

    def reaches(index: int) -> bool:  # forwards, along the readers
        tensor = network.tensor(index)
        return network.is_output(tensor) or any(
            reaches(network.layers.index(reader)) for reader in network.readers(tensor)
        )

    assert live == {index for index in range(len(network.layers)) if reaches(index)}
    dead = [index for index in range(len(network.layers)) if index not in live]
    parts = list(dead_layer._by_line(network, mains, dead))
    named = sorted(index for ends, before in parts for index in (*ends, *before))
    assert named == dead  # each once
    report = analyse(network)
    owners = dead_layer._owners(network, live)
    params = sum(dead_layer._params(network, index) for index in owners)
    assert params == sum(report.layers[index].params for index in dead)
