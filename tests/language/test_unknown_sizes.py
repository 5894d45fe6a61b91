# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Networks of which a size is not known."""

from __future__ import annotations

from texts import problems, report, shapes

from convcalc.model.quantities.unknown import known

UNSIZED = "convcalc: 1\nname: net\ninput: [3, null, null]\n"


def test_an_unknown_size_leaves_parameters_and_receptive_fields_known() -> None:
    body = "layers:\n- conv: {out: 8, k: 3}\n- batch_norm\n- max_pool: {k: 2, s: 2}\n- residual: [{conv: {out: 8, k: 3, p: 1}}]\n- upsample: {scale: 2}\n- global_avg_pool\n- linear: {out: 10}\n"
    found, sized = report(body, UNSIZED), report(body)
    assert found.totals.params == sized.totals.params
    assert [x.params for x in found.layers] == [x.params for x in sized.layers]
    fields = [x.receptive_field for x in found.layers], [x.receptive_field for x in sized.layers]
    assert fields[0] == fields[1]
    assert str(found.layers[0].output) == "8×unknown×unknown"
    assert str(found.layers[-1].output) == "10"


def test_counts_that_depend_on_an_unknown_size_are_unknown_and_say_so() -> None:
    found = report("layers:\n- conv: {out: 8, k: 3}\n- flatten\n- linear: {out: 10}\n", UNSIZED)
    for count in (
        found.totals.params,
        found.totals.macs,
        found.totals.flops,
        found.totals.moved,
        found.totals.activations,
    ):
        assert not known(count)
    assert {"conv: macs", "linear: params", "linear: macs"} <= set(found.totals.unknown)
    assert found.layers[0].params == 8 * 27 + 8


def test_one_axis_may_be_unknown_alone() -> None:
    assert shapes("layers:\n- conv: {out: 8, k: 3}\n", "convcalc: 1\ninput: [3, null, 32]\n") == [
        "8×unknown×30"
    ]


def test_what_must_know_a_size_says_that_it_does_not() -> None:
    for item in (
        "{relu: {}, if: in_channels > 3}",
        "{relu: {}, repeat: in_channels}",
        "{linear: {out: in_channels*2}}",
        "{branches: [[], []], split: channels}",
    ):
        assert problems(f"layers:\n- flatten\n- {item}\n", UNSIZED) == ["bad-expression"], item
    head = f"{UNSIZED}blocks:\n  A: {{params: {{c: int}}, layers: [relu]}}\n"
    assert problems("layers:\n- flatten\n- A: {c: in_channels}\n", head) == ["bad-expression"]


def test_stated_shapes_of_unknown_sizes_are_not_held_against_them() -> None:
    assert not problems(
        "layers:\n- {conv: {out: 8, k: 3}, shape: [8, 30, 30]}\n- {flatten: {}, shape: [7200]}\n- {relu: {}, in: 7200}\n",
        UNSIZED,
    )
    assert problems("layers:\n- {conv: {out: 8, k: 3}, shape: [9, 30, 30]}\n", UNSIZED) == [
        "stated-differently"
    ]
