# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""One defect is one error: what only follows from it is counted as skipped, not listed."""

from __future__ import annotations

import pytest
from problems import errors, read

BROKEN = "- conv: {out: 8, kk: 1}\n"
DEPENDENT = [
    "- {conv: {out: 8, k: 3}, repeat: in_channels}\n",
    "- {relu: {}, if: in_channels > 3}\n",
    "- {relu: {}, if: in_channels}\n",
    "- {conv: {out: in_channels // 2, k: 1}}\n",
    "- {conv: {out: 8, k: [in_channels, 1]}}\n",
    "- {conv: {out: 4, k: 1}, for: {c: [1, 2]}, if: in_channels != c}\n",
    "- {relu: {}, from: input, repeat: 2*in_channels}\n",
    "- Block: {c: in_channels}\n",
    "- Block: {c: 2}\n",
    "- {branches: [[], [relu]], split: channels}\n",
    "- {branches: [[], [relu]], split: [in_channels, 2]}\n",
    "- {relu: {}, in: in_channels, shape: [in_channels, 4, 4]}\n",
    "- {upsample: {scale: in_channels}}\n",
    "- opaque: {output: [in_channels, 4, 4]}\n",
]
HEAD = "convcalc: 1\ninput: [3, 8, 8]\nblocks:\n  Block: {params: {c: int, half: in_channels // 2}, layers: [{conv: {out: c, k: 1, g: half}, repeat: half}]}\n"


@pytest.mark.parametrize("item", DEPENDENT)
def test_what_depends_on_a_broken_layer_is_counted_and_not_listed(item: str) -> None:
    body = f"layers:\n{BROKEN}{item}"
    assert [e.name for e in errors(body, HEAD)] == ["unknown-key"]
    assert read(body, HEAD).skipped >= 2


def test_all_of_them_together_are_one_error() -> None:
    body = f"layers:\n{BROKEN}{''.join(DEPENDENT)}"
    assert [e.message for e in errors(body, HEAD)] == ["unknown key 'kk' in 'conv'"]


@pytest.mark.parametrize("item", ["- {reluu: {}, id: a}", "- {relu: {}, idd: a}"])
def test_a_layer_whose_meaning_is_clear_is_read_on(item: str) -> None:
    body = f"layers:\n{item}\n- {{relu: {{}}, from: a}}\n- {{add: [a, input]}}\noutputs: [a]\n"
    assert len(errors(body, HEAD)) == 1
    assert read(body, HEAD).skipped == 0


@pytest.mark.parametrize("item", ["- {frobnicate: {}, id: a}", "- {relu: {}, tanh: {}, id: a}", "- {conv: {out: 0, k: 1}, id: a}"])  # fmt: skip
def test_the_id_of_a_broken_layer_is_no_unknown_name(item: str) -> None:
    body = f"layers:\n{item}\n- {{relu: {{}}, from: a}}\n- {{add: [a, input]}}\n- {{add: [prev, a.x]}}\noutputs: [a]\n"
    assert len(errors(body, HEAD)) == 1


def test_a_second_defect_behind_a_first_is_listed() -> None:
    body = f"layers:\n{BROKEN}- conv: {{out: 0, k: in_channels}}\n- {{relu: {{}}, if: '3 > [1]'}}\n- {{conv: {{out: 4, kkk: 1}}}}\n"
    assert [e.name for e in errors(body, HEAD)] == [
        "unknown-key",
        "out-of-range",
        "bad-expression",
        "unknown-key",
    ]


def test_a_size_that_is_unknown_without_a_broken_layer_is_still_an_error() -> None:
    head = "convcalc: 1\ninput: [3, 8, 8]\n"
    opaque = "layers:\n- opaque: {output: [null, 8, 8]}\n"
    for item in ("- {relu: {}, repeat: in_channels}\n", "- {relu: {}, if: in_channels}\n"):
        assert [e.name for e in errors(opaque + item, head)] == ["bad-expression"]
        mixed = "layers:\n- {relu: {}, idd: x}\n- {opaque: {output: [null, 8, 8]}, from: input}\n"
        assert [e.name for e in errors(mixed + item, head)] == ["unknown-key", "bad-expression"]


def test_a_call_that_fails_in_a_loop_does_not_make_the_network_large() -> None:
    # The loops around a failed call are left before they end; ten of them once lay ahead for ever.
    head = "convcalc: 1\ninput: [3, 8, 8]\nblocks:\n  Body: {params: {c: in_channels}, layers: [{Inner: {c: c}, repeat: 4}]}\n  Inner: {params: {c: int}, layers: [{conv: {out: c, k: 1}}]}\n"
    bodies = "".join(f"- {{Body: {{}}, from: a, id: x{k}}}\n" for k in range(12))
    body = f"layers:\n- {{Nody: {{}}, id: a}}\n{bodies}"
    assert [(e.name, e.message) for e in errors(body, head)] == [
        ("unknown-name", "unknown block 'Nody'")
    ]
