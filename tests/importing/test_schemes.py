"""Targets that a program builds: what they say, and what becomes of a program that fails."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from command import Command
from importing.archives import programs

from convcalc.importing import addressing, schemes
from convcalc.importing.addressing import target_at
from convcalc.importing.building import VARIABLE, exported, python_path
from convcalc.importing.formats import FORMATS
from convcalc.importing.opening import read_target
from convcalc.importing.schemes import CodeNotAllowed, arguments_of, recipe_of, refuse_code
from convcalc.language.sources.target import TargetError


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("a=1", {"a": 1}),
        ("a=-2, b=1.5,c=1e-3", {"a": -2, "b": 1.5, "c": 1e-3}),
        ("a=true,b=False,c=None", {"a": True, "b": False, "c": None}),
        ("a=word,b='two words',c=\"x\"", {"a": "word", "b": "two words", "c": "x"}),
        ("a=[1, [2, x], ()],b=(3,)", {"a": [1, [2, "x"], []], "b": [3]}),
        ("a=12345678901234567890", {"a": 1.2345678901234567e19}),
    ],
)
def test_arguments_are_numbers_words_and_lists(text: str, arguments: dict[str, object]) -> None:
    found = arguments_of(text)
    assert found == arguments
    assert [type(each) for each in found.values()] == [type(each) for each in arguments.values()]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a=",
        "=1",
        "a=1 b=2",
        "a=1,,b=2",
        "a=[1",
        "a=1)",
        "a=1,a=2",
        "a=b.c()",
        "a=1+1",
        "a='\\''",
        "a=lambda: 0",
        "a={}",
        "1=2",
        "a=" + "[" * 20 + "]" * 20,
        "a=3x",
    ],
)
def test_what_is_none_of_these_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="cannot be read"):
        arguments_of(text)


@pytest.mark.parametrize(
    ("text", "module", "name", "package"),
    [
        ("torch:nets.small:Net.of(width=2)", "nets.small", "Net.of", "nets"),
        ("timm:resnet50.a1_in1k", "timm", "resnet50.a1_in1k", "timm"),
        ("torchvision:resnet18", "torchvision", "resnet18", "torchvision"),
    ],
)
def test_a_target_names_what_to_build(text: str, module: str, name: str, package: str) -> None:
    found = recipe_of(text)
    assert (found.module, found.name, found.package) == (module, name, package)
    assert found.notice == f"runs code of {module}"


@pytest.mark.parametrize(
    "text",
    [
        "torch:nets",
        "torch:nets:",
        "torch:a/b:c",
        "torch:a:b(c",
        "timm:",
        "timm:hf-hub:a/b",
        "timm:-x",
        "torch:a;b:c",
        "torchvision:a b",
        "timm:" + "x" * 3000,
    ],
)
def test_a_target_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="names no model"):
        recipe_of(text)


def test_code_is_refused_where_it_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    refuse_code(target_at(f"onnx:{tmp_path}/m.onnx"))
    with pytest.raises(CodeNotAllowed, match="timm:resnet18 runs code of timm") as caught:
        refuse_code(target_at("timm:resnet18"))
    assert "--allow-code" in caught.value.help


# --- the process -------------------------------------------------------------------------------


def interpreter(folder: Path, body: str) -> str:
    """A program that is run in place of Python; it has the request on stdin."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_network_comes_of_the_program_that_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request says what to build and at which size."""
    (tmp_path / "m.json").write_bytes(programs()["tv_resnet18"])
    body = (
        f"request = sys.stdin.read()\nopen({str(tmp_path / 'request')!r}, 'w').write(request)\n"
        f"sys.stdout.write(open({str(tmp_path / 'm.json')!r}).read())"
    )
    monkeypatch.setenv(VARIABLE, interpreter(tmp_path, body))
    found = read_target(target_at("torchvision:resnet18(num_classes=1000)"), inputs=[3, 224, 224])
    assert found.problems == ()
    assert str(found.inputs["x"]) == "3×224×224"
    assert json.loads((tmp_path / "request").read_text(encoding="utf-8")) == {
        "scheme": "torchvision",
        "module": "torchvision",
        "name": "resnet18",
        "arguments": {"num_classes": 1000},
        "sizes": [[3, 224, 224]],
    }


def test_a_python_without_pytorch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, sys.executable)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONNOUSERSITE", "1")
    try:
        exported(recipe_of("timm:no_such_model"))
    except TargetError as error:
        assert "needs PyTorch" in str(error) or "cannot be built" in str(error)
        assert VARIABLE in error.help or "cannot be built" in str(error)


@pytest.mark.parametrize(
    ("body", "message", "help_"),
    [
        ("sys.exit(41)", "needs PyTorch, which .*python does not have", VARIABLE),
        (
            "sys.exit('first\\nTypeError: no width')",
            "ended with the code 1 .*: TypeError: no width",
            "first",
        ),
        ("os.abort()", "ended with the code -6 while it exported timm:a: it said nothing", ""),
        (
            "print('ValueError: b', file=sys.stderr); sys.exit(42)",
            "cannot be built: ValueError: b",
            "",
        ),
        (
            "print('  File \"/me/net.py\", line 7, in f\\nE: c', file=sys.stderr); sys.exit(43)",
            "cannot be exported by torch.export: E: c",
            "raised at /me/net.py:7",
        ),
    ],
)
def test_a_program_that_fails_is_quoted(
    body: str, message: str, help_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, interpreter(tmp_path, body))
    with pytest.raises(TargetError, match=message) as caught:
        exported(recipe_of("timm:a"))
    assert help_ in caught.value.help


def test_what_is_handed_over_and_is_no_program_is_a_problem_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, interpreter(tmp_path, "print('{hello')"))
    found = read_target(target_at("timm:a"))
    assert [each.name for each in found.problems] == ["damaged-model"]


def test_a_python_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/python")
    with pytest.raises(TargetError, match="'/no/such/python' cannot be started"):
        exported(recipe_of("timm:a"))


def test_the_python_of_the_environment_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    here = interpreter(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python_path() == here
    monkeypatch.setenv("PATH", "")
    assert python_path() == sys.executable


def test_sizes_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TargetError, match="sizes that are numbers"):
        exported(recipe_of("timm:a"), [3, None, 224])


def test_the_start_of_a_command_knows_the_same_schemes() -> None:
    """It has lists of its own, so that it need not read what parses them and reads the files."""
    assert addressing.CODE == schemes.CODE
    assert set(addressing.FILES) == set(FORMATS)


@pytest.mark.parametrize("target", ["timm:resnet18", "torchvision:resnet18"])
def test_a_package_that_is_named_is_not_one_of_the_current_folder(
    folder: Path, convcalc: Command, target: str
) -> None:
    """A checkout may have modules of these names, and of those that are imported for them."""
    for name in ("torch", "timm", "torchvision", "json", "importlib", "zipfile", "inspect"):
        (folder / f"{name}.py").write_text("open('ran', 'w')\nraise SystemExit\n")
    convcalc(f"get totals.params {target}")
    assert not (folder / "ran").exists()
