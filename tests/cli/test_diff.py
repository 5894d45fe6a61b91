"""What changed between two networks: matching, sums, tolerances, and the command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from command import Command
from gitrepo import commit, git, repository
from hypothesis import given
from hypothesis import strategies as st
from kept import kept
from places import TESTS
from shipped import report as shipped
from small import report_of

from convcalc.analysis.comparison.compare import Change, Comparison, compared
from convcalc.analysis.comparison.compare import difference as difference_of
from convcalc.analysis.comparison.to_json import difference_payload
from convcalc.analysis.comparison.tolerance import WrongTolerance, excesses, tolerance
from convcalc.analysis.report.from_json import saved_report
from convcalc.analysis.report.to_json import report_payload
from convcalc.cli import main
from convcalc.model.quantities.unknown import UNKNOWN

GOLDEN = TESTS / "golden" / "diff"
PAIRS = [("resnet50", "resnet101"), ("resnet50", "resnet18"), ("unet", "unet_original")]
PAIRS += [("mobilenet_v2", "mobilenet_v2"), ("vgg11", "vgg19"), ("resnet50", "vgg16")]
SUMMED = ("params", "trainable", "buffers", "macs", "flops", "sampling", "elementwise")
SUMMED += ("activations",)
CONV: dict[str, Any] = {"conv": {"out": 8, "k": 3, "p": 1}}


def kinds(comparison: Comparison) -> dict[str, str]:
    """What became of each layer, by its path; the old path behind a new one."""
    return {
        change.layer.path: change.kind
        if not change.old or change.old.path == change.layer.path
        else f"{change.kind} {change.old.path}"
        for change in comparison.layers
    }


def difference(old: list[Any], new: list[Any], **top: Any) -> Comparison:
    return compared(report_of(old, [3, 16, 16], **top), report_of(new, [3, 16, 16], **top))


# --- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_changes_of_the_layers_add_up_to_those_of_the_totals(pair: tuple[str, str]) -> None:
    old, new = map(shipped, pair)
    comparison = compared(old, new)
    for key in SUMMED:
        change = comparison.total(key)
        assert sum(layer.delta(key) for layer in comparison.layers) == change.delta
        assert change.delta == getattr(new.totals, key) - getattr(old.totals, key)
    count = sum((c.new is not None) - (c.old is not None) for c in comparison.layers)
    assert count == comparison.total("layers").delta


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_way_back_is_the_way_there_reversed(pair: tuple[str, str]) -> None:
    old, new = map(shipped, pair)
    there, back = compared(old, new), compared(new, old)
    swapped = {"added": "removed", "removed": "added"}
    assert sorted(swapped.get(c.kind, c.kind) for c in there.layers) == sorted(
        c.kind for c in back.layers
    )
    for key in SUMMED:
        one, other = there.total(key).delta, back.total(key).delta
        assert one is not None
        assert other == -one


@pytest.mark.parametrize("name", ["resnet50", "unet", "densenet121"])
def test_a_network_is_the_same_as_itself_and_as_its_saved_report(name: str) -> None:
    report = shipped(name)
    back = saved_report(json.dumps(report_payload(report)).encode(), "x.json")
    assert compared(report, shipped(name)).is_same
    assert compared(back, report).is_same
    assert compared(report, back).layers == ()


WORDS = st.lists(
    st.sampled_from(
        ["relu", "batch_norm", CONV, {"conv": {"out": 4, "k": 1}}, {**CONV, "id": "stem"}]
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda item: "stem" if isinstance(item, dict) and "id" in item else object(),
)


@given(WORDS, WORDS)
def test_every_layer_is_matched_once_and_the_sums_are_right(old: list[Any], new: list[Any]) -> None:
    comparison = difference(old, new)
    for side, report in (("old", comparison.old), ("new", comparison.new)):
        met = [getattr(c, side).path for c in comparison.layers if getattr(c, side)]
        assert len(set(met)) == len(met)
        assert set(met) <= {layer.path for layer in report.layers}
    gone = sum(c.new is None for c in comparison.layers)
    come = sum(c.old is None for c in comparison.layers)
    assert come - gone == len(new) - len(old)
    assert sum(c.delta("macs") for c in comparison.layers) == comparison.total("macs").delta
    assert comparison.is_same == (old == new)


# --- which layer is which ------------------------------------------------------------------------


def test_a_changed_field_is_told_with_what_follows_from_it() -> None:
    wider = {"conv": {"out": 8, "k": 5, "p": 2}}
    comparison = difference([CONV, "relu"], [wider, "relu"])
    conv, relu = comparison.layers
    assert conv.fields == {"kernel_size": ([3, 3], [5, 5]), "padding": ([[1, 1]] * 2, [[2, 2]] * 2)}
    assert conv.delta("params") == 8 * 3 * (25 - 9)
    assert conv.delta("macs") == 8 * 3 * (25 - 9) * 16 * 16
    assert relu.is_distant
    assert not conv.is_distant


def test_a_layer_that_gets_an_index_is_the_same_layer() -> None:
    comparison = difference([CONV, "relu"], [CONV, "relu", {"conv": {"out": 2, "k": 1}}])
    assert kinds(comparison) == {"conv[0]": "renamed conv", "conv[1]": "added"}
    back = difference([CONV, "relu", {"conv": {"out": 2, "k": 1}}], [CONV, "relu"])
    assert kinds(back) == {"conv": "renamed conv[0]", "conv[1]": "removed"}


def test_a_renamed_layer_may_have_changed_too() -> None:
    comparison = difference(
        [CONV], [{"conv": {"out": 4, "k": 3, "p": 1}}, {"conv": {"out": 2, "k": 1}}]
    )
    assert kinds(comparison) == {"conv[0]": "changed conv", "conv[1]": "added"}
    assert comparison.layers[0].fields == {"out_channels": (8, 4)}


def test_a_renamed_block_is_recognised_by_its_work() -> None:
    blocks = {"Body": {"layers": [CONV, "relu"]}}
    old: list[Any] = ["relu", {"Body": {}, "id": "body"}, {"linear": {"out": 2}}]
    new: list[Any] = ["relu", {"Body": {}, "id": "stage"}, {"linear": {"out": 2}}]
    assert kinds(difference(old, new, blocks=blocks)) == {
        "stage.conv": "renamed body.conv",
        "stage.relu": "renamed body.relu",
    }


def test_what_is_not_clear_is_no_rename() -> None:
    """One of two equal layers stays: which one, nobody can tell."""
    old = [{**CONV, "id": "a"}, {"relu": {}, "id": "b"}, {"relu": {}, "id": "c"}]
    new = [{**CONV, "id": "a"}, {"relu": {}, "id": "d"}]
    assert kinds(difference(old, new)) == {"b": "removed", "c": "removed", "d": "added"}


def test_a_block_of_which_only_a_part_is_the_same_was_not_renamed() -> None:
    """ResNet's two kinds of blocks share the norms."""
    comparison = compared(shipped("resnet50"), shipped("resnet18"))
    became = set(kinds(comparison).values())
    assert became == {"added", "removed", "changed"}
    blocks = {"Body": {"layers": [CONV, "relu"]}, "Other": {"layers": [CONV, "gelu"]}}
    assert kinds(difference(["relu", "Body"], ["relu", "Other"], blocks=blocks)) == {
        "Body.conv": "removed",
        "Body.relu": "removed",
        "Other.conv": "added",
        "Other.gelu": "added",
    }


def test_the_same_work_elsewhere_is_no_rename() -> None:
    old = [{"relu": {}, "id": "first"}, {**CONV, "id": "a"}]
    new = [{**CONV, "id": "a"}, {"relu": {}, "id": "last"}]
    assert kinds(difference(old, new)) == {"first": "removed", "last": "added"}


def test_another_operator_under_the_same_id_is_a_change() -> None:
    old, new = [{"relu": {}, "id": "act"}], [{"gelu": {}, "id": "act"}]
    (change,) = difference(old, new).layers
    assert (change.kind, change.parts["operator"]) == ("changed", ("relu", "gelu"))


def test_what_stays_unknown_is_no_change_and_what_becomes_known_is_one() -> None:
    unknown = report_of([CONV], [3, None, None])
    assert compared(unknown, report_of([CONV], [3, None, None])).is_same
    change = compared(unknown, report_of([CONV], [3, 4, 4])).total("macs")
    assert not change.is_same
    assert change.delta is UNKNOWN
    assert change.ratio is None


# --- tolerances ----------------------------------------------------------------------------------


def exceeded(text: str, old: Any, new: Any) -> list[str]:
    limits = tolerance(text)
    report = shipped("vgg11")
    change = Change(limits.metric, old, new)
    return list(excesses(limits, Comparison(report, report, (change,), ())))


@pytest.mark.parametrize(
    ("text", "old", "new", "is_exceeded"),
    [
        ("params:+2%", 100, 102, False),
        ("params:+2%", 100, 103, True),
        ("params:+2%", 10_000, 10_201, True),
        ("params:+2%", 100, 1, False),
        ("params:-2%", 100, 98, False),
        ("params:-2%", 100, 97, True),
        ("params:-2%", 100, 500, False),
        ("params:2%", 100, 97, True),
        ("params:2%", 100, 103, True),
        ("params:+0", 100, 101, True),
        ("params:0", 100, 99, True),
        ("params:0", 100, 100, False),
        ("params:+10%", 0, 1, True),
        ("params:+10%", 0, 0, False),
        ("macs:+1.5k", 100, 1600, False),
        ("macs:+1.5k", 100, 1601, True),
        ("memory: +1MiB", 0, 2**20, False),
        ("memory:+1MiB", 0, 2**20 + 1, True),
        ("layers:+0.5%", 199, 200, True),
        ("params:+2%", UNKNOWN, 100, True),
        ("params:+2%", 100, UNKNOWN, True),
        ("params:+2%", UNKNOWN, UNKNOWN, True),
    ],
)
def test_a_tolerance_is_exact(text: str, old: int, new: int, is_exceeded: bool) -> None:
    assert bool(exceeded(text, old, new)) is is_exceeded


def test_a_receptive_field_is_held_on_every_axis() -> None:
    old = report_of([{"conv": {"out": 2, "k": [3, 3]}}], [3, 16, 16])
    new = report_of([{"conv": {"out": 2, "k": [5, 1]}}], [3, 16, 16])
    assert list(excesses(tolerance("receptive_field:-0"), compared(old, new))) == [
        "receptive_field fell from 3 to 1 (-66.7 %), more than -0 allows"
    ]
    assert list(excesses(tolerance("receptive_field:+2"), compared(old, new))) == []


def test_what_exceeds_is_said_in_numbers() -> None:
    assert exceeded("params:+2%", 25_557_032, 44_549_160) == [
        "params grew from 25.56 M to 44.55 M (+74.3 %), more than +2% allows"
    ]
    assert exceeded("params:+0", 25_557_032, 25_557_033) == [
        "params grew from 25,557,032 to 25,557,033 (+<0.1 %), more than +0 allows"
    ]
    assert exceeded("macs:+2%", UNKNOWN, 3) == ["macs is unknown, so that +2% cannot be held"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params", "'params' has no colon"),
        ("", "'' has no colon"),
        ("parms:+2%", "'parms:+2%': unknown metric 'parms'"),
        ("params:", "'params:': '' is no amount"),
        ("params:lots", "'params:lots': 'lots' is no amount"),
        ("params:+-2%", "'params:+-2%': '+-2%' is no amount"),
        ("params:>2%", "'params:>2%': '>2%' is no amount"),
        ("params:+2MiB", "'params:+2MiB': params is not measured in bytes"),
        ("params:+1e999", "'params:+1e999': '+1e999' is no amount"),
    ],
)
def test_a_wrong_tolerance_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(WrongTolerance) as caught:
        tolerance(text)
    assert caught.value.message == message
    assert caught.value.advice


# --- the command ---------------------------------------------------------------------------------


SMALL = """\
convcalc: 1
name: small
input: [3, 32, 32]
layers:
  - {conv: {out: 8, k: 3, p: 1}, id: stem}
  - batch_norm
  - relu
  - repeat: 3
    seq: [{conv: {out: 8, k: 3, p: 1}}, relu]
  - linear: {out: 10}
"""
CHANGED = SMALL.replace("out: 8, k: 3, p: 1}, id", "out: 8, k: 5, p: 2}, id").replace(
    "repeat: 3", "repeat: 4"
)


@pytest.fixture
def run(folder: Path, convcalc: Command) -> Command:
    """Runs ``convcalc diff`` in a folder with two versions of a network."""
    (folder / "old.yaml").write_text(SMALL, "utf-8")
    (folder / "new.yaml").write_text(CHANGED, "utf-8")
    return lambda line: convcalc(f"diff {line}")


LINES = {
    "table": "old.yaml new.yaml",
    "exact": "old.yaml new.yaml --exact --depth all",
    "markdown": "old.yaml new.yaml -f markdown",
    "json": "old.yaml new.yaml -f json",
    "deeper": "resnet50 resnet101",
    "wider": "resnet50 wide_resnet50_2",
    "other": "resnet50 resnet18 --depth 2",
    "same": "old.yaml old.yaml",
    "fail_on": "old.yaml new.yaml --fail-on params:+2% --fail-on macs:+90% --fail-on layers:0",
}


@pytest.mark.parametrize("name", LINES)
def test_a_whole_output_is_as_it_was(name: str, run: Command) -> None:
    ran = run(LINES[name])
    text = f"$ convcalc diff {LINES[name]}\n{ran.out}[stderr]\n{ran.err}[exit {ran.code}]\n"
    assert text == kept(GOLDEN / f"{name}.txt", text)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("old.yaml new.yaml", 0),
        ("old.yaml new.yaml --exit-code", 1),
        ("old.yaml old.yaml --exit-code", 0),
        ("old.yaml new.yaml --fail-on params:+50%", 0),
        ("old.yaml new.yaml --fail-on params:+50% --fail-on layers:+0", 1),
        ("old.yaml new.yaml --fail-on params:+50% --exit-code", 1),
        ("old.yaml new.yaml --fail-on params:50", 1),
        ("old.yaml new.yaml --fail-on nothing", 2),
        ("old.yaml gone.yaml", 2),
        ("old.yaml gone.json", 2),
        ("old.yaml new.yaml -f csv", 2),
        ("old.yaml new.yaml --depth deep", 2),
        ("old.yaml", 2),
    ],
)
def test_the_exit_code_says_whether_something_was_found(
    options: str, code: int, run: Command
) -> None:
    assert run(options).code == code


def test_an_expression_is_refused_before_anything_is_read(run: Command) -> None:
    ran = run("gone.yaml new.yaml --fail-on params:lots")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: --fail-on 'params:lots': 'lots' is no amount\n  = help: ")


def test_a_comment_begins_with_its_mark_and_is_empty_if_nothing_changed(run: Command) -> None:
    assert run("old.yaml new.yaml -f markdown").out.startswith("<!-- convcalc:report -->\n")
    assert run("old.yaml old.yaml -f markdown") == (0, "", "")
    assert run("old.yaml old.yaml").out == "old.yaml → old.yaml\nnothing changed\n"
    for form in ("table", "json", "markdown"):
        assert run(f"old.yaml old.yaml --quiet-if-same -f {form}") == (0, "", "")
    assert json.loads(run("old.yaml old.yaml -f json").out)["same"] is True


def test_an_old_comment_does_not_stay_in_the_output_file(run: Command) -> None:
    Path("comment.md").write_text("old", "utf-8")
    assert run("old.yaml old.yaml -f markdown -o comment.md").code == 0
    assert Path("comment.md").read_bytes() == b""


def test_a_comment_is_short_enough_for_a_pull_request(run: Command) -> None:
    """GitHub takes 65,536 characters."""
    for pair in PAIRS:
        assert len(run(f"{' '.join(pair)} -f markdown").out) < 8_000


def test_a_name_cannot_break_out_of_a_comment(run: Command) -> None:
    Path("a|<b>`*_[x].yaml").write_text(CHANGED, "utf-8")
    out = run("old.yaml 'a|<b>`*_[x].yaml' -f markdown").out
    assert r"**old.yaml → a\|\<b\>\`\*\_\[x].yaml**" in out


def test_a_saved_report_is_a_side(run: Command) -> None:
    assert main(["show", "old.yaml", "-f", "json", "-o", "old.json"]) == 0
    assert run("old.json old.yaml --exit-code").code == 0
    assert "stem" in run("old.json new.yaml").out
    assert main(["show", "resnet18", "resnet34", "-f", "json", "-o", "two.json"]) == 0
    assert run("two.json resnet34").code == 2
    assert run("two.json::resnet34 resnet34 --exit-code").code == 0
    Path("bad.json").write_text("{}", "utf-8")
    assert "bad.json is no report of convcalc" in run("bad.json new.yaml").err


def test_numbers_that_mean_different_things_are_not_compared(run: Command) -> None:
    assert main(["show", "old.yaml", "-f", "json", "-o", "old.json", "--count", "weights"]) == 0
    ran = run("old.json old.yaml")
    assert ran.code == 2
    assert "--count weights and with --count weights,dynamic" in ran.err
    assert run("old.json old.yaml --count weights --exit-code").code == 0


def test_a_network_with_errors_is_not_compared(run: Command) -> None:
    Path("bad.yaml").write_text(SMALL.replace("linear", "liner"), "utf-8")
    ran = run("old.yaml bad.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "error[CC012] unknown-operator" in ran.err
    main(["show", "bad.yaml", "-f", "json", "-o", "bad.json"])
    assert "network with errors" in run("bad.json old.yaml").err


def test_a_working_tree_is_compared_with_what_was_committed(run: Command) -> None:
    repository(Path(), {"old.yaml": SMALL})
    assert run("HEAD:old.yaml old.yaml --exit-code --quiet-if-same") == (0, "", "")
    commit(Path(), {"old.yaml": CHANGED})
    ran = run("HEAD~1:old.yaml HEAD:old.yaml --exit-code")
    assert ran.code == 1
    assert "kernel_size 3 → 5" in ran.out
    git(Path(), "tag", "v1")
    assert run("v1:old.yaml old.yaml --exit-code").code == 0
    assert run("v2:old.yaml old.yaml").err.startswith("error: no revision is called 'v2'")


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("pair", [*PAIRS, ("old.yaml", "new.yaml")], ids=" ".join)
def test_a_terminal_shows_whole_numbers(
    pair: tuple[str, str], width: int, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    wide = run(" ".join(pair)).out
    monkeypatch.setenv("COLUMNS", str(width))
    out = run(" ".join(pair)).out
    assert max(map(len, out.splitlines())) <= width
    numbers = {word for word in wide.split() if word[0] in "+-" and word[1:2].isdigit()}
    assert numbers <= set(out.split())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run(" ".join(pair)).out or pair[0] == pair[1]


def test_the_json_holds_every_layer_that_changed() -> None:
    found = difference_of("deeper", shipped("resnet50"), shipped("resnet101"))
    payload = json.loads(json.dumps(difference_payload(found), allow_nan=False))
    assert payload["schema"] == "convcalc/diff-v1"
    assert len(payload["layers"]) == 204
    assert payload["totals"]["params"] == {
        "old": 25557032,
        "new": 44549160,
        "delta": 18992128,
        "ratio": pytest.approx(18992128 / 25557032),
    }
    kinds = [layer["change"] for layer in payload["layers"]]
    assert (kinds.count("added"), kinds.count("changed")) == (170, 34)


# --- folders -------------------------------------------------------------------------------------


def test_folders_are_compared_file_by_file_and_variant_by_variant(run: Command) -> None:
    variants = "params: {c: 8}\nvariants: {small_wide: {c: 16}}\n"
    wide = SMALL.replace("layers:", f"{variants}layers:").replace("{out: 8,", "{out: c,")
    files = {
        "models/a.convcalc.yaml": wide,
        "models/deep/same.convcalc.yaml": SMALL,
        "models/gone.convcalc.yml": SMALL,
        "models/blocks.convcalc.yaml": "convcalc: 1\nblocks:\n  B: {layers: [relu]}\n",
    }
    repository(Path(), files)
    assert run("HEAD:models/ models --exit-code -f markdown") == (0, "", "")
    assert run("HEAD:models/ models") == (0, "HEAD:models/ → models\nnothing changed\n", "")
    Path("models/gone.convcalc.yml").unlink()
    Path("models/new.convcalc.yaml").write_text(SMALL, "utf-8")
    Path("models/a.convcalc.yaml").write_text(wide.replace("c: 16", "c: 24"), "utf-8")
    ran = run("HEAD:models/ models --exit-code --fail-on params:+10%")
    assert ran.code == 1
    assert ran.out.startswith("a.convcalc.yaml::small_wide\n")
    assert "gone.convcalc.yml\nremoved: 2.082 k params, 2.073 MMAC" in ran.out
    assert "new.convcalc.yaml\nadded: 2.082 k params" in ran.out
    assert "same.convcalc.yaml" not in ran.out
    assert ran.err.endswith("more than +10% allows in a.convcalc.yaml::small_wide\n")
    comment = run("HEAD:models/ models -f markdown").out
    assert comment.startswith("<!-- convcalc:report -->\n\n**a.convcalc.yaml::small_wide**")
    assert comment.count("<!--") == 1
    payloads = json.loads(run("HEAD:models/ models -f json").out)
    sides = {each["title"]: (each["old"] is None, each["new"] is None) for each in payloads}
    assert sides["gone.convcalc.yml"] == (False, True)
    assert sides["new.convcalc.yaml"] == (True, False)


def test_what_the_settings_leave_out_is_not_taken_for_removed_or_added(run: Command) -> None:
    files = {"a.convcalc.yaml": SMALL, "old/b.convcalc.yaml": SMALL, ".gitignore": "build/\n"}
    repository(Path(), {**files, "convcalc.toml": 'exclude = ["old"]\n'})
    Path("build").mkdir()
    Path("build/c.convcalc.yaml").write_text(SMALL, "utf-8")
    assert run("HEAD:./ . --exit-code -f markdown") == (0, "", "")


def test_a_changed_import_changes_the_files_that_import_it(run: Command) -> None:
    blocks = "convcalc: 1\nblocks:\n  B: {layers: [{conv: {out: 8, k: 3}}]}\n"
    net = "convcalc: 1\nname: n\ninput: [3, 8, 8]\nimports: {b: b.convcalc.yaml}\nlayers: [b.B]\n"
    repository(Path("r"), {"b.convcalc.yaml": blocks, "n.convcalc.yaml": net})
    os.chdir("r")
    assert run("HEAD:./ . --exit-code").code == 0
    Path("b.convcalc.yaml").write_text(blocks.replace("k: 3", "k: 1"), "utf-8")
    ran = run("HEAD:./ . --exit-code")
    assert ran.code == 1
    assert ran.out.startswith("n.convcalc.yaml\n")


def test_a_file_with_problems_does_not_stop_the_others(run: Command) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "a.convcalc.yaml").write_text(SMALL.replace("linear", folder), "utf-8")
        Path(folder, "b.convcalc.yaml").write_text(SMALL if folder == "one" else CHANGED, "utf-8")
    ran = run("one two")
    assert ran.code == 1
    assert ran.out.startswith("b.convcalc.yaml\n")
    assert "unknown-operator" in ran.err


def test_a_folder_is_compared_with_a_folder(run: Command) -> None:
    Path("folder").mkdir()
    ran = run("folder old.yaml")
    assert ran.code == 2
    assert ran.err.startswith("error: 'folder' is a folder, but 'old.yaml' is not\n")
    assert run("HEAD:nowhere/ .").code == 2


def test_a_long_comment_is_cut_with_the_rest_named(run: Command) -> None:
    for folder, text in (("one", SMALL), ("two", CHANGED)):
        Path(folder).mkdir()
        for number in range(60):
            Path(folder, f"n{number:02}.convcalc.yaml").write_text(text, "utf-8")
    out = run("one two -f markdown").out
    assert 40_000 < len(out) < 60_000
    assert "\nChanged too: n" in out
    assert "n59.convcalc.yaml" in out.splitlines()[-1] or " more" in out.splitlines()[-1]


def test_the_numbers_of_another_tool_are_compared_too(run: Command) -> None:
    ran = run("resnet50 resnet101 --convention thop -f json")
    whole = json.loads(ran.out)
    found = whole["convention"]["thop MACs"]
    assert found["old"] == 4133742592  # measured with thop 0.1.1
    # 4 per element of a norm, which are the outputs of the convolutions; the pooling reads 2048
    # maps of 7x7 and makes 2048 numbers
    macs, outputs = (whole["totals"][key]["new"] for key in ("macs", "activations"))
    assert found["new"] == macs + 4 * (outputs - 1000) + 2048 * 49 + 2048
    assert json.loads(run("resnet50 resnet101 -f json").out)["convention"] == {}
