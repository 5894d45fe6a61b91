"""``convcalc diff``: two files, two revisions, two folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command import Command
from gitrepo import commit, git, repository
from kept import kept
from places import TESTS
from shipped import report as shipped

from convcalc.analysis.comparison.compare import difference as difference_of
from convcalc.analysis.comparison.to_json import difference_payload
from convcalc.cli import main

GOLDEN = TESTS / "golden" / "diff"
PAIRS = [("resnet50", "resnet101"), ("resnet50", "resnet18"), ("unet", "unet_original")]
PAIRS += [("mobilenet_v2", "mobilenet_v2"), ("vgg11", "vgg19"), ("resnet50", "vgg16")]


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
    assert ran.err.startswith("error: --fail-on 'params:lots': 'lots' is not an amount\n  = help: ")


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
    assert r"**old.yaml → a\|``<b>`*_[x].yaml``**" in out


def test_a_saved_report_is_a_side(run: Command) -> None:
    assert main(["show", "old.yaml", "-f", "json", "-o", "old.json"]) == 0
    assert run("old.json old.yaml --exit-code").code == 0
    assert "stem" in run("old.json new.yaml").out
    assert main(["show", "resnet18", "resnet34", "-f", "json", "-o", "two.json"]) == 0
    assert run("two.json resnet34").code == 2
    assert run("two.json::resnet34 resnet34 --exit-code").code == 0
    Path("bad.json").write_text("{}", "utf-8")
    assert "bad.json is not a report of convcalc" in run("bad.json new.yaml").err


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
    assert run("v2:old.yaml old.yaml").err.startswith("error: unknown revision 'v2'")


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
