"""What budgets demand: every metric, every bound, and what cannot be known."""

from __future__ import annotations

from pathlib import Path

import pytest
from budgeted import MACS, NET, PARAMS, broken, checked, holds


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("convcalc.toml").write_text("ignore = ['CC104', 'CC201']\n", "utf-8")


# --- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("params", PARAMS),
        ("trainable", PARAMS),
        ("buffers", 0),
        ("macs", MACS),
        ("flops", 2 * MACS),
        ("sampling", 0),
        ("activations", 8 * 225 + 16 * 225 + 10),
        ("layers", 4),
    ],
)
def test_counts_at_their_exact_bounds(metric: str, value: int) -> None:
    assert holds(f"{metric}: {{max: {value}, min: {value}, equals: {value}}}")
    if value:
        assert not holds(f"{metric}: {{max: {value - 1}}}")
    assert not holds(f"{metric}: {{min: {value + 1}}}")
    assert not holds(f"{metric}: {{equals: {value + 1}}}")


@pytest.mark.parametrize(
    ("assertion", "code"),
    [
        ("params: {max: 1k}", "CC301"),
        ("params: {min: 2k}", "CC308"),
        ("params: {equals: 2k}", "CC312"),
        ("macs: {max: 1k}", "CC302"),
        ("activations: {max: 1k}", "CC305"),
        ("memory: {max: 1KiB}", "CC305"),
        ("memory: {min: 1GiB}", "CC308"),
        ("receptive_field: {min: 100}", "CC303"),
        ("jump: {max: 1}", "CC303"),
        ("coverage: {min: 1, at: body}", "CC303"),
        ("output: {equals: [11]}", "CC304"),
        ("shapes: {stem: [8, 15, 16]}", "CC304"),
        ("layers: {max: 3}", "CC309"),
        ("share: {of: head, metric: params, max: 10%}", "CC309"),
    ],
)
def test_each_metric_breaks_a_rule_of_its_own(assertion: str, code: str) -> None:
    (found,) = broken(assertion)
    assert found[0] == f"error {code}"


def test_parts_are_named_by_their_path() -> None:
    assert holds("params: [{equals: 216, at: stem}, {equals: 1152, at: body}]")
    assert holds("shapes: {stem: [8, 15, 15], body: [16, null, null], head: [10]}")
    assert holds("output: {equals: [16, 15, 15], at: body}")
    assert holds("receptive_field: {equals: 3, at: stem}")
    ((_, message),) = broken("params: {max: 3, at: stm}")
    assert message == "there is no layer or block 'stm'"
    (found,) = checked("params: {max: 3, at: stm}").findings
    assert found.help == "use 'stem'"


def test_a_repeated_part_is_all_of_its_repetitions_and_its_tensor_the_last() -> None:
    text = NET.replace("id: body}", "id: body, repeat: 2}")
    assert holds(f"params: {{equals: {1152 + 16 * 16 * 9}, at: body}}", text)
    assert holds("params: {equals: 1152, at: 'body[0]'}", text)
    assert holds("layers: {equals: 2, at: body}", text)


def test_receptive_fields_per_axis_and_their_range() -> None:
    # stem 3, body 3 + 2·2·2 = 11 at jump 2
    assert holds("receptive_field: {equals: 11}")
    assert holds("receptive_field: [{equals: [11, 11]}, {min: 11, max: 11}]")
    assert not holds("receptive_field: {min: 12}")
    assert holds("jump: {equals: 2}")
    up = NET.replace("- global_avg_pool\n", "- {conv_transpose: {out: 4, k: 4, s: 2, p: 1}}\n")
    up = up.replace("- {linear: {out: 10}, id: head}\n", "")
    # two taps of the map below, 4 or 2 further pixels: the extent depends on the phase
    assert holds("receptive_field: {min: 13, max: 13}", up)
    assert holds("jump: {equals: 1}", up)


def test_coverage_is_what_is_really_read() -> None:
    # after 1x1, three taps two apart read 3 of 5 positions on each axis
    assert holds("coverage: {equals: 1, at: stem}")
    alone = NET.replace("k: 3, s: 2", "k: 1, s: 1")
    ((_, message),) = broken("coverage: {min: 60%, at: body}", alone)
    assert message.startswith("coverage at body 36 % is below 60 %")  # (3/5)²
    assert broken("coverage: {min: 1}", alone)[0][0] == "error CC303"  # of the local path


def test_look_ahead_counts_on_the_first_axis() -> None:
    text = NET.replace("[3, 32, 32]", "[3, 400]")
    assert holds("look_ahead: {equals: 5, at: body}", text)  # up to 2 + 2·2, and its own go to 1
    causal = text.replace("p: same", "p: causal").replace("s: 2,", "s: 1, p: causal,")
    assert holds("look_ahead: {max: 0, at: body}", causal)


def test_memory_has_a_type_a_batch_and_two_parts() -> None:
    weights, peak = 4 * PARAMS, 4 * (8 * 225 + 16 * 225)
    assert holds(f"memory: {{equals: {weights + peak}}}")
    assert holds(f"memory: {{equals: {weights}, part: weights}}")
    assert holds(f"memory: {{equals: {peak}, part: activations_peak}}")
    assert holds(f"memory: {{equals: {(weights + peak) // 4}, dtype: int8}}")
    assert holds(f"memory: {{equals: {weights + 8 * peak}, batch: 8}}")
    (found,) = checked("memory: {max: 1KiB, dtype: int8}").findings
    assert found.notes == ("1.502 KiB weights and buffers + 5.273 KiB activations peak (int8)",)


def test_memory_has_options() -> None:
    trained = 4 * PARAMS
    assert holds(f"memory: {{equals: {trained}, part: gradients, options: training}}")
    states = "part: optimizer_states, options: [training, adam]}"
    assert holds(f"memory: {{equals: {2 * trained}, {states}")
    (found,) = checked("memory: {max: 1KiB, options: [training, adam]}").findings
    assert found.notes[0].endswith("(float32, training, adam)")
    for wrong in ("[adam]", "[training, fused]", "in_place", "[training, sgd, adam]"):
        assert len(checked(f"memory: {{max: 1GiB, options: {wrong}}}").findings) == 1


def test_what_does_not_grow_with_the_batch_is_kept_once() -> None:
    head = "convcalc: 1\nname: net\ninput: [4, 8, 8]\n"
    text = f"{head}layers: [{{conv: {{out: 4, k: 1, bias: false}}}}, batch_norm]\n"
    for batch in (1, 3):  # input and output of the convolution, and two numbers per channel
        kept = 4 * (2 * batch * 4 * 64 + 8)
        assert holds(
            f"memory: {{equals: {kept}, batch: {batch}, part: kept, options: training}}", text
        )


def test_shares_of_parts() -> None:
    share = 170 / PARAMS
    assert holds(f"share: {{of: head, metric: params, max: {share + 0.001:.4f}}}")
    assert not holds(f"share: {{of: head, metric: params, max: {share - 0.001:.4f}}}")
    assert holds("share: {of: head, metric: macs, max: 1%}")


# --- bounds ------------------------------------------------------------------------------------


def test_units_and_expressions() -> None:
    assert holds("params: {max: 1.538k}")
    assert holds("params: {max: 1538.0}")
    assert holds("macs: {max: 0.31M, min: 3e5}")
    assert holds("output: {equals: [10]}")
    assert holds("shapes: {stem: [w, 15, 15]}")
    assert holds("params: {max: 1500 + 38}")


def test_warn_lies_before_the_limit_and_does_not_fail() -> None:
    ((kind, message),) = broken(f"params: {{max: 2k, warn: {PARAMS - 1}}}")
    assert kind == "warning CC301"
    assert message == "1.538 k is above the warning level 1.537 k by 1 (+0.1 %)"
    assert holds(f"params: {{max: 2k, warn: {PARAMS}}}")
    ((kind, _),) = broken("receptive_field: {min: 5, warn: 20}")
    assert kind == "warning CC303"
    assert [kind for kind, _ in broken("params: {max: 1k, warn: 1k}")] == ["error CC301"]
    assert checked(f"params: {{max: 2k, warn: {PARAMS - 1}}}").verdicts[0].passed


def test_messages_are_shown_on_failure() -> None:
    (found,) = checked("params: {max: 1k, message: see ADR-14}").findings
    assert found.notes[-1] == "note: see ADR-14"


def test_budgets_hold_for_every_variant_and_name_it() -> None:
    result = checked(f"params: {{max: {PARAMS}}}", variant="all")
    (found,) = result.findings
    assert found.within == "variant: wide   input: 3×32×32"
    assert [verdict.passed for verdict in result.verdicts] == [True, False]


# --- what cannot be known ------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["params", "macs", "memory", "flops"])
def test_an_unknown_number_fails_its_budget(metric: str) -> None:
    opaque = NET.replace("- global_avg_pool", "- opaque: {output: [16, 9, 9]}\n- global_avg_pool")
    ((kind, message),) = broken(f"{metric}: {{max: 100T}}", opaque)
    assert kind == "error CC310"
    assert message == f"{metric} cannot be known"


def test_an_unknown_size_fails_what_depends_on_it() -> None:
    text = NET.replace("[3, 32, 32]", "[3, null, null]")
    assert [kind for kind, _ in broken("macs: {max: 100T}", text)] == ["error CC310"]
    assert holds("params: {max: 2k}", text)
    assert holds("output: {equals: [10]}", text)
    assert holds("shapes: {stem: [8, null, null]}", text)
    assert not holds("shapes: {stem: [8, 15, 15]}", text)


def test_a_network_with_problems_passes_none_of_its_budgets() -> None:
    result = checked("params: {max: 100T}", NET.replace("k: 3, p", "k: 0, p"))
    assert [found.code for found in result.findings] == ["CC011"]
    (verdict,) = result.verdicts
    assert not verdict.passed
    assert verdict.skipped == "the network has problems"


# --- what is wrong with a budget -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("budgets", "text"),
    [
        ("parms: {max: 1M}", "parms"),
        ("rf: {min: 3}", "rf"),
        ("params: {mx: 1M}", "mx"),
        ("params: {max: 1M, dtype: int8}", "dtype"),
        ("params: {}", "params"),
        ("params: 1M", "1M"),
        ("params: {max: lots}", "lots"),
        ("params: {max: [1]}", "[1]"),
        ("params: {max: 1.5}", "1.5"),
        ("params: {max: -1}", "-1"),
        ("params: {max: 12MiB}", "12MiB"),
        ("params: {max: true}", "true"),
        ("params: {max: 1k, min: 2k}", "2k"),
        ("params: {max: 1k, warn: 2k}", "2k"),
        ("params: {max_increase: 2%}", "2%"),
        ("memory: {max: 1MiB, dtype: int9}", "int9"),
        ("memory: {max: 1MiB, batch: 0}", "0"),
        ("memory: {max: 1MiB, part: wieghts}", "wieghts"),
        ("share: {max: 20%}", "share"),
        ("share: {of: head, max: 120%}", "120%"),
        ("coverage: {min: 2}", "2"),
        ("output: {max: [1]}", "max"),
        ("output: {equals: [1, 2, 3, 4, 5]}", "[1, 2, 3, 4, 5]"),
        ("output: {equals: [0]}", "[0]"),
        ("shapes: [1]", "[1]"),
        ("compare: {bse: x}", "{bse: x}"),
        ("compare: {base: x, missing: maybe}", "maybe"),
    ],
)
def test_a_wrong_budget_is_an_error_at_its_place(budgets: str, text: str) -> None:
    (found,) = checked(budgets).findings
    line = Path("net.convcalc.yaml").read_text("utf-8").split("\n")[found.place.line - 1]
    assert found.code < "CC1"
    assert line[found.place.column - 1 : found.place.end - 1] == text


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("receptive_field", 1),
        ("jump", 1),
        ("look_ahead", 0),
        ("output", [3, 32, 32]),
    ],
)
def test_an_input_sees_itself(metric: str, value: object) -> None:
    # ``rf --at input`` says the same.
    for name in ("input", "image"):
        text = NET.replace("input: [3, 32, 32]", f"inputs: {{{name}: [3, 32, 32]}}")
        assert broken(f"{metric}: {{equals: {value}, at: {name}}}", text) == []
        assert broken(f"coverage: {{min: 100%, at: {name}}}", text) == []
        (found,) = broken(f"{metric}: {{equals: 7, at: {name}}}", text)
        assert found[0] in ("error CC303", "error CC304")


def test_an_input_does_not_see_another() -> None:
    text = NET.replace("input: [3, 32, 32]", "inputs: {a: [3, 32, 32], b: [3, 32, 32]}")
    text = text.replace("layers:", "layers:\n- add: [a, b]")
    assert broken("receptive_field: {max: 1, at: a, input: a}", text) == []
    (found,) = broken("receptive_field: {max: 1, at: a, input: b}", text)
    assert found[0] == "error CC310"


def test_an_input_has_no_counts() -> None:
    assert broken("params: {max: 9, at: input}")[0][1] == "'input' is an input of the network"
