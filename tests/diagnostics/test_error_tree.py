"""One root of errors: whatever a caller meets hangs below it, and the tree is drawn."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import convcalc
from convcalc import errors
from convcalc.analysis.comparison.tolerance import WrongTolerance
from convcalc.analysis.conventions import convention
from convcalc.cli import main
from convcalc.cli.console import Failure
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.sources.git import MissingFile
from convcalc.language.syntax.expressions import ExpressionError
from convcalc.testing import BudgetError, assert_budget

# What is run, or read as the text of a module of PyTorch, rather than imported.
TEXTS = re.compile(r"__main__$|exporting\.torch\.modules\.")


def defined() -> set[type[Exception]]:
    """Every class of exceptions that the package defines."""
    names = [each.name for each in walk_packages(convcalc.__path__, "convcalc.")]
    modules = [import_module(name) for name in names if not TEXTS.search(name)]
    return {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Exception)
        if each.__module__.startswith("convcalc.")
    }


def drawn() -> Iterator[tuple[str, str]]:
    """The names in the trees at the top of the module, each with the one that it hangs from."""
    path: list[str] = []
    for line in (errors.__doc__ or "").split("\n"):
        if found := re.fullmatch(r"    ((?:[│ ]   )*(?:[├└]── )?)(\w+)(?: {2,}.*)?", line):
            depth = len(found[1]) // 4
            path = [*path[:depth], found[2]]
            yield found[2], path[depth - 1] if depth else ""


def test_the_tree_shows_every_class_at_its_place() -> None:
    tree = dict(drawn())
    assert {name: tree[name] for name in ("Error", "Exception", "MissingFile", "Changed")} == {
        "Error": "",
        "Exception": "",
        "MissingFile": "TargetError",
        "Changed": "OSError",
    }
    bases = {each.__name__: each.__bases__[0].__name__ for each in defined()}
    assert bases.pop("Error") == "Exception"
    assert {name: tree[name] for name in tree if name in bases} == bases
    assert set(tree) - set(bases) == {"Error", "Exception", "OSError"}


def test_the_public_names_are_listed_and_lead_somewhere() -> None:
    assert dir(convcalc) == sorted(convcalc.__all__)
    for name in convcalc.__all__:
        assert getattr(convcalc, name) is not None
    for name in ("NetworkError", "StudyError", "TargetError"):
        assert issubclass(getattr(convcalc, name), convcalc.Error)


PROBLEM = Diagnostic("syntax", "it is wrong", Place("x.yaml", 1, 2), "write it right")


@pytest.mark.parametrize(
    "error",
    [
        convcalc.Error("it is wrong", "write it right"),
        convcalc.NetworkError([PROBLEM]),
        convcalc.TargetError("it is wrong", "write it right"),
        MissingFile("it is wrong"),
        WrongTolerance("it is wrong"),
        ExpressionError("it is wrong", "write it right", 3, "unknown-name"),
        BudgetError("it is wrong", [PROBLEM]),
        Failure("it is wrong"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_says_the_same_on_the_other_side_of_a_pool_of_processes(
    error: convcalc.Error,
) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == again.message
    assert "it is wrong" in again.message
    assert again.diagnostics == error.diagnostics


def test_what_python_would_call_the_error_stays_true() -> None:
    with pytest.raises(KeyError) as unknown:
        convention("fvcor")
    assert isinstance(unknown.value, convcalc.Error)
    assert str(unknown.value) == "unknown convention 'fvcor'"
    with pytest.raises(ValueError, match="has no bound") as senseless:
        assert_budget("resnet18", params={})
    assert isinstance(senseless.value, convcalc.Error)
    assert senseless.value.diagnostics


def test_a_network_with_problems_carries_them(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("no network", encoding="utf-8")
    with pytest.raises(convcalc.Error) as caught:
        convcalc.load(str(file))
    assert caught.value.diagnostics
    assert caught.value.message.startswith(f"{file}:")


def test_any_error_ends_a_command_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["operator", "konv"]) == 2
    assert capsys.readouterr().err == "error: unknown operator 'konv'\n  = help: use 'conv'\n"
