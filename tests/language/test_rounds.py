"""Rounds of loops by number, from either end, and what is inside the last; states below an id."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator
from problems import errors, marked
from small import network_of_text

from convcalc.model.graph.network import Network
from convcalc.output.schemas.network import network_schema

THREE = """input: [2, 8, 8]
layers:
- {conv: {out: 3 + i, k: 1}, repeat: 3, id: m}
"""
HEAD = "convcalc: 1\nname: net\n"
CELLS = """input: [2, 8, 8]
blocks:
  Cell:
    params: {h: ref}
    layers:
    - {concat: [h, prev]}
    - {conv: {out: 6, k: 1}, id: a}
    - conv: {out: 8, k: 3, p: 1}
layers:
- {conv: {out: 4, k: 1}, id: z}
"""


def read_by_last(network: Network) -> list[str]:
    """What the last layer reads, by path."""
    return [network.name_of(number) for number in network.layers[-1].inputs]


@pytest.mark.parametrize(
    ("names", "rounds"),
    [
        (["m[-1]", "m[-2]", "m[-3]"], ["m[2]", "m[1]", "m[0]"]),
        (["m[0]", "m[-1]"], ["m[0]", "m[2]"]),
        (["m", "m[-01]"], ["m[2]", "m[2]"]),
    ],
)
def test_rounds_are_counted_from_the_end_too(names: list[str], rounds: list[str]) -> None:
    network = network_of_text(f"{THREE}- concat: {json.dumps(names)}\n")
    assert read_by_last(network) == rounds


@pytest.mark.parametrize(
    "item",
    [
        '{conv: {out: 1, k: 1}, from: "m[-2]"}',
        '{conv: {out: 1, k: 1}, from: s, for: {s: ["m[-2]"]}}',
        '{One: {of: "m[-2]"}, from: "m[-2]"}',
        '{One: {of: m}, from: "m[-2]"}',
    ],
)
def test_a_round_from_the_end_stands_wherever_a_layer_is_named(item: str) -> None:
    blocks = "blocks: {One: {params: {of: ref}, layers: [{conv: {out: 1, k: 1}}]}}\n"
    network = network_of_text(f"{THREE.replace('layers:', blocks + 'layers:')}- {item}\n")
    assert read_by_last(network) == ["m[1]"]


def test_weights_and_outputs_by_rounds_from_the_end() -> None:
    shared = "- {conv: {out: 5, k: 1}, from: 'm[-2]', share: 'm[-1]', id: again}\n"
    network = network_of_text(f"{THREE}{shared}outputs: ['m[-3]', again, 'm[-1]']\n")
    assert network.layers[-1].shares == 2
    assert list(network.outputs) == ["m[-3]", "again", "m[-1]"]
    assert [network.name_of(n) for n in network.outputs.values() if n is not None] == (
        ["m[0]", "again", "m[2]"]
    )


def test_lists_of_layers_are_counted_from_the_end() -> None:
    block = "blocks: {Last: {params: {of: refs}, layers: [{concat: ['of[-1]', 'of[-3]']}]}}\n"
    body = THREE.replace("layers:", f"{block}layers:") + "- {Last: {of: ['m[*]', input]}}\n"
    assert read_by_last(network_of_text(body)) == ["input", "m[1]"]


def test_what_a_loop_has_made_so_far_is_counted() -> None:
    body = """input: [2, 8, 8]
layers:
- {conv: {out: 2, k: 1}, id: a}
- seq:
  - {conv: {out: 3, k: 1}, id: b}
  - {concat: [prev, "whole[-1]"], if: i > 0}
  repeat: 3
  id: whole
"""
    network = network_of_text(body)
    assert [layer.analysis.output.channels for layer in network.layers] == [2, 3, 3, 6, 3, 9]


def test_an_inner_loop_begins_anew() -> None:
    """Of 3 rounds, then 2, then 1, "m[*]" are those of this turn; it was all that ever had been."""
    body = """input: [2, 8, 8]
layers:
- seq:
  - {conv: {out: 2, k: 1}, repeat: 3 - i, id: m}
  - concat: ["m[*]"]
  - {concat: ["m[0]", "m[-1]"], id: ends}
  repeat: 3
  id: turn
"""
    network = network_of_text(body)
    joined = [layer for layer in network.layers if layer.name == "concat"]
    assert [[network.name_of(n) for n in layer.inputs] for layer in joined] == [
        ["turn[0].m[0]", "turn[0].m[1]", "turn[0].m[2]"],
        ["turn[0].m[0]", "turn[0].m[2]"],
        ["turn[1].m[0]", "turn[1].m[1]"],
        ["turn[1].m[0]", "turn[1].m[1]"],
        ["turn[2].m[0]"],
        ["turn[2].m[0]", "turn[2].m[0]"],
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m[-4]", "there is no 'm[-4]': 'm' has 3 rounds so far"),
        ("m[3]", "there is no 'm[3]': 'm' has 3 rounds so far"),
        ("m[-1].a", "no layer above has the id 'm[-1].a'"),
        ("a[-1]", "no layer above has the id 'a[-1]'"),
        ("m[-]", "no layer above has the id 'm[-]'"),
    ],
)
def test_a_round_that_is_not_there(name: str, message: str) -> None:
    body = f"{THREE}- {{relu: {{}}, id: a}}\n- {{relu: {{}}, from: '{name}'}}\n"
    (found,) = errors(body, HEAD)
    assert (found.name, found.message) == ("unknown-name", message)
    assert marked(body, HEAD) == [f"'{name}'"]
    if "rounds" in message:
        assert found.help == "m[0] is the first, m[-1] the last"


# --- what is inside a round ----------------------------------------------------------------------


def test_a_path_below_a_loop_is_that_of_the_last_round() -> None:
    rounds = "- {Cell: {h: z}, id: u, repeat: 3}\n"
    network = network_of_text(f'{CELLS}{rounds}- concat: [u.a, "u[-2].a", "u[0].a"]\n')
    assert read_by_last(network) == ["u[2].a", "u[1].a", "u[0].a"]


@pytest.mark.parametrize(
    "loop",
    [
        "{Cell: {h: u.a}, id: u, repeat: 3, carry: {u.a: z}}",
        "{seq: [{Cell: {h: u.a}, id: u}], repeat: 3, carry: {u.a: z}}",
        "{Cell: {h: u.a}, id: u, for: {k: [1, 2, 3]}, carry: {u.a: z}}",
    ],
)
def test_a_block_hands_on_what_is_inside_it(loop: str) -> None:
    written = "".join(
        f"- {{Cell: {{h: {h}}}, id: {u}}}\n" for h, u in ["za", ["a.a", "b"], ["b.a", "c"]]
    )
    last = "- concat: [prev, {}]\n"
    looped = network_of_text(f"{CELLS}- {loop}\n{last.format('u.a')}")
    flat = network_of_text(CELLS + written + last.format("c.a"))
    assert [layer.inputs for layer in looped.layers] == [layer.inputs for layer in flat.layers]
    assert [layer.shapes for layer in looped.layers] == [layer.shapes for layer in flat.layers]


def test_a_state_below_an_id_begins_anew_in_an_outer_loop() -> None:
    inner = "{Cell: {h: u.a}, id: u, repeat: 2, carry: {u.a: z}}"
    network = network_of_text(f"{CELLS}- {{seq: [{inner}], repeat: 2}}\n")
    assert [layer.inputs[0] for layer in network.layers if layer.name == "concat"] == [1, 3, 1, 9]


def test_within_a_round_the_path_is_what_was_made() -> None:
    body = (
        "- seq: [{Cell: {h: u.a}, id: u}, {concat: [u.a, prev]}]\n  repeat: 2\n  carry: {u.a: z}\n"
    )
    network = network_of_text(CELLS + body)
    joined = [layer for layer in network.layers if layer.path.startswith("concat")]
    assert [network.name_of(layer.inputs[0]) for layer in joined] == ["u[0].a", "u[1].a"]


def test_a_state_that_nothing_makes_is_missed_in_the_second_round() -> None:
    (found,) = errors(f"{CELLS}- {{Cell: {{h: u.b}}, id: u, repeat: 3, carry: {{u.b: z}}}}\n", HEAD)
    assert (found.name, found.message) == ("unknown-name", "no layer above has the id 'u.b'")
    (found,) = errors(f"{CELLS}- {{Cell: {{h: v.a}}, id: u, repeat: 3, carry: {{v.a: z}}}}\n", HEAD)
    assert found.message == "'carry' names 'v.a', but no layer of this loop has that id"


@pytest.mark.parametrize("name", ["m[-1]", "unit[*].skip", "unit[-1].skip", "a.b[2].c", "m[*]"])
def test_editors_take_references_to_rounds(name: str) -> None:
    layers = [
        {"concat": ["prev", name]},
        {"relu": {}, "id": "a", "repeat": 2, "carry": {"a.b": name}},
    ]
    file = {"convcalc": 1, "name": "net", "input": [2], "layers": layers}
    assert Draft7Validator(network_schema()).is_valid(file)
    file["layers"] = [{"concat": ["prev", f"{name}[-]"]}]
    assert not Draft7Validator(network_schema()).is_valid(file)
