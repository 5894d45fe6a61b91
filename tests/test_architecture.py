"""Who may import whom; the lists below are the architecture document (docs/architecture.md)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from places import ROOT

from convcalc.model.operators.contract import Operator
from convcalc.model.operators.registry import families, operator_class

PACKAGE = ROOT / "convcalc"

# The rooms of the house, from the top down. A module imports only from its own room and from rooms
# below it.
ROOMS = (
    ("__main__", "testing", "__init__"),  # the public interface
    ("cli",),  # the commands: one verb, one file
    ("output",),  # results to text: tables, pictures, findings, schemas
    ("checking",),  # which files, by which settings, what is found
    ("exporting",),  # networks written for others: network files, code, other formats
    ("analysis",),  # a network to numbers: reports, receptive fields, conventions, differences
    ("importing",),  # models in the formats of other programs to networks
    ("language",),  # YAML text to a network
    ("model",),  # operators, and networks as graphs of them; knows no files
    ("diagnostics",),  # problems as data
    ("errors", "_version"),  # the root of all errors, with the tree; the version
)

# The order within each room, from the top down: folders and modules on one line know nothing of
# each other. No imports go around a circle, in folders neither.
WITHIN = {
    "cli": (
        ("completion",),  # what may follow on a command line
        ("commands",),
        ("app", "several"),  # the one command that runs; many targets on all cores
        ("sweep_run", "sweep_folder", "sweep_target", "sweep_cluster"),  # sweeps, where they run
        ("sweeping",),  # what measures many configurations
        ("loading", "problems", "answers"),  # targets to networks, and what is said of them
        (
            "naming",
            "options",
            "progress",
            "shells",
        ),  # words to targets; what commands share; the bar
        ("defaults",),  # the settings of a project, for commands that show numbers
        ("console", "progress_line"),  # streams and exit codes
    ),
    "output": (
        ("schemas", "presenting", "frames"),  # JSON Schemas; results of the Python interface
        ("views",),  # what each command shows
        ("row_files",),  # all rows of a sweep
        ("packages",),  # packages that convcalc does without
        ("formats",),  # tables as terminal text, JSON, CSV, ...
        ("tree",),
        ("cells", "folding", "sorting", "lines"),
        ("table", "findings"),  # findings in the formats of CI systems
        ("bound_columns",),  # of bounds on a device
        ("columns", "markdown"),
        ("topics",),  # the pages of the book
    ),
    "checking": (
        ("baseline",),
        ("outcome",),  # the same for programs
        ("run",),
        ("discovery", "examination", "selection", "remembering"),
        ("importers",),
        ("examined",),  # what was found in a file
        ("weakening",),  # what a tree changes in what it is held to
        ("policy", "predecessors"),  # what a tree is held to, and which network was which
        ("repositories",),
        ("configuration",),
        ("budgets", "rules", "globs", "patterns", "processes", "suppression", "trees"),
        ("alignment", "agreeing"),
    ),
    "analysis": (
        ("sweeps",),  # many configurations of one network
        ("agreement",),  # whether two networks are the same one
        ("analyse", "explanation"),  # a network to a report; how its numbers come about
        ("comparison", "conventions", "receptive_field"),
        ("devices",),  # the least that a device must spend
        ("memory",),  # bytes while a network runs, or is trained
        ("report", "costs", "training"),
    ),
    "exporting": (
        ("source",),  # a graph as a network file that a person can read
        ("torch",),  # network files to PyTorch code
        ("keras",),  # network files to Keras code
        ("onnx",),  # networks to ONNX files
        ("opened", "walking", "site", "formulas"),  # what writers of code do alike
        ("phrases", "trace", "references", "naming", "layout"),  # and what they are built from
        ("copying", "expressions", "refusal"),
    ),
    "importing": (
        ("pairing",),  # a network at the size of another one
        ("opening", "addressing"),  # whatever a target names; what a word names
        ("source",),  # a model file to networks
        ("mapper", "formats", "building"),  # a foreign graph to layers; what gives foreign graphs
        ("mapping", "patterns", "accounts"),  # operators, alone and several; weights counted
        ("schemes", "export_script"),  # models that a program builds, and that program
        ("settling", "folding"),  # elements brought into order; constants computed
        ("views", "foreign"),  # axes taken apart; the graph as another program writes it
    ),
    "language": (
        ("reading", "one_layer", "stack"),  # a target to a network; layers of a command line
        ("building",),  # a parsed file to the networks of its variants
        ("head",),  # what a file says beside its layers: inputs, outputs, pins
        ("expand", "catalogue", "file_facts"),  # items to layers; what ships; what a file says
        ("input_order", "declared_sizes"),  # what an input may be other than it was meant
        ("manual",),  # what every word of the language means
        ("parse", "assertions"),  # nodes to typed items; to budgets and pins
        ("sources", "limits"),  # where texts come from; the largest network that is read
        ("syntax",),  # YAML to nodes with places, and the arithmetic in them
    ),
    "model": (
        ("graph", "ops"),  # layers in order; the operators, each on its own
        ("operators",),  # the contract and what operators are built from
        ("geometry",),  # how an axis reads another
        ("quantities",),  # shapes, formulas, the unknown
    ),
    "diagnostics": (
        ("text", "rejection", "suggestion", "painting"),
        ("work",),  # what one run may do
        ("diagnostic",),
        ("codes", "faults", "visible"),
    ),
}

# Packages from elsewhere, and the only places that import them.
FOREIGN = {
    "yaml": {"language.syntax"},
    "rich": {
        *("output.formats.layout", "output.formats.terminal", "output.views.map"),
        *("output.views.page", "output.presenting", "output.lines"),
        "cli.progress_line",
    },
    "typer": {"cli"},
    "onnx": {"exporting.onnx.model"},
    "numpy": {"analysis.sweeps.arrays"},  # an extra, which sweeps do without
    "torch": {"exporting.torch.modules"},  # which nothing imports: they are read as text
    "click": set[str](),  # typer has a copy of its own
}

# Who deals in files and folders.
FILES = {
    "__init__",  # takes paths
    "model.operators.registry",  # finds operators
    "analysis.conventions",  # finds conventions
    "analysis.devices",  # finds devices and runtimes
    "diagnostics.faults",  # asks whether the current folder is still there
    "language.sources",
    "language.catalogue",
    "language.manual",  # reads its pages
    "output.topics",  # reads the pages of the book
    "exporting.torch.helpers",  # reads the classes that it writes
    "importing.building",  # runs the user's Python
    "checking",
    "output.findings",
    "cli",
    "testing",
}


def modules() -> dict[str, Path]:
    """Every module by its dotted name within the package; a folder's ``__init__`` by the folder."""
    paths = {path: path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")}
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


def within(module: str, places: Iterable[str]) -> bool:
    """Whether a module is one of these places or in one of these folders."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def height(name: str, lines: Sequence[Sequence[str]]) -> int:
    """The line of a room, folder or module in its list, counted from the bottom; -1: none."""
    return next((n for n, names in enumerate(reversed(lines)) if name in names), -1)


def room(module: str) -> str:
    return module.partition(".")[0]


def unit(module: str) -> str:
    """The folder or module of its room that a module belongs to; empty for the room itself."""
    return module.partition(".")[2].partition(".")[0]


def test_a_module_imports_only_from_its_own_room_or_lower_ones() -> None:
    upward = {
        (module, used)
        for module in MODULES
        for used in uses(module)
        if height(room(used), ROOMS) > height(room(module), ROOMS)
    }
    assert upward == set()


def test_within_a_room_a_module_imports_only_from_lower_lines() -> None:
    upward = {
        (module, used)
        for module in MODULES
        for used in uses(module)
        if room(used) == room(module) and unit(used) != unit(module) and unit(module)
        if height(unit(used), WITHIN[room(module)]) >= height(unit(module), WITHIN[room(module)])
        and unit(used)
    }
    assert upward == set()


def test_the_lists_name_every_room_and_every_folder_and_module_in_it_once() -> None:
    listed = [name for line in ROOMS for name in line]
    assert sorted(listed) == sorted({room(module) for module in MODULES})
    for name, lines in WITHIN.items():
        inside = {unit(module) for module in MODULES if room(module) == name} - {""}
        assert sorted(each for line in lines for each in line) == sorted(inside), name


def test_the_first_look_is_short() -> None:
    entries = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    packages = [path for path in entries if (path / "__init__.py").exists()]
    modules = [
        path for path in entries if path.suffix == ".py" and path.stem.strip("_") == path.stem
    ]
    assert len(packages) <= 12
    assert len(modules) <= 5


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


PRINTING = ("print", "input", "SystemExit", "exit", "quit")
STREAMS = ("sys.stdout", "sys.stderr", "sys.stdin", "sys.exit", "os._exit")


def test_below_the_commands_nothing_prints_or_exits() -> None:
    found = set()
    for module in MODULES:
        if not within(module, {"cli", "checking.processes", "__main__"}):
            for node in ast.walk(tree(module)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    found |= {(module, node.func.id)} if node.func.id in PRINTING else set()
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    whole = f"{node.value.id}.{node.attr}"
                    found |= {(module, whole)} if whole in STREAMS else set()
    assert found == set()


def test_only_some_modules_deal_in_files() -> None:
    found = set()
    for module in MODULES:
        touches = {name for name in imported(module) if name in ("os", "pathlib", "shutil")}
        if any(isinstance(n, ast.Name) and n.id == "open" for n in ast.walk(tree(module))):
            touches.add("open")
        if touches and not within(module, FILES):
            found.add((module, *touches))
    assert found == set()


def test_operators_know_each_other_and_the_contract_only() -> None:
    known = {"model.operators", "model.quantities", "model.geometry", "model.ops"}
    strangers = {
        (module, used)
        for module in MODULES
        for used in uses(module)
        if within(module, {"model.ops"}) and not within(used, known)
    }
    assert strangers == set()


def test_an_operator_is_a_class_named_like_its_file_with_a_manual_page() -> None:
    for name, family in families().items():
        operator = operator_class(name)
        assert issubclass(operator, Operator), name
        assert operator.__name__.lower() == name.replace("_", ""), name
        page = ast.get_docstring(tree(f"model.ops.{family}.{name}"))
        assert page is not None, name
        assert len(page.split("\n")) > 3, name
