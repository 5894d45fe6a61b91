"""Where settings and budgets come from, what silences them, and what counts as checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command import Command, Ran
from confined import confined, require_calm
from gitrepo import git, repository
from places import ROOT

from convcalc.diagnostics.codes import RULES

NET = """\
convcalc: 1
name: net
input: [3, 32, 32]
variants: {wide: {}}
layers:
- conv: {out: 8, k: 3}
- relu
expect:
  net: {params: 9}
budgets:
  params: {max: 200}
"""
BUDGETS = """\
convcalc-budgets: 1
budgets:
- name: edge
  models: "**/*.convcalc.yaml"
  assert: {params: {max: 100}}
"""
SEALED = BUDGETS.replace("name: edge\n", "name: edge\n  locked: true\n")
FREE = NET.split("expect", maxsplit=1)[0]
BLOCKS = "convcalc: 1\nblocks: {A: [relu]}\n"
NAME = "net.convcalc.yaml"


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.fixture
def check(folder: Path, convcalc: Command) -> Command:
    (folder / ".git").mkdir()
    return lambda line="": convcalc(f"check -f concise {line}")


def codes(ran: Ran) -> list[str]:
    words = (word for word in ran.out.split() if word.startswith(("error[", "warning[")))
    return sorted(word.partition("[")[2][:5] for word in words)


# --- silenced is not passed ----------------------------------------------------------------------


def silenced(convcalc: Command, form: str, *more: str) -> str:
    text = "# convcalc: ignore-file[CC301, CC307]\n" + NET
    write(net_convcalc_yaml=text, convcalc_budgets_yaml=BUDGETS)
    ran = convcalc(f"check -f {form} {' '.join(more)}")
    assert ran.code == 0, ran.out
    return ran.out


@pytest.fixture
def _project(folder: Path) -> None:
    (folder / ".git").mkdir()


@pytest.mark.usefixtures("_project")
def test_the_summary_tells_what_is_silenced(convcalc: Command) -> None:
    out = silenced(convcalc, "concise")
    assert out == (
        "Found 0 errors, 0 warnings in 2 models, 0 of 4 budgets passed, 4 silenced, "
        "0 of 1 pinned number held, 1 silenced; 5 findings silenced.\n"
    )
    assert silenced(convcalc, "full") == out
    lines = silenced(convcalc, "concise", "--show-passed").splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "silenced expect",
        "silenced params max 200",
        "silenced edge",
        "silenced params max 200",
        "silenced edge",
        "Found 0 errors, 0 warnings in 2 models, 0 of 4 budgets passed, 4 silenced, 0 of 1 pinned "
        "number held, 1 silenced; 5 findings silenced.",
    ]


@pytest.mark.usefixtures("_project")
def test_every_format_tells_what_is_silenced(convcalc: Command) -> None:
    found = json.loads(silenced(convcalc, "json"))
    assert {
        k: found["summary"][k] for k in ("budgets", "passed", "silenced", "silenced_budgets")
    } == {
        "budgets": 5,
        "passed": 0,
        "silenced": 5,
        "silenced_budgets": 5,
    }
    file = found["files"][0]
    assert {(v["passed"], v["silenced"], v["locked"]) for v in file["budgets"]} == {
        (False, True, False)
    }
    assert {(f["code"], f["by"]) for f in file["silenced_findings"]} == {
        ("CC301", "comment"),
        ("CC307", "comment"),
    }
    suite = ET.fromstring(silenced(convcalc, "junit"))[0]
    assert [(suite.get("skipped"), suite.get("failures"))] == [("5", "0")]
    assert "silenced: " in ET.tostring(suite, encoding="unicode")
    (run,) = json.loads(silenced(convcalc, "sarif"))["runs"]
    assert [r["suppressions"] for r in run["results"]] == [[{"kind": "inSource"}]] * 5
    prints = {r["partialFingerprints"]["convcalc/v1"] for r in run["results"]}
    assert len(prints) == 5
    issues = json.loads(silenced(convcalc, "gitlab"))
    assert [(i["severity"], i["description"][:15]) for i in issues] == [
        ("info", "silenced: CC307"),
        *[("info", "silenced: CC301")] * 4,
    ]
    assert silenced(convcalc, "markdown").count("\n| edge params max 100 |") == 2
    assert "4 silenced" in silenced(convcalc, "github")


@pytest.mark.usefixtures("_project")
def test_a_budget_that_only_warns_did_not_pass(convcalc: Command) -> None:
    write(net_convcalc_yaml=FREE, convcalc_budgets_yaml=BUDGETS)
    write(convcalc_toml="severity = {CC301 = 'warning'}\n")
    assert "2 warnings in 2 models, 0 of 2 budgets passed." in convcalc("check -f concise").out
    write(convcalc_toml="severity = {CC301 = 'ignore'}\n")
    out = json.loads(convcalc("check -f json").out)
    assert [f["by"] for f in out["files"][0]["silenced_findings"]] == ["settings"] * 2
    (run,) = json.loads(convcalc("check -f sarif").out)["runs"]
    assert [r["suppressions"] for r in run["results"]] == [[{"kind": "external"}]] * 2


# --- locked --------------------------------------------------------------------------------------

SILENCING = {
    "a comment for the file": {NAME: "# convcalc: ignore-file[CC301]\n" + FREE},
    "a comment at the bound": {
        "convcalc.budgets.yaml": SEALED.replace("100}}", "100}}  # convcalc: ignore[CC301]")
    },
    "ignore": {"convcalc.toml": "ignore = ['CC301']\n"},
    "select": {"convcalc.toml": "select = ['CC2']\n"},
    "severity": {"convcalc.toml": "severity = {CC301 = 'ignore'}\n"},
    "a lower severity": {"convcalc.toml": "severity = {CC301 = 'warning'}\n"},
    "per-file-ignores": {"convcalc.toml": "[per-file-ignores]\n'*' = ['CC3']\n"},
    "rules": {
        "convcalc.budgets.yaml": SEALED.replace("  assert", "  rules: {CC301: ignore}\n  assert")
    },
    "one variant": {"convcalc.toml": "variant = 'net'\n"},
    "a variant that is none": {"convcalc.toml": "variant = 'nosuch'\n"},
}


@pytest.mark.parametrize("name", SILENCING)
def test_nothing_silences_a_locked_budget(name: str, check: Command) -> None:
    for path, text in {NAME: FREE, "convcalc.budgets.yaml": SEALED, **SILENCING[name]}.items():
        Path(path).write_text(text, "utf-8")
    ran = check()
    assert ran.code == 1
    assert codes(ran).count("CC301") == 2  # of both variants
    assert "warning[CC301]" not in ran.out


def test_a_network_can_lock_its_own(check: Command) -> None:
    locked = NET.replace("budgets:\n", "budgets:\n  locked: true\n").replace("max: 200", "max: 9")
    write(net_convcalc_yaml=locked.replace("params: 9}", "params: 224}"))
    write(convcalc_toml="ignore = ['CC301']\n")
    assert codes(check()) == ["CC301"] * 2
    assert codes(check("--ignore CC301")) == []  # who calls it decides
    write(net_convcalc_yaml=locked.replace("locked: true", "locked: yes please"))
    assert "CC004" in codes(check())


# --- --isolated and --config ---------------------------------------------------------------------


def test_isolated_reads_no_settings_and_no_budgets(check: Command, convcalc: Command) -> None:
    write(net_convcalc_yaml=FREE, convcalc_budgets_yaml=BUDGETS)
    write(convcalc_toml="strict = true\nexclude = ['net*']\n")
    assert check().code == 2  # all is excluded
    assert check("--isolated").out == "Found 0 errors, 0 warnings in 2 models.\n"
    assert check("--isolated --budgets convcalc.budgets.yaml").code == 1
    assert convcalc("pin --check").code == 2
    assert convcalc("pin --check --isolated").code == 1
    write(convcalc_toml="what = 1\n")
    assert check().code == 2
    assert check("--isolated").code == 0
    assert convcalc("diff . .").code == 2
    assert convcalc("diff . . --isolated").code == 0


def test_config_holds_for_all_folders(check: Command, convcalc: Command) -> None:
    write(a__net_convcalc_yaml=FREE, b__net_convcalc_yaml=FREE, a__convcalc_toml="nothing = 1\n")
    write(ci__own_toml="exclude = ['b/']\nbudgets = 'ci/b.yaml'\nstrict = true\n")
    write(ci__b_yaml=BUDGETS.replace("**/", "../**/"))
    ran = check("--config ci/own.toml")
    assert (ran.code, ran.out.count("CC301")) == (1, 2)  # patterns and paths count from here
    assert "a/net.convcalc.yaml" in ran.out
    write(ci__pyproject_toml="[tool.convcalc]\nexclude = ['a/']\n")
    assert check("--config ci/pyproject.toml").out.endswith("in 2 models.\n")
    assert convcalc("pin --check --config ci/pyproject.toml").err.count("would pin") == 1
    assert convcalc("diff a b --config ci/pyproject.toml").code == 0
    for flag in ("--config nowhere.toml", "--budgets nowhere.yaml"):
        ran = check(flag)
        assert (ran.code, "no such file" in ran.err) == (2, True)
    write(ci__own_toml="colour = 1\n")
    assert "ci/own.toml: unknown key 'colour'" in check("--config ci/own.toml").err


def test_the_environment_says_it_too(check: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    write(net_convcalc_yaml=FREE, convcalc_toml="what = 1\n", other_toml="strict = true\n")
    assert check().code == 2
    monkeypatch.setenv("CONVCALC_CONFIG", "other.toml")
    assert check().code == 0
    monkeypatch.delenv("CONVCALC_CONFIG")
    monkeypatch.setenv("CONVCALC_ISOLATED", "1")
    assert check().code == 0


# --- nothing is not clean ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "line", "says"),
    [
        ("variant = 'nosuch'\n", "", "no file has the variant 'nosuch'"),
        ("variant = 'nosuch'\n", "--exit-zero", "no file has the variant 'nosuch'"),
        ("", "--variant nosuch", "no file has the variant 'nosuch'"),
        ("exclude = ['*']\n", "", "no network file in the current folder"),
        ("exclude = ['*']\n", "--exit-zero", "no network file in the current folder"),
        ("exclude = ['*']\n", ". --force-exclude", "no network file in the current folder"),
        ("", "empty", "no network file in empty"),
        ("", "empty --force-exclude", "no network file in empty"),
        ("", "--select ,", "--select names no rule"),
        ("select = []\n", "", "'select' leaves no rule to look for"),
        ("ignore = ['CC']\n", "", "'ignore' leaves no rule to look for"),
        ("select = ['CC2']\nignore = ['CC201', 'CC2']\n", "", "leaves no rule to look for"),
    ],
)
def test_a_check_of_nothing_could_not_run(
    settings: str, line: str, says: str, check: Command
) -> None:
    write(net_convcalc_yaml=FREE, convcalc_toml=settings, empty__x_txt="")
    ran = check(line)
    assert ran.code == 2, ran.out
    assert says in ran.err


def test_a_folder_whose_variant_is_none_is_not_clean(check: Command) -> None:
    write(net_convcalc_yaml=FREE, deep__net_convcalc_yaml=FREE)
    write(deep__convcalc_toml="variant = 'nosuch'\n")
    ran = check()
    assert (ran.code, "deep/convcalc.toml" in ran.err) == (2, True)


def test_what_is_checked_need_not_be_a_network(check: Command) -> None:
    write(net_convcalc_yaml=FREE, b_convcalc_yaml=BLOCKS, convcalc_budgets_yaml=BUDGETS)
    assert check("b.convcalc.yaml").code == 0
    assert check("convcalc.budgets.yaml").code == 0
    write(convcalc_toml="exclude = ['net*']\n")
    ran = check("net.convcalc.yaml --force-exclude")  # as hooks do
    assert ran.code == 0
    assert "'exclude' leaves out every file that is named" in ran.err


# --- what git tracks is never ignored ------------------------------------------------------------


def test_ignore_files_are_for_what_git_does_not_track(
    tmp_path: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("kept/net.convcalc.yaml", "a.convcalc.yaml", "env/net.convcalc.yaml")
    repository(tmp_path / "p", dict.fromkeys(names, FREE))
    monkeypatch.chdir(tmp_path / "p")
    write(_gitignore="kept/\n*.convcalc.yaml\n", env__pyvenv_cfg="")
    Path(".gitignore").write_text("kept/\n*.convcalc.yaml\n", "utf-8")
    Path("env/pyvenv.cfg").write_text("", "utf-8")
    write(kept__new_convcalc_yaml=FREE, new_convcalc_yaml=FREE, env__new_convcalc_yaml=FREE)

    def files() -> list[str]:
        return sorted(each["file"] for each in json.loads(convcalc("check -f json").out)["files"])

    assert files() == sorted(names)
    git(Path(), "rm", "-q", "--cached", "a.convcalc.yaml")
    assert files() == ["env/net.convcalc.yaml", "kept/net.convcalc.yaml"]
    git(Path(), "add", "--force", "new.convcalc.yaml")
    assert "new.convcalc.yaml" in files()
    Path("convcalc.toml").write_text("exclude = ['kept/']\n", "utf-8")
    assert "kept/net.convcalc.yaml" not in files()  # which is for what is tracked, too


# --- --policy ------------------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = repository(tmp_path / "p", {NAME: FREE, "convcalc.budgets.yaml": SEALED})
    monkeypatch.chdir(folder)
    return folder


def test_an_unknown_policy_is_no_policy(held: Path, convcalc: Command) -> None:
    for revision in ("nowhere", "-x", "--help", "main:", "HEAD~9", "a..b"):
        ran = convcalc(f"check --policy={revision}")
        assert ran.code == 2, revision
    assert convcalc("check --policy main...").code == 1
    (held / ".git").rename(held / ".not-git")
    assert convcalc("check --policy main").code == 2


def test_the_environment_names_the_policy(
    held: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (held / "convcalc.budgets.yaml").unlink()
    assert convcalc("check").code == 0
    monkeypatch.setenv("CONVCALC_POLICY", "main")
    ran = convcalc("check -f concise")
    assert codes(ran) == ["CC301", "CC301", "CC403"]
    assert f"{NAME}:1:1: error[CC301]" in ran.out


def test_silencing_and_pinning_act_on_the_tree(held: Path, convcalc: Command) -> None:
    (held / "convcalc.budgets.yaml").write_text(BUDGETS, "utf-8")
    ran = convcalc("check --policy main --add-ignore")
    assert ran.code == 0
    assert "With --policy they count once main has the comments" in ran.err
    assert convcalc("check").code == 0
    ran = convcalc("check -f concise --policy main")
    assert codes(ran) == ["CC301", "CC301", "CC401", "CC403"]
    assert convcalc("pin").code == 0
    assert "CC404" not in codes(convcalc("check -f concise --policy main"))  # more is pinned
    git(held, "commit", "-qam", "accepted")
    assert convcalc("check --policy main").code == 0


def test_what_is_gone_is_found_below_the_words_only(held: Path, convcalc: Command) -> None:
    write(b__free_convcalc_yaml=FREE)
    git(held, "add", "-A")
    git(held, "commit", "-qm", "two")
    (held / NAME).unlink()
    assert codes(convcalc("check -f concise --policy main b")) == ["CC301"] * 2
    assert "CC405" in codes(convcalc("check -f concise --policy main"))
    assert "CC405" in codes(convcalc("check -f concise --policy main '**/*.yaml'"))
    assert convcalc(f"check --policy main {NAME}").code == 2


def test_diff_leaves_out_what_the_policy_does(held: Path, convcalc: Command) -> None:
    (held / NAME).write_text(FREE.replace("out: 8", "out: 9"), "utf-8")
    (held / "convcalc.toml").write_text("exclude = ['*']\n", "utf-8")
    assert convcalc("diff main:./ . --exit-code").code == 0
    assert convcalc("diff main:./ . --exit-code --policy main").code == 1
    assert convcalc("diff main:./ . --exit-code --isolated").code == 1


HOSTILE = {
    "settings": {"convcalc.toml": "a" * 300_000},
    "other settings": {"deep/convcalc.toml": "[" * 50_000, "deep/net.convcalc.yaml": FREE},
    "budgets": {"convcalc.budgets.yaml": "budgets: [" * 9000},
    "many budgets": {
        "convcalc.budgets.yaml": "convcalc-budgets: 1\nbudgets:\n"
        + "".join(
            f"- {{name: b{n}, models: '*', assert: {{params: {{max: {n}}}}}}}\n" for n in range(900)
        )
    },
    "comments": {
        NAME: FREE.replace("- relu", "- relu  # convcalc: ignore[" + "CC201," * 5000 + "]")
    },
    "comment lines": {NAME: "# convcalc: ignore[CC201]\n" * 9000 + FREE},
    "equal lines": {NAME: FREE + "# x\n# y\n" * 20_000},
    "renamed ones": {NAME: None, **{f"n{k}.convcalc.yaml": FREE + f"# {k}\n" for k in range(60)}},
    "patterns": {".gitignore": "*a*a*a*a*a*a*ab\n" * 2000},
    "exclude": {"convcalc.toml": "exclude = [" + "'*a*a*a*a*a*a*ab'," * 5000 + "]\n"},
    "many files ignored": {
        "convcalc.toml": "[per-file-ignores]\n"
        + "".join(f"'m{n}/*' = ['CC']\n" for n in range(4000))
    },
    "many bounds": {
        NAME: FREE
        + "budgets:\n  params:\n"
        + "".join(f"  - {{max: 200, at: conv, message: m{n}}}\n" for n in range(2000))
    },
    "many folders": {f"{'d/' * n}convcalc.toml": "" for n in range(1, 400)},
    "a policy of itself": {"HEAD": "ref: x\n", "objects/x": "", "refs/x": ""},
    "names": {"a\nb.convcalc.yaml": FREE, "::error::.convcalc.yaml": FREE},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_change_is_met_calmly(name: str, held: Path) -> None:
    for path, text in HOSTILE[name].items():
        if text is None:
            (held / path).unlink()
            continue
        (held / path).parent.mkdir(parents=True, exist_ok=True)
        (held / path).write_text(text, "utf-8")
    outcome = confined(["check", "--policy", "main"], held)
    require_calm(outcome, codes=(1, 2))


# --- the page ------------------------------------------------------------------------------------


def page_blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "policy.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_page_shows_what_happens(
    tmp_path: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (shown,) = page_blocks("yaml")
    budgets = shown.partition("\n")[2]
    ci = (ROOT / "docs" / "ci.md").read_text("utf-8")
    net = ci[ci.index("convcalc: 1\nname: net") :].partition("expect:")[0]
    repository(tmp_path / "p", {"convcalc.budgets.yaml": budgets, NAME: net})
    monkeypatch.chdir(tmp_path / "p")
    assert convcalc("check --policy main").code == 0
    Path("convcalc.budgets.yaml").write_text(budgets.replace("6k", "9k"), "utf-8")
    Path(NAME).write_text(net.replace("width: 16", "width: 20"), "utf-8")
    ran = convcalc("check --policy main")
    first, second = page_blocks("text")
    assert (ran.code, ran.out) == (1, first)
    silenced = budgets.replace("    locked: true\n", "").replace("6k}", "6k}, macs: {max: 1}")
    Path("convcalc.budgets.yaml").write_text(silenced, "utf-8")
    Path(NAME).write_text("# convcalc: ignore-file[CC302]\n" + net, "utf-8")
    assert convcalc("check").out == second


def test_the_page_names_every_rule_about_it() -> None:
    page = (ROOT / "docs" / "policy.md").read_text("utf-8")
    for code, rule in RULES.items():
        if code.startswith("CC4"):
            assert f"| {code} `{rule.name}` |" in page
