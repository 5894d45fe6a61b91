"""Writes the generated pages of this folder; ``--check`` only says which are out of date.

The manual of the operators comes from the modules' docstrings, the declarations of their fields
and the case tables of the tests; that of the conventions from docstrings and rules; that of the
language from its manual and the schema; the commands and their manual pages from the declarations
of the command line. The JSON Schemas are those that ``convcalc schema`` prints.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from command_pages import commands_page, man_pages
from language_page import language_page
from rules_page import rules_page

import convcalc
from convcalc.analysis import conventions
from convcalc.analysis.conventions.counting import layer_counts
from convcalc.analysis.conventions.counting import total as counted_total
from convcalc.analysis.conventions.quantities import LEGEND
from convcalc.cli.commands.schema import KINDS, schema_text
from convcalc.model.operators.manual import field_entries, manual
from convcalc.model.operators.registry import families, operator_class, operator_names

FOLDER = Path(__file__).parent
TABLES = FOLDER.parent / "tests" / "cases"
SHOWN_ROWS = 6

# The title of each family of operators, in the order of the page.
FAMILIES = {
    "convolution": "Convolutions and linear maps",
    "dynamic": "Dynamic and deformable",
    "pooling": "Pooling",
    "region": "Regions of interest",
    "recurrent": "Recurrence",
    "norm": "Norms and scales",
    "activation": "Activations",
    "rearranging": "Resizing and moves",
    "joining": "Joins",
    "other": "Other",
}
GROUPS = tuple(FAMILIES.values())

INTRODUCTION = """\
<!-- Written by docs/generate.py; edit the docstrings and tests/cases instead. -->

# Operators

What each operator computes and counts, and which mistakes are common. `convcalc operator NAME`
prints the same page in the terminal. The examples are rows of the tables in `tests/cases`, which
the tests run; a dash means that a row is about something else, and `?` is an unknown size."""


def pages() -> dict[str, str]:
    """Return the text of every generated file by its name."""
    return {
        "operators.md": operators_page(),
        "conventions.md": conventions_page(),
        "language.md": language_page(),
        "rules.md": rules_page(),
        "commands.md": commands_page(),
        **man_pages(),
        **{f"{kind}.schema.json": schema_text(kind) + "\n" for kind in KINDS},
    }


# --- operators.md ----------------------------------------------------------------------------


def operators_page() -> str:
    """Return the text of operators.md."""
    names = operators_by_group()
    index = [f"- **{group}**: {', '.join(map(link, names[group]))}" for group in names]
    parts = [INTRODUCTION, "\n".join(index)]
    for group, members in names.items():
        parts.append(f"## {group}")
        for name in members:
            parts += section(name)
    return "\n\n".join(parts) + "\n"


def operators_by_group() -> dict[str, list[str]]:
    """Return the names of the operators in each group that is not empty."""
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in operator_names():
        found[group_of(name)].append(name)
    return {group: names for group, names in found.items() if names}


def group_of(name: str) -> str:
    """The title of an operator's family, the folder of its module."""
    return FAMILIES[families()[name]]


def link(name: str) -> str:
    return f"[`{name}`](#{name})"


def section(name: str) -> Iterator[str]:
    """Yield the paragraphs about an operator: its manual, its fields, its examples."""
    operator = operator_class(name)
    yield f"### {name}"
    yield from map(paragraph, manual(operator).split("\n\n"))
    fields = [
        (f"`{entry.name}`", code(entry.short), entry.value, entry.default, entry.description)
        for entry in field_entries(operator)
    ]
    titles = ("field", "short", "value", "default", "description")
    yield table(titles, fields) if fields else "No fields."
    yield from examples(name)


def paragraph(text: str) -> str:
    """Return a paragraph of a docstring as Markdown; indented ones are formulas."""
    lines = text.split("\n")
    if all(line.startswith("    ") for line in lines):
        return "\n".join(["```text", *(line[4:] for line in lines), "```"])
    lead = re.match(r"(Common mistakes?|Defaults|Source):", text)
    return f"**{lead[0]}**{text[lead.end() :]}" if lead else text


@cache
def _table(name: str) -> list[Mapping[str, Any]]:
    """Return the rows of an operator's case table."""
    text = (TABLES / f"{name}.yaml").read_text("utf-8")
    rows: list[Mapping[str, Any]] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return rows


def examples(name: str) -> Iterator[str]:
    """Yield a table of the first rows of the case table, and a list of all its problems."""
    rows: list[Mapping[str, Any]] = _table(name)
    ordinary = [row for row in rows if "problem" not in row]
    problems = [problem(row) for row in rows if "problem" in row]
    titles = ("input", "fields", "output", "params", "MACs", "reason", "source")
    yield table(titles, map(example, ordinary[:SHOWN_ROWS]))
    more = len(ordinary) - SHOWN_ROWS
    if more > 0:
        yield f"{more} more in [the case table](../tests/cases/{name}.yaml)."
    if problems:
        yield "\n".join(["Problems that are reported:", "", *problems])


def example(row: Mapping[str, Any]) -> Sequence[str]:
    counts = (number(row[key]) if key in row else "–" for key in ("params", "macs"))
    output = size(row["output"]) if "output" in row else "–"
    return (inputs_text(row), fields_text(row), output, *counts, row["reason"], row["source"])


def problem(row: Mapping[str, Any]) -> str:
    setting = ", ".join(filter(None, [inputs_text(row), fields_text(row)]))
    return f"- `{row['problem']}`: {row['reason']}; {setting} ({row['source']})"


def inputs_text(row: Mapping[str, Any]) -> str:
    """Return the inputs of a row, and the batch if the row gives one."""
    inputs = " and ".join(map(size, row.get("inputs") or [row["input"]]))
    return inputs + (f", batch {row['batch']}" if "batch" in row else "")


def fields_text(row: Mapping[str, Any]) -> str:
    """Return the fields of a row as a network file writes them."""
    entries = (f"{key}: {json.dumps(value)}" for key, value in row.get("fields", {}).items())
    return code(", ".join(entries).replace('"', ""))


def size(dims: Sequence[int | None]) -> str:
    return "×".join("?" if dim is None else str(dim) for dim in dims)


def number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def table(titles: Sequence[str], rows: Any) -> str:
    """Return a Markdown table; a bar within a cell is escaped, in code too."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


# --- conventions.md --------------------------------------------------------------------------

CONVENTIONS = """\
<!-- Written by docs/generate.py; edit what convcalc/analysis/conventions says instead. -->

# Counting conventions

What other tools count for the same network, as convcalc reproduces it. `--convention NAME` with
`show`, `layer` and `get` adds their numbers, and `convcalc convention NAME` prints one section of
this page. The numbers are checked against runs of the tools; the tables are in
[tests/conventions](../tests/conventions). [Which number to report](which_number.md) says which of
them to use.

A composite, such as `separable_conv` or `squeeze_excite`, counts what its parts do, since that is
what a tool sees; `matmul` and `mul` are such parts. An operator that is missing here, or has a
dash, counts 0 in that tool, and the footer of a table says so."""

FORMS = """\
The tables above are for modules of PyTorch's own classes. A layer that its file marks as
`functional` (`F.relu`), `method` (`x.mean([2, 3])`, `torch.relu`) or `subclass` (a module of a
class derived from PyTorch's) counts as a module too, except in the tools below; joins (`add`,
`mul`, `concat`) are the same in every form."""
SAMPLE = "resnet50"
BETWEEN = {"matmul": "Convolutions and linear maps"}  # not an operator, but used inside operators
COMPOSITES = ("attention", "deform_conv")  # for which some tool has a rule of its own


def conventions_page() -> str:
    """Return the text of conventions.md."""
    names = conventions.convention_names()
    network = convcalc.load(SAMPLE)
    parts = [CONVENTIONS, "## One ResNet-50", sample_table(names, network)]
    parts += ["## Tool by operator", symbols()]
    for group, operators in ruled_operators(names).items():
        parts += [f"### {group}", comparison(names, operators)]
    parts += ["### Parameters", parameters(names)]
    parts += ["### Functions, methods, derived classes", FORMS, forms(names)]
    parts.append("## The conventions")
    for name in names:
        parts += [f"### {name}", *map(paragraph, conventions.manual(name).split("\n\n"))]
    return "\n\n".join(parts) + "\n"


def sample_table(names: Sequence[str], network: Any) -> str:
    """Return the table of what each tool prints for one network: counts, units, parameters."""
    titles = ("convention", "tool", "calls it", "unit", "counts", "parameters")
    return table(titles, [line for name in names for line in sample_lines(name, network)])


def sample_lines(name: str, network: Any) -> Iterator[Sequence[str]]:
    found = conventions.convention(name)
    layers = layer_counts(network, name)

    def total(key: str) -> str:
        return number(sum(counted_total(layer[key]) for layer in layers))

    link_to, params = f"[`{name}`](#{name})", total("params")
    for count in found.counts:
        yield link_to, found.tool, count.title, count.unit, total(count.key), params
        link_to = params = ""


def parameters(names: Sequence[str]) -> str:
    """Return the table of rules for parameters; equal ones share a row."""
    rules: dict[str, list[str]] = {}
    for name in names:
        text = conventions.parameters_text(conventions.convention(name))
        rules.setdefault(text, []).append(name)
    return table(("convention", "parameters"), [(", ".join(m), text) for text, m in rules.items()])


def forms(names: Sequence[str]) -> str:
    """Return the table of what tools count for layers that are no plain modules."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for form, title, text in conventions.form_entries(conventions.convention(name)):
            rows.setdefault((f"{name} {title}", text), []).append(form)
    titles = ("", "form", "counts")
    return table(titles, [(who, ", ".join(same), text) for (who, text), same in rows.items()])


def symbols() -> str:
    return "\n".join(f"- `{symbol}` {meaning}" for symbol, meaning in LEGEND.items())


def ruled_operators(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the operators that any tool has a rule for, by the groups of operators.md."""
    ruled = {name for each in names for name, *_ in rules_of(each)}
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in sorted(ruled):
        found[BETWEEN.get(name) or group_of(name)].append(name)
    return {group: operators for group, operators in found.items() if operators}


@cache
def rules_of(name: str) -> list[tuple[str, tuple[str, ...]]]:
    return [tuple(entry) for entry in conventions.rule_entries(conventions.convention(name))]


def comparison(names: Sequence[str], operators: Sequence[str]) -> str:
    """Return a table with a row per count of a tool and a column per operator.

    Operators with the same rules everywhere share a column.
    """
    rows = [(name, index) for name in names for index, _ in enumerate(counts_of(name))]
    columns: dict[tuple[str, ...], list[str]] = {}
    for operator in operators:
        columns.setdefault(tuple(rule(*row, operator) for row in rows), []).append(operator)
    titles = ("", *(", ".join(f"`{name}`" for name in members) for members in columns.values()))
    lines = [
        (f"{name} {counts_of(name)[index].title}", *cells)
        for (name, index), *cells in zip(rows, *columns, strict=True)
    ]
    return table(titles, [line for line in lines if not set(line[1:]) <= {"–", "by parts"}])


def counts_of(name: str) -> Sequence[Any]:
    return conventions.convention(name).counts


def rule(name: str, index: int, operator: str) -> str:
    """Return the rule of a cell; a dash for 0."""
    found = dict(rules_of(name)).get(operator)
    if found is None and operator in COMPOSITES:
        return "by parts"
    return "–" if found is None or found[index] == "0" else found[index]


# --- the command -----------------------------------------------------------------------------


def stale() -> list[str]:
    """Return the names of the files that are out of date."""
    paths = {FOLDER / name: text for name, text in pages().items()}
    return [
        str(p.relative_to(FOLDER))
        for p, text in paths.items()
        if not p.is_file() or p.read_text("utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is out of date; with ``--check`` write nothing, and return 1 if there is any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    old = stale()
    for name in old:
        sys.stdout.write(f"{name} {'is out of date' if check else 'written'}\n")
        if not check:
            (FOLDER / name).parent.mkdir(exist_ok=True)
            (FOLDER / name).write_text(pages()[name], "utf-8", newline="\n")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
