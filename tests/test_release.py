"""The files of a release agree: version, address, schemas, workflows, templates, the sdist."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from places import ROOT

from convcalc._version import __version__
from convcalc.checking.budgets import FILE as BUDGETS
from convcalc.cli.commands.schema import KINDS, schema_text
from convcalc.language.sources.shipped import ENDINGS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE = PROJECT["urls"]["Source"]
ACCOUNT = SOURCE.removeprefix("https://github.com/").partition("/")[0]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
TEXTS = (".md", ".yml", ".yaml", ".toml", ".cff", ".json")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def releasable() -> ModuleType:
    spec = importlib.util.spec_from_file_location("releasable", ROOT / ".ci" / "releasable.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the address and the version -----------------------------------------------------------------


def test_every_address_of_the_repository_is_the_same() -> None:
    places = [*ROOT.iterdir(), *(ROOT / "docs").iterdir(), *GITHUB.rglob("*")]
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in places
        if path.suffix in TEXTS and path.is_file()
        for name in re.findall(r"([\w-]+)/convcalc(?=[/@\s\"]|$)", path.read_text("utf-8"))
        if name not in {"cache", "bin", "opt", "project", "RUNNER_TEMP", "workflows"}
    }
    assert {name for _, name in found} == {ACCOUNT}
    assert {place for place, _ in found} - {"CONTRIBUTING.md"} == {*releasable().ADDRESSED}


def test_every_address_of_the_metadata_lies_in_the_repository() -> None:
    urls = PROJECT["urls"]
    assert [*urls] == ["Homepage", "Documentation", "Source", "Issues", "Changelog"]
    assert all(url.startswith(SOURCE) for url in urls.values())
    for url in urls.values():
        if "/blob/main/" in url:
            assert (ROOT / url.partition("/blob/main/")[2]).is_file()


def test_the_citation_is_of_this_version() -> None:
    citation = loaded(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert citation["repository-code"] == SOURCE
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]


def test_the_changelog_begins_with_what_is_not_released() -> None:
    headings = re.findall(r"^##? .+$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:2] == ["# Changelog", "## [Unreleased]"]
    for heading in headings[2:]:
        assert re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)


def test_the_links_of_the_readme_lead_into_the_repository() -> None:
    hooks = (ROOT / "hatch_build.py").read_text("utf-8")
    pattern = re.search(r're\.sub\(r"(.+?)", f"\]', hooks)
    assert pattern is not None
    text = (ROOT / "README.md").read_text("utf-8")
    links = [text[m.end() :].partition(")")[0] for m in re.finditer(pattern[1], text)]
    assert len(links) > 20
    assert all((ROOT / link.partition("#")[0]).exists() for link in links)


# --- what is left before a tag --------------------------------------------------------------------


def ready(root: Path) -> None:
    """A copy of what the release looks at, ready to be released as 9.8.7."""
    for name in {
        *releasable().ADDRESSED,
        "CITATION.cff",
        "CHANGELOG.md",
        "convcalc/_version.py",
    }:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text("utf-8").replace(f"{ACCOUNT}/convcalc", "someone/convcalc")
        text = text.replace(__version__, "9.8.7")
        text = text.replace("## [Unreleased]", "## [Unreleased]\n\n## [9.8.7] - 2030-01-02")
        (root / name).write_text(text, "utf-8")


def test_nothing_is_left_of_a_release_that_is_ready(tmp_path: Path) -> None:
    ready(tmp_path)
    assert [*releasable().left("v9.8.7", tmp_path)] == []
    assert releasable().main("v9.8.7", tmp_path) == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("convcalc/_version.py", "9.8.7", "9.8.8", "the tag is v9.8.7"),
        ("CITATION.cff", "9.8.7", "9.8.6", "CITATION.cff is not of version"),
        ("CHANGELOG.md", " - 2030-01-02", "", "CHANGELOG.md has no heading"),
        ("docs/ci.md", "someone/", "OWNER/", "docs/ci.md has OWNER"),
        ("docs/schemastore.json", "someone/", "other/", "docs/schemastore.json does not name"),
    ],
)
def test_what_is_left_is_named(
    name: str, old: str, new: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready(tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert releasable().main("v9.8.7", tmp_path) == 1
    assert says in capsys.readouterr().out


# --- workflows and templates ----------------------------------------------------------------------


def test_the_workflows_are_there() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_few_permissions_and_fixed_actions(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert set(job["permissions"].values()) <= {"read"} or job["permissions"] == {
            "id-token": "write"
        }
        for step in job["steps"]:
            assert "secrets." not in json.dumps(step)
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
    versions = re.findall(r"uses: \S+(.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert all(re.fullmatch(r"  # v\d+\.\d+\.\d+", version) for version in versions)


def test_nothing_of_the_repository_runs_where_the_token_is() -> None:
    publish = loaded(GITHUB / "workflows" / "release.yml")["jobs"]["publish"]
    assert publish["environment"]["name"] == "pypi"
    assert publish["needs"] == "build"
    assert ["run" in step for step in publish["steps"]] == [False, False]
    assert not any("checkout" in step["uses"] for step in publish["steps"])


def test_ci_tests_every_python_that_is_claimed() -> None:
    claimed = [
        each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)
    ]
    assert loaded(GITHUB / "workflows" / "ci.yml")["jobs"]["tests"]["strategy"]["matrix"] == {
        "python": claimed
    }
    assert PROJECT["requires-python"] == f">={claimed[0]}"


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.name != "config.yml"], ids=lambda path: path.stem
)
def test_an_issue_asks_for_a_file_and_the_version(path: Path) -> None:
    template = loaded(path)
    assert {"name", "description", "labels", "body"} == {*template}
    fields = {field["id"]: field for field in template["body"]}
    assert len(fields) == len(template["body"])
    assert {"file", "version"} <= {*fields}
    assert fields["version"]["attributes"]["label"] == "convcalc --version --verbose"
    assert fields["version"]["validations"] == {"required": True}
    assert all(field["type"] in {"textarea", "input", "dropdown"} for field in fields.values())
    assert all(field["attributes"]["label"] for field in fields.values())


def test_the_issues_have_three_templates() -> None:
    names = {"config", "missing-operator", "wrong-message", "wrong-number"}
    assert {path.stem for path in TEMPLATES} == names


# --- SchemaStore ----------------------------------------------------------------------------------

CATALOG = json.loads((ROOT / "docs" / "schemastore.json").read_text("utf-8"))


def matching(name: str) -> list[str]:
    """The entries that an editor takes for a file of that name."""
    return [
        entry["name"]
        for entry in CATALOG
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["fileMatch"])
    ]


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry["name"])
def test_an_entry_leads_to_a_schema_of_that_title(entry: dict[str, Any]) -> None:
    assert [*entry] == ["name", "description", "fileMatch", "url"]
    assert "schema" not in f"{entry['name']} {entry['description']}".lower()  # as the catalog asks
    raw = SOURCE.replace("github.com", "raw.githubusercontent.com")
    base, _, file = entry["url"].partition("/main/docs/")
    assert base == raw
    assert json.loads((ROOT / "docs" / file).read_text("utf-8"))["title"] == entry["name"]


def test_the_entries_are_in_order() -> None:
    names = [entry["name"] for entry in CATALOG]
    assert names == sorted(names)


def test_every_file_has_its_schema() -> None:
    shipped = [path.name for path in (ROOT / "specs").rglob("*.yaml")]
    assert len(shipped) > 100
    for name in (*shipped, *(f"net{ending}" for ending in ENDINGS)):
        assert matching(name) == ["convcalc network"]
    assert matching(BUDGETS) == ["convcalc budgets"]
    assert matching("convcalc.toml") == ["convcalc settings"]
    assert matching("convcalc.yaml") == matching("config.yaml") == []


def test_the_page_of_versions_names_the_schema_of_each_result() -> None:
    page = (ROOT / "docs" / "versions.md").read_text("utf-8")
    named = {*re.findall(r"`convcalc/([a-z-]+-v\d+)`", page)} - {"report-v2"}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "convcalc").rglob("*.py"))
    assert named == {*re.findall(r'^SCHEMA = "convcalc/(.+)"$', sources, re.MULTILINE)}
    for kind in set(KINDS) - {"network", "budgets", "settings", "device"}:
        const = json.loads(schema_text(kind))["properties"]["schema"]["const"]
        assert const.removeprefix("convcalc/") in named


# --- the sdist -----------------------------------------------------------------------------------


def test_the_sdist_holds_what_tests_read() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    included = build["targets"]["sdist"]["include"]
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    tops = {*re.findall(r'\bROOT / "([^"/]+)', sources)}
    assert {"action.yml", ".ci", "docs", "pyproject.toml"} <= tops
    held = {pattern.removeprefix("/") for pattern in included} | {"pyproject.toml", ".gitignore"}
    assert {
        top for top in tops if not any(fnmatch.fnmatchcase(top, each) for each in held)
    } == set()
    assert all(any(ROOT.glob(pattern.removeprefix("/"))) for pattern in included)
