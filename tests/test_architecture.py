"""Who may import whom; the list below is the architecture document."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from convcalc.operator import Operator, operator_class, operator_names

ROOT = Path(__file__).parent.parent / "convcalc"

# From the bottom up. A module imports only from its own line or from lines above it, and never
# around a circle. A folder stands for its modules.
LAYERS = (
    ("_version", "formula", "shape", "diagnostics", "fields", "synonyms"),  # words: sizes, places
    ("geometry", "units"),  # how an axis reads another; numbers as people write them
    ("wording",),  # formulas as texts
    ("operator",),  # the contract
    ("ops",),  # the operators, each on its own
    ("costs",),  # what implementations of a layer cost
    ("files",),  # where texts come from
    ("scalars", "yaml_errors"),  # YAML's words
    ("document", "expressions"),  # YAML text to nodes with places; the safe arithmetic
    ("decode",),  # nodes to values
    ("assertions",),  # what budgets demand of numbers
    ("graph",),  # a network written out
    ("fusion", "training"),  # what becomes of it when norms are folded, and when it learns
    ("spec",),  # typed items, blocks, files
    ("params", "calls", "items", "loops", "frames"),  # reading them, and what is in scope
    ("unit", "layering"),  # files with their imports; operators on tensors
    ("expansion",),  # items to layers
    ("origins",),  # where the values of fields come from
    ("library",),  # where networks come from
    ("history",),  # the same at a revision of a git repository
    ("network",),  # a target to a network
    ("report",),  # the results, frozen
    ("conventions",),  # what other tools count
    ("counting", "versus"),  # what they count of each layer, and why two of them differ
    ("rows", "payload"),  # the results as rows of a table, and as JSON
    ("saved", "matching"),  # JSON back to the results; which layer is which
    ("comparison",),  # what changed from one to another
    ("tolerance",),  # how much may change
    ("receptive_field",),
    ("rules",),  # what is wrong with the design of a network
    ("analysis",),  # a network to a report
    ("explanation",),  # how its numbers come about
    ("manual", "schema_parts"),
    ("schema", "catalogue"),  # made from the declarations: JSON Schema, lists
    ("columns",),
    ("render",),  # reports to text
    ("budgets",),  # what networks demand of their numbers
    ("pinning", "replacing"),  # measured numbers into the text of a file, and that onto the disk
    ("checking",),  # many files, by their settings
    ("reporters",),  # findings to text
    ("cli",),  # the commands
    ("__init__", "__main__", "testing"),  # the public interface
)

# Packages from elsewhere, and the only places that import them.
FOREIGN = {
    "yaml": {"document", "scalars", "yaml_errors"},
    "rich": {"render.table", "render.map"},
    "typer": {"cli"},
    "click": set[str](),  # typer has a copy of its own
}

# Who deals in files and folders: the finding of operators, files and their imports, the commands.
FILES = {
    "operator",
    "conventions",
    "files",
    "library",
    "history",
    "replacing",
    "catalogue",
    "cli",
    "checking",
    "reporters",
    "testing",
}


def modules() -> dict[str, Path]:
    """Every module by its dotted name within the package; a folder's ``__init__`` by the folder."""
    paths = {path: path.relative_to(ROOT).with_suffix("") for path in ROOT.rglob("*.py")}
    names = {path: ".".join(name.parts) for path, name in paths.items()}
    return {name.removesuffix(".__init__"): path for path, name in sorted(names.items())}


MODULES = modules()


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


@cache
def imported(module: str) -> frozenset[str]:
    """All that a module imports, at the top, in functions and for types, by full name."""
    return frozenset(_imported(module))


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            assert node.module is not None
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [name for name in inside if name.removeprefix("convcalc.") in MODULES]
            yield from known
            if len(known) < len(inside):
                yield node.module


def uses(module: str) -> set[str]:
    """The modules of this package that a module imports."""
    found = {
        "__init__" if name == "convcalc" else name.removeprefix("convcalc.")
        for name in imported(module)
        if name.partition(".")[0] == "convcalc"
    }
    assert found <= set(MODULES), f"{module} imports {found - set(MODULES)}, which is not there"
    return found


def within(module: str, places: set[str]) -> bool:
    """Whether a module is one of these places or in one of these folders."""
    return module in places or module.partition(".")[0] in places


def level(module: str) -> int:
    """The line of a module in the list, counted from 0; -1 if it is not there."""
    return next((n for n, names in enumerate(LAYERS) if within(module, set(names))), -1)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_layer_or_lower_ones(module: str) -> None:
    above = {name for name in uses(module) if level(name) > level(module)}
    assert above == set()


def test_the_list_names_every_module_or_its_folder_once() -> None:
    tops = {name.partition(".")[0] for name in MODULES}
    listed = [name for names in LAYERS for name in names]
    assert tops - set(listed) == set(), "not in LAYERS yet; put it as low as its imports allow"
    assert set(listed) - tops <= {"__main__"}
    assert len(set(listed)) == len(listed)


def test_no_imports_go_around_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            folder = module.rpartition(".")[0]  # what its __init__ says is for all in it
            for name in sorted(uses(module) - {folder}):
                visit(name, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


@pytest.mark.parametrize("package", FOREIGN)
def test_a_foreign_package_is_imported_in_its_place_only(package: str) -> None:
    users = {
        module
        for module in MODULES
        if any(name.partition(".")[0] == package for name in imported(module))
    }
    assert {module for module in users if not within(module, FOREIGN[package])} == set()
    assert users or not FOREIGN[package]


def test_nothing_else_from_elsewhere_is_imported() -> None:
    allowed = {*sys.stdlib_module_names, *FOREIGN, "convcalc"}
    foreign = {(m, n) for m in MODULES for n in imported(m) if n.partition(".")[0] not in allowed}
    assert foreign == set()


@pytest.mark.parametrize("module", [m for m in MODULES if not within(m, {"cli", "__main__"})])
def test_below_the_commands_nothing_prints_or_exits(module: str) -> None:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "input", "SystemExit", "exit", "quit")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            whole = f"{node.value.id}.{node.attr}"
            assert whole not in ("sys.stdout", "sys.stderr", "sys.stdin", "sys.exit", "os._exit")


@pytest.mark.parametrize("module", MODULES)
def test_only_some_modules_deal_in_files(module: str) -> None:
    touches = {name for name in imported(module) if name in ("os", "pathlib", "shutil")}
    opens = any(isinstance(n, ast.Name) and n.id == "open" for n in ast.walk(tree(module)))
    assert not (touches or opens) or within(module, FILES), touches


def test_operators_know_each_other_and_the_contract_only() -> None:
    known = {"fields", "formula", "geometry", "operator", "shape"}
    for module in MODULES:
        if module.startswith("ops."):
            others = {name for name in uses(module) if not name.startswith("ops.")}
            assert others <= known, (module, others - known)


@pytest.mark.parametrize("name", operator_names())
def test_an_operator_is_a_class_named_like_its_file_with_a_manual_page(name: str) -> None:
    operator = operator_class(name)
    assert issubclass(operator, Operator)
    assert operator.__name__.lower() == name.replace("_", "")
    page = ast.get_docstring(tree(f"ops.{name}"))
    assert page is not None
    assert len(page.split("\n")) > 3
