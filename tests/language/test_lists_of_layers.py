"""Params of the type refs, and loops over layers: a block that reads as many as its call names."""

from __future__ import annotations

import pytest
from problems import errors, marked, read
from small import network_of_text

from convcalc.analysis.analyse import analyse
from convcalc.model.graph.network import Network

HEAD = "convcalc: 1\nname: net\ninput: [8, 16, 16]\n"
BLOCKS = """blocks:
  Unit: {layers: [{conv: {out: 8, k: 1}, id: body}, {conv: {out: 4, k: 1}, id: skip}]}
  Joined: {params: {of: refs}, layers: [{concat: [of]}]}
  Later: {params: {of: refs}, layers: [{concat: [prev, of]}]}
  Second: {params: {of: refs}, layers: [{relu: {}, from: "of[1]"}]}
  Inside: {params: {of: refs}, layers: [{concat: ["of[*].skip"]}]}
  Walked: {params: {of: refs}, layers: [{conv: {out: 2, k: 1}, for: {x: of, c: [1, 2]}, from: x}]}
  Handed: {params: {of: refs}, layers: [{Joined: {of: of}}]}
  Longer: {params: {of: refs}, layers: [{Joined: {of: [of, input]}}]}
  Counted: {params: {of: refs}, layers: [{conv: {out: 3*len(of), k: 1}}]}
  Tied: {params: {of: refs}, layers: [{conv: {out: 8, k: 1}, share: "of[0].body", from: input}]}
  Branched:
    params: {of: refs}
    layers: [{branches: {for: {x: of}, layers: [{relu: {}, from: x}]}, join: add}]
layers:
- {Unit: {}, id: a}
- {Unit: {}, from: input, id: b}
- {conv: {out: 8, k: 1}, repeat: 3, id: m}
"""


def network(item: str) -> Network:
    text = f"{HEAD}{BLOCKS}- {item}\n"
    return network_of_text(text.removeprefix("convcalc: 1\nname: net\n"))


def read_by(found: Network, index: int = -1) -> list[str]:
    """The paths of what a layer reads; 0 is the network's input."""
    layer = found.layers[index]
    return ["input" if k == 0 else found.layers[k - 1].path for k in layer.inputs]


@pytest.mark.parametrize(
    ("item", "reads"),
    [
        ("Joined: {of: [a, b]}", ["a.skip", "b.skip"]),
        ("Joined: {of: b}", ["b.skip"]),
        ("Joined: {of: ['m[*]', a.body, input]}", ["m[0]", "m[1]", "m[2]", "a.body", "input"]),
        ("Later: {of: [a]}", ["m[2]", "a.skip"]),
        ("Later: {of: []}", ["m[2]"]),
        ("Second: {of: [a, b.body]}", ["b.body"]),
        ("Inside: {of: [b, a]}", ["b.skip", "a.skip"]),
        ("Handed: {of: [a, 'm[*]']}", ["a.skip", "m[0]", "m[1]", "m[2]"]),
        ("Longer: {of: [a, b]}", ["a.skip", "b.skip", "m[2]"]),
        ("Branched: {of: [a, b]}", ["Branched.branch[0].relu", "Branched.branch[1].relu"]),
    ],
)
def test_a_block_reads_all_layers_of_its_list(item: str, reads: list[str]) -> None:
    assert read_by(network(item)) == reads


def test_a_loop_walks_a_list_of_layers() -> None:
    found = network("Walked: {of: [a, 'm[1]']}")
    assert [read_by(found, k) for k in (-2, -1)] == [["a.skip"], ["m[1]"]]
    found = network("{relu: {}, for: {x: 'm[*]'}, from: x}")
    assert [read_by(found, k) for k in (-3, -2, -1)] == [["m[0]"], ["m[1]"], ["m[2]"]]
    found = network("{relu: {}, for: {x: [b, 'm[*]'], k: [1, 2, 3, 4]}, from: x}")
    assert [read_by(found, k) for k in range(-4, 0)] == [["b.skip"], ["m[0]"], ["m[1]"], ["m[2]"]]


def test_the_length_of_a_list_is_a_number_and_its_layers_share_weights() -> None:
    assert network("Counted: {of: [a, 'm[*]']}").layers[-1].analysis.output.channels == 12
    own, tied = (analyse(network(f"{{{item}}}")) for item in ("relu: {}", "Tied: {of: [a]}"))
    assert tied.totals.params == own.totals.params


@pytest.mark.parametrize(
    ("item", "name", "words", "place"),
    [
        ("Joined: {of: []}", "unknown-name", "'of' names no layer yet", "of"),
        ("Joined: {of: [a, nosuch]}", "unknown-name", "has the id 'nosuch'", "nosuch"),
        ("Joined: {of: [a, 3]}", "wrong-type", "'of' needs the id of a layer", "3"),
        ("Joined: {of: 'a[*]'}", "unknown-name", "has the id 'a[*]'", "'a[*]'"),
        ("Second: {of: [a]}", "unknown-name", "no 'of[1]': 'of' has 1 layer", '"of[1]"'),
        ("Joined: {}", "missing-key", "'Joined' needs 'of'", "Joined"),
        ("{relu: {}, share: 'm[*]'}", "unknown-name", "has the id 'm[*]'", "'m[*]'"),
        ("{Unit: {}, from: 'm[*]'}", "wrong-type", "'from' names 3", "'m[*]'"),
        ("{relu: {}, for: {x: 'a[*]'}, from: x}", "unknown-name", "'a[*]'", "'a[*]'"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_where_it_is(
    item: str, name: str, words: str, place: str
) -> None:
    body = f"{BLOCKS}- {item}\n"
    (found,) = errors(body, HEAD)
    assert found.name == name
    assert words in found.message
    assert marked(body, HEAD) == [place]


@pytest.mark.parametrize("layer", ["{relu: {}, share: of}", "{Deeper: {one: of}}"])
def test_a_list_is_no_single_layer(layer: str) -> None:
    deeper = "  Deeper: {params: {one: ref}, layers: [{relu: {}, from: one}]}\n"
    use = f"  Use: {{params: {{of: refs}}, layers: [{layer}]}}\n"
    body = (
        f"blocks:\n{deeper}{use}layers:\n- {{relu: {{}}, id: a}}\n- {{Use: {{of: [a, input]}}}}\n"
    )
    (found,) = errors(body)
    assert (found.name, found.help) == ("wrong-type", "for instance of[0]")
    assert found.message == "'of' is a list of layers, but one is needed"


def test_a_list_has_no_default_and_its_name_is_no_id() -> None:
    body = (
        "blocks:\n  B: {params: {of: {type: refs, default: [a]}}, layers: [relu]}\nlayers: [relu]\n"
    )
    assert errors(body)[0].message == "param 'of' is of the type refs and has no default"
    body = "blocks:\n  B: {params: {of: refs}, layers: [{relu: {}, id: of}]}\nlayers: [relu]\n"
    assert errors(body)[0].name == "duplicate-id"


@pytest.mark.parametrize(
    "item",
    [
        "{relu: {}, for: {x: [bad, good]}, from: x}",
        "{relu: {}, for: {x: ['loop[*]', good]}, from: x}",
        "{concat: [good, 'loop[*]']}",
        "{concat: ['unit[*].skip']}",
        "{Joined: {of: [good, bad]}}",
        "{Joined: {of: ['loop[*]', unit]}}",
    ],
)
def test_what_reads_a_layer_with_a_problem_has_none_of_its_own(item: str) -> None:
    body = """blocks:
  Joined: {params: {of: refs}, layers: [{concat: [of]}]}
  Unit: {layers: [{conv: {out: 2, k: 1}, from: input}, {conv: {out: 4, k: 99}, id: skip}]}
layers:
- {conv: {out: 8, k: 99}, id: bad}
- {conv: {out: 8, k: 1}, from: input, id: good}
"""
    wrong = "- {conv: {out: 8, k: 99}, from: good, repeat: 2, id: loop}\n"
    unit = "- {Unit: {}, from: good, repeat: 2, id: unit}\n"
    found = read(f"{body}{wrong}{unit}- {item}\n")
    assert {problem.name for problem in found.problems} == {"empty-output"}
    assert len(found.problems) == 3
    more = 1 if "for: {" in item else 0  # the round that reads the good one
    assert len(found.layers) == len(read(f"{body}{wrong}{unit}").layers) + more


def test_a_list_that_doubles_ends_at_the_limit_of_work() -> None:
    call = "{R: {of: [of, of], n: n - 1}, if: n > 1}"
    block = f"  R: {{params: {{of: refs, n: int}}, layers: [{call}, relu]}}\n"
    found = errors(f"blocks:\n{block}layers: [{{R: {{of: [input], n: 31}}}}]\n")
    assert [problem.name for problem in found] == ["too-large"]
    assert "lists of layers in calls of blocks" in found[0].message
