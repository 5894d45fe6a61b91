"""Writes the generated pages of this folder; ``--check`` only says which are out of date.

The manual of the operators comes from the modules' docstrings, the declarations of their fields
and the case tables of the tests; the JSON Schemas are those that ``convcalc schema`` prints.
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

from convcalc.cli.schema import KINDS, schema_text
from convcalc.manual import field_entries, manual, summary
from convcalc.operator import operator_class, operator_names

FOLDER = Path(__file__).parent
TABLES = FOLDER.parent / "tests" / "cases"
SHOWN_ROWS = 6

# An operator belongs to the first group whose pattern occurs in its name (with spaces) or in the
# first line of its docstring, so a new operator is sorted in by what it says of itself.
PATTERNS = {
    "Regions of interest": r"\broi\b",
    "Pooling": r"pool",
    "Dynamic and deformable": r"deform|attention|involution|excite\b|condition|gated conv|dynamic",
    "Convolutions and linear maps": r"conv(?!calc)|connected",
    "Joins": r"two or more tensors|concatenation",
    "Norms and scales": r"\bnorm\b|layer scale",
    "Activations": r"linear unit|relu|tanh|sigmoid|logistic|swish|\b(log )?soft",
    "Resizing and moves": r"channels|positions?\b|space|resizing|vector",
}
REST = "Other"
GROUPS = (
    "Convolutions and linear maps",
    "Dynamic and deformable",
    "Pooling",
    "Regions of interest",
    "Norms and scales",
    "Activations",
    "Resizing and moves",
    "Joins",
    REST,
)

INTRODUCTION = """\
<!-- Written by docs/generate.py; edit the docstrings and tests/cases instead. -->

# Operators

What each operator computes, counts and is mistaken for. `convcalc operator NAME` prints the same
page in the terminal. The examples are rows of the tables in `tests/cases`, which the tests
run; a dash stands where a row is about something else, `?` for an unknown size."""


def pages() -> dict[str, str]:
    """The text of every generated file by its name."""
    return {
        "operators.md": operators_page(),
        **{f"{kind}.schema.json": schema_text(kind) + "\n" for kind in KINDS},
    }


# --- operators.md ----------------------------------------------------------------------------


def operators_page() -> str:
    names = grouped()
    index = [f"- **{group}**: {', '.join(map(link, names[group]))}" for group in names]
    parts = [INTRODUCTION, "\n".join(index)]
    for group, members in names.items():
        parts.append(f"## {group}")
        for name in members:
            parts += section(name)
    return "\n\n".join(parts) + "\n"


def grouped() -> dict[str, list[str]]:
    """The operators of each group that has any."""
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in operator_names():
        found[group_of(name)].append(name)
    return {group: names for group, names in found.items() if names}


def group_of(name: str) -> str:
    words = f"{name.replace('_', ' ')}: {summary(operator_class(name))}".lower()
    return next((group for group, word in PATTERNS.items() if re.search(word, words)), REST)


def link(name: str) -> str:
    return f"[`{name}`](#{name})"


def section(name: str) -> Iterator[str]:
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
    """A paragraph of a docstring; indented ones are formulas."""
    lines = text.split("\n")
    if all(line.startswith("    ") for line in lines):
        return "\n".join(["```text", *(line[4:] for line in lines), "```"])
    lead = re.match(r"(Common mistakes?|Defaults|Source):", text)
    return f"**{lead[0]}**{text[lead.end() :]}" if lead else text


@cache
def _table(name: str) -> list[Mapping[str, Any]]:
    """The rows of an operator's case table."""
    text = (TABLES / f"{name}.yaml").read_text("utf-8")
    rows: list[Mapping[str, Any]] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return rows


def examples(name: str) -> Iterator[str]:
    """The first rows of the case table, and every problem."""
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
    return (given(row), fields(row), output, *counts, row["reason"], row["source"])


def problem(row: Mapping[str, Any]) -> str:
    setting = ", ".join(filter(None, [given(row), fields(row)]))
    return f"- `{row['problem']}`: {row['reason']}; {setting} ({row['source']})"


def given(row: Mapping[str, Any]) -> str:
    """The inputs, and the batch where there are several samples."""
    inputs = " and ".join(map(size, row.get("inputs") or [row["input"]]))
    return inputs + (f", batch {row['batch']}" if "batch" in row else "")


def fields(row: Mapping[str, Any]) -> str:
    """The fields as a network file has them."""
    entries = (f"{key}: {json.dumps(value)}" for key, value in row.get("fields", {}).items())
    return code(", ".join(entries).replace('"', ""))


def size(dims: Sequence[int | None]) -> str:
    return "×".join("?" if dim is None else str(dim) for dim in dims)


def number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def table(titles: Sequence[str], rows: Any) -> str:
    """A table of Markdown; a bar within a cell is escaped, in code too."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


# --- the command -----------------------------------------------------------------------------


def stale() -> list[str]:
    """The files that are not what they would be if they were written now."""
    paths = {FOLDER / name: text for name, text in pages().items()}
    return [p.name for p, text in paths.items() if not p.is_file() or p.read_text("utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what is out of date; with ``--check`` exit code 1 if there is any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    old = stale()
    for name in old:
        sys.stdout.write(f"{name} {'is out of date' if check else 'written'}\n")
        if not check:
            (FOLDER / name).write_text(pages()[name], "utf-8", newline="\n")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
