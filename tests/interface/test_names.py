"""docs/python.md names every public name, of ``convcalc`` and of its results, and no other."""

from __future__ import annotations

import doctest
import inspect
import re
from typing import Any

import pytest
from places import ROOT

import convcalc
from convcalc.model.graph.assembly import Assembly

PAGE = (ROOT / "docs" / "python.md").read_text("utf-8").partition("\n## Every name\n")[2]
SECTIONS = {
    section.partition("\n")[0]: section
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}
CLASSES = [name for name in convcalc.__all__ if isinstance(getattr(convcalc, name), type)]
RESULTS = [name for name in CLASSES if not issubclass(getattr(convcalc, name), Exception)]
# How records, tuples and studies are made, which is no part of what they say.
MADE_BY = {
    "of", "replace", "record_fields", "core",
    "asked", "histories", "history", "sight", "tensor",
}  # fmt: skip


def documented(section: str) -> set[str]:
    """The names in code in the first column of the tables, and in the line above them."""
    columns = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    above = re.findall(r"^.*Also has .*$", section, re.MULTILINE)
    return set(re.findall(r"`(\w+)(?:\([^)]*\))?`", " ".join([*columns, *above])))


def members(cls: type) -> set[str]:
    """The public attributes and methods of a class, without those of its kind."""
    found = {name for name in dir(cls) if not name.startswith("_")}
    for base in cls.__mro__:
        found |= {name for name in inspect.get_annotations(base) if not name.startswith("_")}
    own = {name for name in ("count", "index") if getattr(cls, name, 0) is not getattr(tuple, name)}
    if issubclass(cls, Assembly):
        found -= {name for name in dir(Assembly("", "")) if not name.startswith("_")} - {"network"}
    keep = {"tensor"} if cls is convcalc.Network else set()
    return found - (MADE_BY - keep) - ({"count", "index"} - own)


@pytest.mark.parametrize("name", RESULTS)
def test_a_class_is_documented_in_full(name: str) -> None:
    assert documented(SECTIONS[name]) == members(getattr(convcalc, name))


def test_every_name_is_on_the_page() -> None:
    errors = documented(SECTIONS["Error"])
    functions = documented(PAGE.partition("\n### ")[0])
    assert {*RESULTS, *errors, *functions, "__version__"} == {*convcalc.__all__}
    assert [*SECTIONS] == [*RESULTS_IN_ORDER, "Error"]
    assert {*RESULTS_IN_ORDER} == {*RESULTS}


RESULTS_IN_ORDER = [name for name in SECTIONS if name != "Error"]


def test_every_error_has_what_the_page_says() -> None:
    for name in documented(SECTIONS["Error"]):
        assert issubclass(getattr(convcalc, name), convcalc.Error)
    error = convcalc.Error("m", "h")
    assert (error.message, error.help, error.diagnostics) == ("m", "h", ())


@pytest.mark.parametrize("name", [name for name in convcalc.__all__ if name != "__version__"])
def test_every_name_has_a_docstring(name: str) -> None:
    doc = inspect.getdoc(getattr(convcalc, name))
    assert doc
    assert len(doc) > 30


def test_the_examples_of_the_package_are_right() -> None:
    ran = doctest.testmod(convcalc, extraglobs={"convcalc": convcalc})
    assert ran.attempted > 3
    assert ran.failed == 0


def test_an_unknown_count_is_as_the_page_says() -> None:
    text = "convcalc: 1\nname: n\ninput: [3, 8, 8]\nlayers:\n- opaque: {output: same}\n"
    totals: Any = convcalc.analyse(convcalc.loads(text)).totals
    assert str(totals.macs) == "unknown"
    assert str(totals.macs + 1) == "unknown"
    assert convcalc.analyse(convcalc.loads(text)).to_dict()["totals"]["macs"] is None
