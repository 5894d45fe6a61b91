"""The English of everything that convcalc prints, and of its docstrings: see phrases.py.

Looked at are help texts, pages of rules, operators and conventions, messages and docstrings.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest
from command import Command
from phrases import found_in
from places import ROOT

from convcalc.cli.app import COMMANDS
from convcalc.model.operators.manual import manual
from convcalc.model.operators.registry import fields_of, operator_class, operator_names

PACKAGE = ROOT / "convcalc"

# A fact about a tool, in the words of the measurement.
FACTS = {"Measured on keras.applications, to the unit"}


def phrases(text: str) -> list[str]:
    """The phrases that a text holds."""
    flat = " ".join(text.split())
    for fact in FACTS:
        flat = flat.replace(fact, "")
    return [*found_in(flat)]


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts in code that are no docstrings, each with its line; ``{}`` for what is put in."""
    inside = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            inside.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            inside.update(map(id, node.values))
            parts = (v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
            yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            yield node.lineno, node.value


@cache
def messages() -> dict[str, str]:
    """The texts in the code, by place."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for line, text in literals(ast.parse(path.read_text("utf-8"))):
            if " " in text:
                found[f"{path.relative_to(ROOT)}:{line}"] = text
    return found


def test_the_phrases_are_seen() -> None:
    assert len(phrases("'x' is no operator")) == 1
    assert len(phrases("the key 'k' stands twice")) == 1
    assert phrases("there is no operator 'x', and it is no longer read") == []
    assert any("convcalc/cli/" in place for place in messages())


def test_no_message_holds_one() -> None:
    assert {place: found for place, text in messages().items() if (found := phrases(text))} == {}


@cache
def docstrings() -> dict[str, str]:
    """The docstrings in the code, by place and name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = getattr(node, "name", "")
                line = getattr(node, "lineno", 1)
                text = ast.get_docstring(node)
                if text:
                    found[f"{path.relative_to(ROOT)}:{line} {name}"] = text
    return found


def test_no_docstring_holds_one() -> None:
    assert len(docstrings()) > 5000
    assert {place: found for place, text in docstrings().items() if (found := phrases(text))} == {}


def test_a_docstring_says_what_something_is() -> None:
    """Not 'What a layer sees.' but 'Return what …', and not 'The same.' but what is the same."""
    empty = ("What ", "All of it", "The same of", "The same with", "The same for a", "Its kind.")
    assert [place for place, text in docstrings().items() if text.startswith(empty)] == []


def test_no_page_of_a_rule_holds_one() -> None:
    pages = sorted((PACKAGE / "checking/rules/pages").glob("*.md"))
    assert len(pages) > 50
    assert {p.name: found for p in pages if (found := phrases(p.read_text("utf-8")))} == {}


def test_no_page_of_an_operator_holds_one() -> None:
    texts = {}
    for name in operator_names():
        operator = operator_class(name)
        docs = [field.doc for field in fields_of(operator).values()]
        texts[name] = "\n".join([manual(operator), *docs])
    assert {name: found for name, text in texts.items() if (found := phrases(text))} == {}


def test_no_page_of_a_convention_holds_one() -> None:
    folder = PACKAGE / "analysis/conventions/tools"
    texts = {
        p.name: ast.get_docstring(ast.parse(p.read_text("utf-8"))) for p in folder.glob("*.py")
    }
    assert {name: found for name, text in texts.items() if (found := phrases(text or ""))} == {}


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_help_text_holds_one(name: str, convcalc: Command) -> None:
    ran = convcalc(f"{name} -h")
    assert ran.code == 0
    assert phrases(ran.out) == []
