"""``convcalc show``: the table of a network, or one row each of several."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, choose, is_terminal
from convcalc.output.formats import FORMATS

if TYPE_CHECKING:
    from convcalc.analysis.report.report import Report
    from convcalc.analysis.report.rows import AnyRow, Row
    from convcalc.cli.console import Settings
    from convcalc.cli.loading import Reading
    from convcalc.cli.several import Analysed
    from convcalc.language.sources.target import Target
    from convcalc.model.graph.network import Network
    from convcalc.output.columns import Column
    from convcalc.output.table import Table

# The usual columns of several networks and of operators; those of layers are columns.DEFAULT.
OF_TARGETS = ("path", "input", "output", "params", "macs", "receptive_field")
UNFOLDED = "--no-fold or -f csv shows all"
PLAIN = ("csv", "tsv")  # formats without a footer
TREES = ("table", "markdown", "json")  # JSON is the same without a tree
TREE = "a block is the sum of what is in it; ×N means N alike, with the numbers of one"
OF_OPERATORS = ("path", "layers", "params", "params_share", "macs", "macs_share")


def command(
    ctx: typer.Context,
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGETS...", help="Network files, FILE::VARIANT, built-in names, or -."
        ),
    ],
    depth: Annotated[
        str,
        typer.Option(
            "--depth",
            metavar="N",
            show_default=False,
            help="How many levels of blocks to expand: 1, 2, 3, all. "
            "[default: 1; env: CONVCALC_DEPTH]",
        ),
    ] = "1",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="WHAT",
            help="One row per operator, type (family of operators), block (at --depth), kernel "
            "size, or stage (output size).",
        ),
    ] = "",
    variant: options.Variants = [],  # noqa: B006 - typer copies it
    input: options.Inputs = [],  # noqa: A002, B006
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
    columns: Annotated[
        str,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="Columns to show, or +A,B to add to the default ones; see 'list columns'. "
            "[env: CONVCALC_COLUMNS]",
        ),
    ] = "",
    tree: Annotated[
        bool,
        typer.Option(
            "--tree",
            help="Draw blocks and what is in them as a tree, down to --depth, else all; blocks "
            "that repeat are drawn once.",
        ),
    ] = False,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="By any column, the largest first, for instance macs; see 'list columns'.",
        ),
    ] = "",
    top: Annotated[
        int,
        typer.Option(
            "--top",
            metavar="N",
            min=0,
            show_default=False,
            help="Show the first N rows; sum up the rest. By MACs unless --sort says otherwise.",
        ),
    ] = 0,
    exact: Annotated[bool, typer.Option("--exact", help="Print exact integers.")] = False,
    no_fold: Annotated[
        bool,
        typer.Option("--no-fold", help="Print every row, even if thousands are alike."),
    ] = False,
    count: options.Counted = "",
    dtype: options.DType = "",
    convention: options.Convention = "",
    fuse_batch_norm: options.Fused = False,
    memory: options.Memory = "",
    device: options.Device = "",
    runtime: options.Runtime = "",
    source: Annotated[
        bool, typer.Option("--source", help="Print the text of the network file instead.")
    ] = False,
    no_cache: options.NoCache = False,
) -> int:
    """Show what a network costs and sees.

    Several targets, variants or inputs give one row each. JSON always holds every layer.
    convcalc.toml can set --depth, --columns, --count, --dtype, --convention and --memory.
    """
    from convcalc.cli.answers import answer
    from convcalc.cli.naming import target_of

    settings = ctx.obj
    form = settings.format(FORMATS)
    if options.is_default(ctx, "depth"):
        depth = options.default("depth") or ("all" if tree else depth)
    columns = columns or options.default("columns")
    view = View(depth_of(depth), by, columns, sort, top, exact, UNFOLDED * (not no_fold), tree)
    if tree:
        _check_tree(view, form)
    named = [target_of(word) for word in targets]
    if source:
        from convcalc.cli.commands._sources import write_sources

        return write_sources(named, settings)

    def show() -> int:
        """Reads and analyses the targets and writes the table."""
        from convcalc.analysis.analyse import PARTS, SUMS
        from convcalc.cli.loading import Reading, params_of

        support = form == "json" or bool({"coverage", "holes"} & view.keys())  # which takes longer
        networks = len(named) * max(1, len(variant)) * max(1, len(input))  # at most
        reading = Reading(
            variant, input, batch, params_of(set, set_from), count, dtype, support
        )._replace(
            convention=convention,
            fuse_batch_norm=fuse_batch_norm,
            memory=memory,
            parts=PARTS if view.reads_fields(form, networks, quiet=settings.quiet) else SUMS,
            device=device,
            runtime=runtime,
        )
        return _show(reading, named, view, form, settings, targets[0])

    return answer(ctx, named, (form, *settings.style(exact=exact)), show, no_cache=no_cache)


def _check_tree(view: "View", form: str) -> None:
    """Raises Failure where a tree cannot be drawn."""
    if form not in TREES:
        raise Failure(f"--tree is not for -f {form}", f"it is for -f {' and -f '.join(TREES)}")
    if view.by or view.sort or view.top:
        raise Failure("--tree with --by, --sort or --top", "a tree has the order of the network")


def _show(
    reading: "Reading",
    targets: Sequence["Target"],
    view: "View",
    form: str,
    settings: "Settings",
    word: str,
) -> int:
    """Reads and analyses targets and writes the table; returns the exit code.

    ``word`` is what the first target is called on the command line.
    """
    from convcalc.cli.problems import print_problems
    from convcalc.output.table import fragments

    is_json = form == "json"
    shown: Sequence[Network | Analysed]
    if len(targets) > 1:
        from convcalc.cli.several import analyse_several

        shown = several = analyse_several(reading, targets, settings, as_json=is_json)
        reports = [each.report for each in several]
        table = view.of_several(reports, [each.row for each in several])
        payload: Any = [each.text for each in several]
    else:
        read = _read(reading, targets, settings, word)
        shown, reports = [network for network, _ in read], [report for _, report in read]
        table = view.table(reports)
        payload = _payload(reports) if is_json else None
    if is_json or any(report.layers or not report.problems for report in reports):
        style = settings.style(exact=view.exact)
        settings.write_fragments(fragments(form, table, payload, style))
    for network in shown:
        if remark := getattr(network, "remark", ""):
            settings.note(f"note: {network.file}: {remark}")
    return print_problems(shown, settings)


def _read(
    reading: "Reading", targets: Sequence["Target"], settings: "Settings", word: str
) -> list[tuple["Network", "Report"]]:
    """Reads and analyses targets, with a progress bar if a person waits at a terminal."""
    if not is_terminal(sys.stderr):
        return reading.reports(targets)
    from convcalc.cli.progress import progress

    with progress("analysing", None, settings, word):
        return reading.reports(targets)


class View(NamedTuple):
    """Which rows and columns are shown, and in which order."""

    depth: int | None
    by: str
    columns: str
    sort: str
    top: int
    exact: bool
    unfolded: str = ""
    tree: bool = False

    def keys(self) -> set[str]:
        """The columns named on the command line, to show or to sort by."""
        return {*_words(self.columns), self.sort}

    def reads_fields(self, form: str, networks: int, *, quiet: bool) -> bool:
        """Whether receptive fields are shown: in a column, in JSON, or below the table."""
        if form == "json" or not (quiet or form in PLAIN):
            return True
        from convcalc.output.columns import DEFAULT, OF_FIELDS

        usual = (*OF_TARGETS, *DEFAULT) if networks > 1 or not self.by else OF_OPERATORS
        is_more = not self.columns or self.columns.lstrip().startswith("+")
        return bool(OF_FIELDS & {*self.keys(), *(usual if is_more else ())})

    def table(self, reports: Sequence["Report"]) -> "Table":
        """The layers of one report, or one row for each of several."""
        from convcalc.analysis.report.rows import target_row

        if len(reports) == 1:
            return self.of_one(reports[0])
        return self.of_several(reports, [target_row(report) for report in reports])

    def of_one(self, report: "Report") -> "Table":
        """The table of one network, layer by layer or by what layers have in common."""
        from convcalc.analysis.report.rows import rows, top_rows
        from convcalc.output.columns import DEFAULT
        from convcalc.output.views.network import report_table

        if self.tree:
            return self.as_tree(report)
        listed: Sequence[AnyRow]
        if self.by:
            from convcalc.analysis.report.groupings import GROUPINGS, rows_by

            by = choose(self.by, GROUPINGS, "--by")
            listed = rows_by(report, by, self.depth)
        else:
            listed = rows(report, self.depth)
        listed = self.sort_rows(listed, report)
        shown = top_rows(listed, self.top) if self.top else listed
        usual = OF_OPERATORS if self.by else DEFAULT
        columns = choose_columns(self.columns, usual, report)
        return report_table(report, columns, shown, exact=self.exact, unfolded=self.unfolded)

    def as_tree(self, report: "Report") -> "Table":
        """The table of one network, with blocks and what is in them as a tree."""
        from convcalc.analysis.report.tree import tree
        from convcalc.output.columns import DEFAULT
        from convcalc.output.table import Fact
        from convcalc.output.tree import tree_columns, tree_rows
        from convcalc.output.views.network import report_table

        columns = choose_columns(self.columns, DEFAULT, report)
        listed = tree_rows(tree(report, self.depth), columns, fold=bool(self.unfolded))
        table = report_table(report, tree_columns(columns), listed, exact=self.exact)
        return table._replace(footer=[*table.footer, Fact("tree", TREE)])

    def of_several(self, reports: Sequence["Report"], listed: Sequence["Row"]) -> "Table":
        """The table of several networks, one row each, without meaningless sums."""
        from convcalc.output.table import Table
        from convcalc.output.views.network import several_footer

        shown = self.sort_rows(listed, reports[0])
        return Table(
            "",
            tuple(choose_columns(self.columns, OF_TARGETS, reports[0])),
            shown[: self.top or None],
            footer=several_footer(reports[0]),
        )

    def sort_rows(self, listed: Sequence["AnyRow"], report: "Report") -> Sequence["AnyRow"]:
        """Sorts rows by the requested column; by MACs if only ``top`` is given."""
        key = self.sort or ("macs" if self.top else "")
        if not key:
            return listed
        from convcalc.output.sorting import sorted_rows

        columns = known_columns(report)
        _require_device([key], report)
        return sorted_rows(listed, columns[choose(key, columns, "--sort")].value)


def choose_columns(text: str, usual: Sequence[str], report: "Report") -> list["Column"]:
    """The columns of --columns: in place of the usual ones, or after them with a plus.

    What --convention and --fuse-batch-norm add comes behind the MACs, or at the end, and that of
    --device behind it. A narrow terminal hides the usual columns before those that are added by
    name.
    """
    from convcalc.output.columns import with_extra_columns

    columns = known_columns(report)
    _require_device(_words(text), report)
    keys = [choose(word, columns, "--columns") for word in _words(text)]
    more = not keys or text.lstrip().startswith("+")
    shown = dict.fromkeys([*(usual if more else ()), *keys])
    if more:
        asked = (columns[key] for key in keys if key not in usual)
        columns |= {each.key: each._replace(priority=min(each.priority, 1)) for each in asked}
    if report.totals.fused and more:
        shown["elementwise"] = None
    if report.roofline and more:
        from convcalc.output.bound_columns import DEFAULT

        shown |= dict.fromkeys(DEFAULT)
    return with_extra_columns(report, [columns[key] for key in shown])


def known_columns(report: "Report") -> "dict[str, Column]":
    """The columns that a report has, by key."""
    from convcalc.output.columns import COLUMNS, further_columns

    columns = {**COLUMNS, **further_columns(report)}
    if report.roofline:
        from convcalc.output.bound_columns import BOUND_COLUMNS

        columns |= BOUND_COLUMNS
    return columns


def _require_device(words: Sequence[str], report: "Report") -> None:
    """Raises Failure for columns that only a device has."""
    if report.roofline is None:
        for word in {"bound", "bound_unfused", "binding", "kernel"}.intersection(words):
            raise Failure(f"the column {word} needs a device", "add for instance --device a100")


def _words(text: str) -> list[str]:
    """The names in ``--columns``."""
    words = (word.strip() for word in text.replace("+", ",").split(","))
    return [word for word in words if word]


def _payload(reports: Sequence["Report"]) -> Any:
    from convcalc.analysis.report.to_json import streamed_payload

    payloads = [streamed_payload(report) for report in reports]
    return payloads[0] if len(payloads) == 1 else payloads


def depth_of(text: str) -> int | None:
    """The value of --depth, a positive number, or None for ``all``; raises Failure."""
    if text == "all":
        return None
    if text.isdecimal() and 0 < int(text) < 1000:
        return int(text)
    raise Failure(f"--depth is '{text}', but must be a number from 1, or all")
