"""A call of a block with equal params and an equal input copies what the first one made: the
network is the same as if each call were expanded."""

from __future__ import annotations

from typing import Any

import pytest
from problems import errors, read
from shipped import FILES, NAMES, file_of, network
from small import network_of_text

from convcalc.language.expand import blocks, state
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.graph.network import Network

pytestmark = pytest.mark.usefixtures("copies")


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the calls that were copied."""
    found: list[str] = []
    copy = blocks.repeat

    def repeat(state: Any, made: Any, call: Any) -> Any:
        found.append(call.path)
        return copy(state, made, call)

    monkeypatch.setattr(blocks, "repeat", repeat)
    return found


def content(network: Network) -> list[Any]:
    """All that a network says."""
    layers = [
        (*layer[:6], layer.analysis.output, str(layer.place), *layer[8:])
        for layer in network.layers
    ]
    return [layers, network.outputs, network.output_names, network.skipped, network.problems]


def both(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Network, Network]:
    """The network of a text with copies, and without."""
    copied = network_of_text(text)
    monkeypatch.setattr(state, "MOST_KEPT", -1)
    return copied, network_of_text(text)


@pytest.mark.exhaustive
@pytest.mark.parametrize("file", FILES)
def test_shipped_networks_are_the_same(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in NAMES if file_of(name) == file]
    copied = [content(network(name)) for name in names]
    monkeypatch.setattr(state, "MOST_KEPT", -1)
    for name, found in zip(names, copied, strict=True):
        target = shipped_names()[name]
        assert found == content(NetworkSource(target).network(target.variant)), name


TWICE = """
input: [8, 6, 6]
blocks:
  Unit:
    params: {n: int, s: 1}
    layers:
      - {conv: {k: 3, out: n, p: 1, s: s}, id: first}
      - residual: [{relu: {}, id: middle}, {conv: {out: n, k: 1}}]
      - {identity: {}, from: first, id: last}
layers:
  - {Unit: {n: 8}, id: a}
  - {Unit: {n: 8}, id: b}
  - {Unit: {n: 8}, id: c, repeat: 2}
  - {add: {}, from: [a.first, b.last, b.middle, "c[1].first"]}
"""


def test_names_of_a_copy_are_its_own(copies: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    copied, expanded = both(TWICE, monkeypatch)
    assert copies == ["b", "c[0]", "c[1]"]
    assert content(copied) == content(expanded)
    assert copied.layers[-1].inputs == (1, 10, 7, 16)


@pytest.mark.parametrize(
    ("calls", "copied"),
    [
        ("[{Unit: {n: 8}}, {Unit: {n: 8}}]", 1),
        ("[{Unit: {n: 8}}, {Unit: {n: 8, s: 1}}]", 1),  # the same, whoever says it
        ("[{Unit: {n: 8}}, {Unit: {n: 4}}]", 0),
        ("[{Unit: {n: 8}}, {Unit: {n: 8, s: 2}}]", 0),
        ("[{Unit: {n: 8, s: 2}}, {Unit: {n: 8, s: 2}}]", 0),  # the second reads another size
        ("[{Unit: {n: 8}}, {Unit: {n: 8}, trainable: false}, {Unit: {n: 8}, trainable: false}]", 1),
        ("[{Unit: {n: 8}}, {Unit: {n: 8}, functional: true}, {Unit: {n: 8}, functional: true}]", 1),
    ],
)
def test_what_differs_is_expanded(
    calls: str, copied: int, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = TWICE.partition("layers:\n  - {Unit")[0]
    found, expanded = both(f"{head}layers: {calls}\n", monkeypatch)
    assert len(copies) == copied
    assert content(found) == content(expanded)


def test_values_of_different_types_differ(copies: list[str]) -> None:
    body = """
input: [8, 4, 4]
blocks: {Unit: {params: {x: float}, layers: [{dropout: {rate: x/2}}, {relu: {}, if: x == 1}]}}
layers: [{Unit: {x: 1}}, {Unit: {x: 1.0}}, {Unit: {x: 1.0}}]
"""
    assert len(network_of_text(body).layers) == 6
    assert len(copies) == 1


def test_params_of_the_file_count(copies: list[str]) -> None:
    """Variants share what was made where their params are equal, and no more."""
    body = """
convcalc: 1
name: n
input: [8, 4, 4]
params: {width: 4, other: 1}
blocks: {Unit: [{conv: {out: width, k: 1}}]}
layers: [Unit]
variants: {same: {}, wide: {width: 6}, also: {width: 6}}
"""
    from convcalc.language.sources.target import Target

    source = NetworkSource(Target("n.yaml", None, body))
    found = {name: source.network(name).layers[0] for name in (None, "same", "wide", "also")}
    assert [layer.analysis.output.channels for layer in found.values()] == [4, 4, 6, 6]
    assert len(copies) == 2


@pytest.mark.parametrize(
    "body",
    [
        # layers that the caller names
        """
blocks: {Join: {params: {skip: ref}, layers: [{add: {}, from: [input, skip]}]}}
layers: [{relu: {}, id: a}, {relu: {}, id: b}, {Join: {skip: a}}, {Join: {skip: b}}]
""",
        # a field that refers to the layer that makes what enters
        """
blocks: {Up: [{max_unpool: {indices: input}, id: x}]}
layers: [{max_pool: {k: 2, s: 2}}, Up, {max_pool: {k: 2, s: 2}}, Up]
""",
        # further outputs of the layer before
        """
blocks: {Rest: [{identity: {}, from: input.part1}]}
layers: [{chunk: {chunks: 2}}, Rest, {chunk: {sizes: [3, 5]}, from: input}, Rest]
""",
    ],
    ids=["layers of the caller", "the layer before", "its ports"],
)
def test_what_depends_on_the_caller_is_expanded(
    body: str, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = body if "input:" in body.partition("layers")[0] else f"input: [8, 8, 8]{body}"
    copied, expanded = both(text, monkeypatch)
    assert content(copied) == content(expanded)
    assert not copies


def test_further_outputs_of_a_layer(copies: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
input: [8, 8, 8]
blocks: {Swap: [{chunk: {chunks: 2}, id: r}, {concat: {}, from: [r.part1, r]}]}
layers: [Swap, {Swap: {}, id: s}, {Swap: {}, id: t}, {add: {}, from: [s.r, t.r]}]
"""
    copied, expanded = both(body, monkeypatch)
    assert copies == ["s", "t"]
    assert content(copied) == content(expanded)


def test_weights_shared_within_a_call(copies: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
input: [8, 8, 8]
blocks: {Tied: [{conv: {out: 8, k: 1}, id: a}, {conv: {out: 8, k: 1}, share: a}]}
layers: [Tied, Tied, {Tied: {}, id: t}, {Tied: {}, share: t}]
"""
    copied, expanded = both(body, monkeypatch)
    assert len(copies) == 3
    assert content(copied) == content(expanded)
    assert [layer.shares for layer in copied.layers] == [-1, 0, -1, 2, -1, 4, 4, 4]


def test_every_call_with_a_problem_says_so() -> None:
    body = """
blocks: {Bad: [{conv: {out: 6, k: 1, groups: 4}}]}
layers: [Bad, {conv: {out: 8, k: 1}, from: input}, {Bad: {}, from: input}]
"""
    found = read(body)
    assert [problem.name for problem in found.problems] == ["does-not-divide"]  # once per place
    assert found.skipped == 2


def test_a_block_may_not_call_itself_in_a_copy_either(copies: list[str]) -> None:
    """What was made outside may hold a call that is none inside of the block itself."""
    body = """
blocks:
  A: {params: {n: int}, layers: [{B: {n: 4}, if: n == 3}, {relu: {}}]}
  B: {params: {n: int}, layers: [{A: {n: n}}]}
layers: [{B: {n: 4}}, {A: {n: 3}}]
"""
    (problem,) = errors(body)
    assert problem.name == "block-cycle"
    assert not copies


def test_copies_count_as_layers_and_as_work() -> None:
    """Blocks in blocks are copied fast, and end at the limit all the same."""
    blocks_ = "".join(f"  B{n}: [B{n - 1}, B{n - 1}]\n" for n in range(1, 12))
    body = f"blocks:\n  B0: [relu]\n{blocks_}layers: [{{B11: {{}}, repeat: 99}}]\n"
    (problem,) = errors(body)
    assert problem.name == "too-large"
