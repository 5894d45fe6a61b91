"""Settings of a project that commands read which show numbers: flag, environment, settings,
default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command
from jsonschema import Draft7Validator, ValidationError

from convcalc.checking.configuration import SHOWN
from convcalc.output.schemas.settings import settings_schema

SETTINGS = 'depth = 2\ncolumns = ["path", "macs"]\ndtype = "float16"\n'


@pytest.fixture(autouse=True)
def _folder(folder: Path) -> None:
    (folder / ".git").mkdir()


def rows(text: str) -> list[str]:
    return [line.partition(",")[0] for line in text.splitlines()[1:]]


def test_show_reads_depth_and_columns(convcalc: Command) -> None:
    Path("convcalc.toml").write_text(SETTINGS, "utf-8")
    out = convcalc("show resnet18 -f csv").out
    assert out.splitlines()[0] == "path,macs"
    assert out == convcalc("show resnet18 -f csv --depth 2 --columns path,macs").out
    assert out != convcalc("show resnet18 -f csv --depth 1").out


@pytest.mark.parametrize(
    ("setting", "flag"),
    [
        ('dtype = "float16"', "--dtype float16"),
        ('count = ["weights", "elementwise"]', "--count weights,elementwise"),
        ('count = "weights"', "--count weights"),
        ('memory = "training,adam"', "--memory training,adam"),
        ('convention = "fvcore"', "--convention fvcore"),
    ],
)
def test_every_command_with_the_flag_reads_the_setting(
    setting: str, flag: str, convcalc: Command
) -> None:
    Path("convcalc.toml").write_text(setting, "utf-8")
    lines = ["show alexnet", "show alexnet -f json", "layer conv out=8 k=3 -i 3x8x8 -f json"]
    lines += [] if "convention" in flag else ["get totals alexnet", "diff alexnet vgg11"]
    for line in lines:
        with_setting = convcalc(line)
        assert with_setting.code == 0
        Path("convcalc.toml").rename("off.toml")
        if "--memory" not in flag or line.split()[0] in ("show", "get"):
            assert with_setting.out == convcalc(f"{line} {flag}").out
        Path("off.toml").rename("convcalc.toml")


def test_a_flag_comes_first_then_the_environment(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dtype(flag: str = "") -> str:
        return convcalc(f"get totals.memory.dtype alexnet {flag}").out.strip()

    assert dtype() == "float32"
    Path("convcalc.toml").write_text(SETTINGS, "utf-8")
    assert dtype() == "float16"
    monkeypatch.setenv("CONVCALC_DTYPE", "int8")
    assert dtype() == "int8"
    assert dtype("--dtype float64") == "float64"
    monkeypatch.delenv("CONVCALC_DTYPE")
    monkeypatch.setenv("CONVCALC_DEPTH", "all")
    whole = convcalc("show resnet18 -f csv --depth all").out
    assert convcalc("show resnet18 -f csv").out == whole
    assert convcalc("show resnet18 -f csv --depth 1").out != whole


def test_only_the_closest_file_of_the_project_holds(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def macs_only(folder: str) -> bool:
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            return convcalc("show alexnet -f csv").out.startswith("path,macs\n")

    Path("pyproject.toml").write_text('[tool.convcalc]\ncolumns = "path,macs"\n', "utf-8")
    for folder in ("a/b", "own", "other/.git", "shared"):
        Path(folder).mkdir(parents=True)
    Path("own/convcalc.toml").write_text("depth = 1\n", "utf-8")
    Path("shared/pyproject.toml").write_text('[project]\nname = "convcalc-models"\n', "utf-8")
    found = {folder: macs_only(folder) for folder in (".", "a/b", "own", "other", "shared")}
    assert found == {".": True, "a/b": True, "own": False, "other": False, "shared": True}


def test_settings_may_be_named_or_left_out(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = convcalc("show alexnet").out
    Path("convcalc.toml").write_text(SETTINGS, "utf-8")
    Path("else.toml").write_text('columns = "path"\n', "utf-8")
    monkeypatch.setenv("CONVCALC_CONFIG", "else.toml")
    assert convcalc("show alexnet -f csv").out.startswith("path\n")
    monkeypatch.setenv("CONVCALC_ISOLATED", "1")
    assert convcalc("show alexnet").out == plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("depht = 2", "use 'depth'"),
        ("depth = 0", "'depth' must be a whole number from 1, or 'all'"),
        ("depth = true", "'depth' must be a whole number"),
        ('dtype = "float"', "'dtype' must be one of"),
        ("columns = 3", "'columns' must be a list of texts"),
        ('columns = "path,mac"', "use 'macs'"),
        ("columns = [", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_an_error(text: str, words: str, convcalc: Command) -> None:
    Path("convcalc.toml").write_text(text, "utf-8")
    ran = convcalc("show alexnet")
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_a_kept_result_is_that_of_its_settings(
    convcalc: Command, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = tmp_path_factory.mktemp("kept")
    monkeypatch.setenv("CONVCALC_CACHE_DIR", str(kept))
    monkeypatch.delenv("CONVCALC_NO_CACHE", raising=False)
    plain = convcalc("show alexnet").out
    for text in (SETTINGS, 'columns = "path"\n', "", 'columns = "path"\n'):
        Path("convcalc.toml").write_text(text, "utf-8")
        first = convcalc("show alexnet").out
        assert first == convcalc("show alexnet").out == convcalc("show alexnet --no-cache").out
        assert (first == plain) is (text == "")
    assert list(kept.rglob("*"))


def test_check_reads_its_own_settings_beside_them(convcalc: Command) -> None:
    Path("convcalc.toml").write_text(f"{SETTINGS}strict = true\n", "utf-8")
    assert convcalc("check alexnet").code == 0


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"depth": 2, "columns": ["path"], "memory": "fused", "count": ["weights"]}, True),
        ({"depth": "all", "dtype": "float16", "convention": "fvcore"}, True),
        ({"depth": 0}, False),
        ({"dtype": "float"}, False),
    ],
)
def test_the_schema_knows_them(value: dict[str, object], valid: bool) -> None:
    schema = json.loads(json.dumps(settings_schema()))
    assert {*SHOWN} <= {*schema["properties"]}
    if valid:
        Draft7Validator(schema).validate(value)
    else:
        with pytest.raises(ValidationError):
            Draft7Validator(schema).validate(value)
