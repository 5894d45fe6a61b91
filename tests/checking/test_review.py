"""What hooks and reviews see: users of a changed file, regressions by network, a base that is not
there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from command import Command
from gitrepo import git, repository
from places import ROOT

from convcalc.checking.importers import importers

BLOCK = "convcalc: 1\nblocks: {Pair: {layers: [{conv: {out: 8, k: 3}}]}}\n"
NET = """\
convcalc: 1
name: net
input: [3, 8, 8]
imports: {b: blocks.convcalc.yaml}
layers: [{b.Pair: {}, id: first}, {conv: {out: 2, k: 1}, id: second}]
"""
BUDGETS = """\
convcalc-budgets: 1
budgets:
- name: small
  models: [net.convcalc.yaml]
  assert: {params: {max: 300}}
"""
GROWN = BLOCK.replace("out: 8", "out: 64")
FILES = {
    "blocks.convcalc.yaml": BLOCK,
    "net.convcalc.yaml": NET,
    "other.convcalc.yaml": "convcalc: 1\nname: other\ninput: [3, 8, 8]\nlayers: [relu]\n",
    "convcalc.budgets.yaml": BUDGETS,
}


@pytest.fixture
def tree(folder: Path) -> Path:
    return repository(folder, FILES)


# --- the hook ------------------------------------------------------------------------------------


def hook() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return next(each for each in listed if each["id"] == "convcalc-check")


def run_hook(convcalc: Command, *changed: str) -> tuple[int, str]:
    """What the hook does for the files that have changed, as pre-commit picks them."""
    import re

    named = [name for name in changed if re.search(hook()["files"], name)]
    if not named:
        return 0, ""
    ran = convcalc(f"{hook()['entry'].removeprefix('convcalc ')} {' '.join(named)}")
    return ran.code, ran.out


@pytest.mark.usefixtures("tree")
def test_the_hook_finds_a_budget_that_an_imported_block_broke(convcalc: Command) -> None:
    assert run_hook(convcalc, "blocks.convcalc.yaml")[0] == 0
    Path("blocks.convcalc.yaml").write_text(GROWN, "utf-8")
    code, out = run_hook(convcalc, "blocks.convcalc.yaml")
    assert code == 1
    assert "CC301" in out
    assert "other" not in out


@pytest.mark.usefixtures("tree")
def test_the_hook_finds_what_a_changed_budgets_file_breaks(convcalc: Command) -> None:
    Path("convcalc.budgets.yaml").write_text(BUDGETS.replace("300", "200"), "utf-8")
    code, out = run_hook(convcalc, "convcalc.budgets.yaml")
    assert code == 1
    assert "CC301" in out


@pytest.mark.usefixtures("tree")
def test_users_are_found_through_others(convcalc: Command) -> None:
    Path("more").mkdir()
    middle = BLOCK.replace("blocks:", "imports: {b: ../blocks.convcalc.yaml}\nblocks:")
    Path("more/middle.convcalc.yaml").write_text(middle, "utf-8")
    top = NET.replace("blocks.convcalc.yaml", "middle.convcalc.yaml")
    Path("more/top.convcalc.yaml").write_text(top, "utf-8")
    walked = ["more/middle.convcalc.yaml", "more/top.convcalc.yaml", "net.convcalc.yaml"]
    assert sorted(importers("blocks.convcalc.yaml", lambda _: walked)) == walked
    out = convcalc("check --with-users blocks.convcalc.yaml").out
    assert "in 2 models" in out  # net and top; two files define only blocks


@pytest.mark.usefixtures("tree")
def test_without_the_flag_only_named_files_are_checked(convcalc: Command) -> None:
    Path("blocks.convcalc.yaml").write_text(GROWN, "utf-8")
    assert convcalc("check blocks.convcalc.yaml").code == 0


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("text", ["imports: [", "imports: 3\n", 'imports: {a: "\\0"}\n'])
def test_a_broken_file_imports_nothing(text: str, convcalc: Command) -> None:
    Path("other.convcalc.yaml").write_text(text, "utf-8")
    assert convcalc("check --with-users blocks.convcalc.yaml").code == 0


# --- regressions ---------------------------------------------------------------------------------

GROWTH = """\
convcalc-budgets: 1
budgets:
- name: no-surprises
  models: [net.convcalc.yaml]
  compare: {base: %s, missing: pass}
  assert: {params: {max_increase: 10}}
"""


@pytest.fixture
def grown(tree: Path) -> Path:
    """A tree whose block has grown; its own layer, ``second``, has as well, but less."""
    (tree / "convcalc.budgets.yaml").write_text(GROWTH % "HEAD", "utf-8")
    (tree / "blocks.convcalc.yaml").write_text(GROWN, "utf-8")
    return tree


@pytest.mark.usefixtures("grown")
def test_a_regression_says_what_grew(convcalc: Command) -> None:
    out = convcalc("check net.convcalc.yaml").out
    # 3·3·3·56 weights and 56 biases more, then 1·1·56·2 weights more
    assert "grew most: first +1.568 k, second +112" in out
    assert "largest:" not in out


@pytest.mark.usefixtures("tree")
def test_what_is_largest_need_not_have_grown(convcalc: Command) -> None:
    Path("convcalc.budgets.yaml").write_text(GROWTH % "HEAD", "utf-8")
    Path("net.convcalc.yaml").write_text(NET.replace("out: 2", "out: 4"), "utf-8")
    out = convcalc("check net.convcalc.yaml").out
    assert "grew most: second +18\n" in out


@pytest.mark.usefixtures("grown")
def test_a_regression_in_gitlab_is_that_of_the_network(convcalc: Command) -> None:
    (issue,) = json.loads(convcalc("check net.convcalc.yaml -f gitlab").out)
    assert issue["location"] == {"path": "net.convcalc.yaml", "lines": {"begin": 1}}
    assert "model: net.convcalc.yaml" in issue["description"]
    assert "budget: convcalc.budgets.yaml:6:" in issue["description"]


@pytest.mark.usefixtures("grown")
def test_a_regression_on_github_is_that_of_the_network(convcalc: Command) -> None:
    out = convcalc("check net.convcalc.yaml -f github").out
    command = out.splitlines()[0]
    assert command.startswith("::error title=convcalc (CC306),file=net.convcalc.yaml,line=1,")
    assert "model: net.convcalc.yaml" in command
    assert "convcalc.budgets.yaml:6:" in command


# --- a base that is not there --------------------------------------------------------------------


@pytest.mark.usefixtures("grown")
@pytest.mark.parametrize(("missing", "code"), [("pass", 0), ("fail", 1)])
def test_missing_says_what_a_missing_base_is(missing: str, code: int, convcalc: Command) -> None:
    text = GROWTH.replace("missing: pass", f"missing: {missing}") % "origin/main"
    Path("convcalc.budgets.yaml").write_text(text, "utf-8")
    ran = convcalc("check net.convcalc.yaml")
    assert ran.code == code
    assert "unknown revision 'origin/main'" in ran.out
    assert convcalc("check net.convcalc.yaml --strict").code == 1


def test_a_folder_without_git_has_no_base_either(folder: Path, convcalc: Command) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "convcalc.budgets.yaml").write_text(GROWTH % "main", "utf-8")
    assert convcalc("check net.convcalc.yaml").code == 0


# --- diff ----------------------------------------------------------------------------------------


def test_diff_of_a_revision_and_a_folder_says_what_to_write(tree: Path, convcalc: Command) -> None:
    (tree / "models").mkdir()
    (tree / "models/a.convcalc.yaml").write_text(FILES["other.convcalc.yaml"], "utf-8")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "models")
    ran = convcalc("diff main:models models")
    assert ran.code == 2
    assert "write 'main:models/'" in ran.err
    assert convcalc("diff main:models/ models").code == 0
    assert "compare like with like" in convcalc("diff main:net.convcalc.yaml models").err


# --- the base ------------------------------------------------------------------------------------

VARIANTS = NET.replace("imports:", "variants: {wide: {w: 9}}\nparams: {w: 2}\nimports:").replace(
    "out: 2", "out: w"
)


@pytest.mark.parametrize(
    "line",
    [
        "get network net.convcalc.yaml::base",
        "get network net.convcalc.yaml --variant base",
        "check net.convcalc.yaml::base",
        "check net.convcalc.yaml --variant base",
        "show net.convcalc.yaml --variant base",
    ],
)
@pytest.mark.usefixtures("tree")
def test_the_base_may_be_named_as_findings_name_it(line: str, convcalc: Command) -> None:
    Path("net.convcalc.yaml").write_text(VARIANTS, "utf-8")
    ran = convcalc(line)
    assert ran.code == 0
    assert ran.out == convcalc(line.replace("base", "net")).out
    assert ran.out != convcalc(line.replace("base", "wide")).out or line.startswith("check")


@pytest.mark.usefixtures("tree")
def test_a_variant_called_base_is_that_variant(convcalc: Command) -> None:
    Path("net.convcalc.yaml").write_text(VARIANTS.replace("wide", "base"), "utf-8")
    assert convcalc("get network net.convcalc.yaml::base").out == "base\n"


# --- another input, other params -----------------------------------------------------------------

BOUNDED = """\
convcalc: 1
name: bounded
input: [3, 8, 8]
params: {w: 4}
layers: [{conv: {out: w, k: 3, bias: false}}]
expect:
  bounded: {params: 108, output: [4, 6, 6]}
budgets:
  macs: {max: 4000}
"""


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ("", 0),  # 108 · 36 = 3,888 MACs
        ("-i 3x9x9", 1),  # 108 · 49
        ("-i 3x7x7", 0),
        ("--set w=5", 1),  # 135 · 36
        ("--set w=2", 0),  # what is pinned is not that of w = 2
        ("-i 3x7x7 --set w=5", 0),  # 135 · 25
        ("-i 3x8x8 -i 3x9x9", 2),
        ("--set v=5", 2),
        ("--set w=5 --policy HEAD", 2),
    ],
)
@pytest.mark.usefixtures("tree")
def test_check_at_another_input_and_with_other_params(
    flags: str, code: int, convcalc: Command
) -> None:
    Path("bounded.convcalc.yaml").write_text(BOUNDED, "utf-8")
    for _ in range(2):  # the second time, what is kept
        ran = convcalc(f"check bounded.convcalc.yaml {flags}")
        assert ran.code == code
        assert ("pinned" in ran.out) is (flags == "")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ("", 1),  # (192 + 144 activations + 108 weights) · 4 bytes
        ("--dtype float16", 0),
        ("--dtype int8 --set w=8", 0),
        ("--dtype float99", 2),
        ("--dtype float16 --policy HEAD", 2),
    ],
)
@pytest.mark.usefixtures("tree")
def test_check_of_memory_at_another_type(flags: str, code: int, convcalc: Command) -> None:
    bounded = BOUNDED.replace("macs: {max: 4000}", "memory: {max: 1000}")
    Path("bounded.convcalc.yaml").write_text(bounded, "utf-8")
    for _ in range(2):
        ran = convcalc(f"check bounded.convcalc.yaml {flags}")
        assert ran.code == code, ran
        assert ("pinned" in ran.out) is ("--set" not in flags and code < 2)


@pytest.mark.usefixtures("tree")
def test_a_base_is_read_at_the_same_input_and_params(convcalc: Command) -> None:
    growth = GROWTH.replace("params: {max_increase: 10}", "macs: {max_increase: 0}")
    Path("convcalc.budgets.yaml").write_text(growth % "HEAD", "utf-8")
    assert convcalc("check net.convcalc.yaml -i 3x32x32").code == 0
