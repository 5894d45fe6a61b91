"""``convcalc list``: what there is, one line each."""

from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli.settings import chosen

if TYPE_CHECKING:
    from convcalc.columns import Column

KINDS = ("operators", "networks", "blocks", "rules")


class OperatorEntry(NamedTuple):
    """An operator with the first line of its manual page."""

    name: str
    fields: str
    description: str


class RuleEntry(NamedTuple):
    """A rule with the first line of its page."""

    code: str
    name: str
    severity: str
    description: str


def command(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="operators, networks, blocks or rules.")
    ],
    filter: Annotated[  # noqa: A002 - the argument's name in the help text
        str, typer.Argument(metavar="[FILTER]", help="Only entries that contain this text.")
    ] = "",
) -> int:
    """List operators, shipped networks, blocks or rules."""
    from convcalc.render import FORMATS, Table, render

    settings = ctx.obj
    form = settings.format(FORMATS)
    chosen(kind, KINDS, "KIND")
    found = [entry for entry in _ENTRIES[kind]() if _matches(entry, filter)]
    if not found and form == "table":
        settings.note(f"no {kind} contain '{filter}'")
        return 0
    payload = [entry._asdict() for entry in found]
    settings.write(render(form, Table("", _columns(kind), found), payload, settings.style()))
    return 0


def _matches(entry: Any, text: str) -> bool:
    return any(text.lower() in str(value).lower() for value in entry)


# --- entries -----------------------------------------------------------------------------------


def operators() -> Iterator[OperatorEntry]:
    """Every operator; required fields are marked with a star."""
    from convcalc.manual import summary
    from convcalc.operator import fields_of, operator_class, operator_names

    for name in operator_names():
        cls = operator_class(name)
        declared = fields_of(cls)
        listed = ", ".join(f"{key}*" if field.required else key for key, field in declared.items())
        yield OperatorEntry(name, listed, summary(cls))


def networks() -> Iterator[Any]:
    """Every shipped network and variant."""
    from convcalc import catalogue

    return catalogue.networks()


def blocks() -> Iterator[Any]:
    """Every shipped block."""
    from convcalc import catalogue

    return catalogue.blocks()


def rules() -> Iterator[Any]:
    """Every rule of 'convcalc check'."""
    from convcalc.diagnostics import RULES
    from convcalc.rules import is_warning, summary

    for code, name in RULES.items():
        severity = "warning" if is_warning(code) else "error"
        yield RuleEntry(code, name, severity, summary(name))


_ENTRIES = {"operators": operators, "networks": networks, "blocks": blocks, "rules": rules}


def _columns(kind: str) -> tuple["Column", ...]:
    from convcalc.columns import Column, Size

    def column(key: str, title: str = "", **more: Any) -> Column:
        return Column(key, title or key, attrgetter(key), **more)

    def size(entry: Any) -> Any:
        return None if entry.input_shape is None else Size(entry.input_shape)

    def year(entry: Any) -> str:  # a number would get a prefix
        return str(entry.year or "")

    def about_network(entry: Any) -> str:  # a variant's is that of its base
        return f"variant of {entry.variant_of}" if entry.variant_of else entry.description

    def source(entry: Any) -> str:
        return "" if entry.variant_of else entry.source

    about = column("description", priority=2, folds=True)
    return {
        "operators": (column("name"), column("fields", priority=1, folds=True), about),
        "networks": (
            column("name"),
            column("params", align="right"),
            column("macs", "MACs", align="right"),
            Column("input_shape", "input", size, priority=1),
            Column("year", "year", year, align="right", priority=3),
            Column("description", "description", about_network, priority=2, folds=True),
            Column("source", "source", source, priority=4, folds=True),
        ),
        "rules": (column("code"), column("name"), column("severity", priority=1), about),
        "blocks": (column("name"), column("file"), column("params", folds=True), about),
    }[kind]
