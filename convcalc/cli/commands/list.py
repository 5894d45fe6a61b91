"""``convcalc list``: lists operators, networks, rules and the like, one per line."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli.console import Failure, choose
from convcalc.cli.options import NoCache
from convcalc.output.formats import FORMATS

if TYPE_CHECKING:
    from convcalc.cli.console import Settings
    from convcalc.output.columns import Column

KINDS = (
    *("operators", "networks", "blocks", "columns", "metrics", "rules", "conventions", "devices"),
    *("runtimes", "formats", "params"),
)
PARAMS = KINDS[-1]  # those of one network


class OperatorEntry(NamedTuple):
    """An operator with the first line of its manual page."""

    name: str
    fields: str
    description: str


class ConventionEntry(NamedTuple):
    """A convention with the first line of its manual page."""

    name: str
    tool: str
    numbers: str
    description: str


class ColumnEntry(NamedTuple):
    """A column of 'convcalc show', for --columns and --sort."""

    name: str
    title: str
    description: str


class MetricEntry(NamedTuple):
    """A metric that a budget may limit: in which unit, and the rule that too much of it breaks."""

    name: str
    kind: str
    bounds: str
    beside: str
    rule: str
    description: str


class RuleEntry(NamedTuple):
    """A rule with the first line of its page."""

    code: str
    name: str
    severity: str
    description: str


class DeviceEntry(NamedTuple):
    """A device, and the data types that it has a peak for."""

    name: str
    dtypes: str
    runtime: str
    description: str


class RuntimeEntry(NamedTuple):
    """A runtime: which layers its kernels compute."""

    name: str
    description: str


class FormatEntry(NamedTuple):
    """A format of models that exist; its name is a scheme as well."""

    name: str
    title: str
    endings: str


def command(
    ctx: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    ],
    filter: Annotated[  # noqa: A002 - the argument's name in the help text
        str,
        typer.Argument(
            metavar="[FILTER]",
            help="Only entries that contain this text, names first; for params, the network.",
        ),
    ] = "",
    no_cache: NoCache = False,
) -> int:
    """List operators, networks, blocks, columns, metrics, rules, conventions, devices, or others.

    'list params resnet50' lists what --set and a variant can change in a network.
    """
    from convcalc.cli.answers import answer

    settings = ctx.obj
    form = settings.format(FORMATS)
    choose(kind, KINDS, "KIND")
    if kind == PARAMS:
        return _list_params(settings, form, filter)
    style = (form, *settings.style())
    return answer(ctx, (), style, lambda: _list(settings, form, kind, filter), no_cache=no_cache)


def _list(settings: "Settings", form: str, kind: str, filter: str) -> int:  # noqa: A002
    """Writes the entries of a kind that contain a text; returns the exit code."""
    ranked = [(_rank(entry, filter), entry) for entry in _ENTRIES[kind]()]
    found = [entry for rank, entry in sorted(ranked, key=_first) if rank < NO_MATCH]
    if not found and form == "table":
        from convcalc.model.operators.words import operator_of

        meant = operator_of(filter) if kind == "operators" else ""
        advice = f"; see 'convcalc operator {meant}'" if meant else ""
        settings.note(f"no {kind} contain '{filter}'{advice}")
        return 0
    _write(settings, form, kind, found)
    return 0


def _write(settings: "Settings", form: str, kind: str, found: Sequence[Any]) -> None:
    from convcalc.output.table import Table, render

    payload = [entry._asdict() for entry in found]
    settings.write(render(form, Table("", _columns(kind), found), payload, settings.style()))


NO_MATCH = 4


def _rank(entry: Any, text: str) -> int:
    """How well an entry matches: by its name, the beginning of it, a part of it, other words."""
    text = text.lower()
    name, *others = (str(value).lower() for value in entry)
    if name == text or not text:
        return 0
    if text in name:
        return 1 if name.startswith(text) else 2
    return 3 if any(text in value for value in others) else NO_MATCH


def _first(ranked: tuple[int, Any]) -> int:
    return ranked[0]


def _list_params(settings: "Settings", form: str, word: str) -> int:
    """Writes the params of a network; returns the exit code."""
    from convcalc.cli.commands._params import params_of_network
    from convcalc.cli.problems import print_problems

    if not word:
        raise Failure("list params needs a network", "write for instance: list params resnet50")
    network, found = params_of_network(word)
    if found or form != "table":
        _write(settings, form, PARAMS, found)
    elif not network.problems:
        settings.note(f"{word} has no params")
    return print_problems([network], settings, warnings=False)


# --- entries -----------------------------------------------------------------------------------


def operators() -> Iterator[OperatorEntry]:
    """Every operator; required fields are marked with a star."""
    from convcalc.model.operators.manual import summary
    from convcalc.model.operators.registry import fields_of, operator_class, operator_names

    for name in operator_names():
        cls = operator_class(name)
        declared = fields_of(cls)
        listed = ", ".join(f"{key}*" if field.required else key for key, field in declared.items())
        yield OperatorEntry(name, listed, summary(cls))


def networks() -> Iterator[Any]:
    """Every shipped network and variant."""
    from convcalc.language import catalogue

    return catalogue.networks()


def blocks() -> Iterator[Any]:
    """Every shipped block."""
    from convcalc.language import catalogue

    return catalogue.blocks()


def columns() -> Iterator[ColumnEntry]:
    """Every column of a report's table, those of a device last."""
    from convcalc.output.bound_columns import BOUND_COLUMNS
    from convcalc.output.columns import COLUMNS

    for column in COLUMNS.values():
        yield ColumnEntry(column.key, column.title, column.doc)
    for column in BOUND_COLUMNS.values():
        yield ColumnEntry(column.key, column.title, f"{column.doc}; with --device")


def metrics() -> Iterator[MetricEntry]:
    """Every metric of a budget, with the bounds and other keys that it takes."""
    from convcalc.language.assertions.vocabulary import METRICS

    for name, (kind, rule, doc, beside, bounds, _) in METRICS.items():
        yield MetricEntry(name, kind, ", ".join(bounds), ", ".join(beside), rule, doc)


def rules() -> Iterator[Any]:
    """Every rule of 'convcalc check'."""
    from convcalc.checking.rules import summary
    from convcalc.diagnostics.codes import RULES

    for rule in RULES.values():
        yield RuleEntry(rule.code, rule.name, rule.severity, summary(rule))


def conventions() -> Iterator[ConventionEntry]:
    """Every convention with its tool, what it prints, and in which unit."""
    from convcalc.analysis.conventions import convention, convention_names, summary

    for name in convention_names():
        found = convention(name)
        numbers = ", ".join(f"{count.title} ({count.unit})" for count in found.counts)
        yield ConventionEntry(name, found.tool, numbers, summary(name))


def devices() -> Iterator[DeviceEntry]:
    """Every device that bounds can be given for."""
    from convcalc.analysis.devices.names import device_names
    from convcalc.analysis.devices.shelf import device

    for found in map(device, device_names()):
        yield DeviceEntry(found.name, ", ".join(found.peak), found.runtime, found.title)


def runtimes() -> Iterator[RuntimeEntry]:
    """Every runtime."""
    from convcalc.analysis.devices.names import runtime_names
    from convcalc.analysis.devices.shelf import runtime

    for found in map(runtime, runtime_names()):
        yield RuntimeEntry(found.name, found.title)


def formats() -> Iterator[FormatEntry]:
    """Every format of models that exist."""
    from convcalc.importing.formats import FORMATS as READ

    for name, each in READ.items():
        yield FormatEntry(name, each.title, ", ".join(each.endings))


_ENTRIES: dict[str, Callable[[], Iterator[Any]]] = {
    "operators": operators,
    "networks": networks,
    "blocks": blocks,
    "columns": columns,
    "metrics": metrics,
    "rules": rules,
    "conventions": conventions,
    "devices": devices,
    "runtimes": runtimes,
    "formats": formats,
}


def _columns(kind: str) -> tuple["Column", ...]:
    from convcalc.output.columns import Column, Size

    def column(key: str, title: str = "", **more: Any) -> Column:
        return Column(key, title or key, attrgetter(key), **more)

    def sizes(entry: Any) -> Any:
        found = tuple(None if sizes is None else Size(sizes) for sizes in entry.inputs.values())
        return found if len(found) > 1 else next(iter(found), None)

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
            Column("inputs", "input", sizes, priority=1, folds=True),
            Column("year", "year", year, align="right", priority=2),
            Column("description", "description", about_network, priority=4, folds=True),
            Column("source", "source", source, priority=3, folds=True),
        ),
        "conventions": (column("name"), column("numbers", priority=1, folds=True), about),
        "columns": (column("name"), column("title", priority=1), about),
        "devices": (
            column("name"),
            about,
            column("dtypes", "peaks for", priority=1, folds=True),
            column("runtime", priority=3),
        ),
        "runtimes": (column("name"), about),
        "formats": (column("name"), column("title"), column("endings", priority=1)),
        "metrics": (
            column("name"),
            column("kind", priority=1),
            column("beside", "beside its bounds", priority=3, folds=True),
            column("rule", priority=4),
            about,
        ),
        PARAMS: (
            column("name"),
            column("value", priority=1, folds=True),
            column("type", priority=2),
            column("allowed", priority=3, folds=True),
            about,
        ),
        "rules": (column("code"), column("name"), column("severity", priority=1), about),
        "blocks": (column("name"), column("file", priority=3), column("params", folds=True), about),
    }[kind]
