"""The columns of tables: key, title, value, unit, alignment, and how soon each may be hidden.

The value of a column is a function of a row. The columns for rows of type
:class:`convcalc.analysis.report.rows.Row` are here; ``list`` has its own. Values stay data
(integers, fractions, tuples, ``UNKNOWN``, None where a row has no such value); the formats turn
them into text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from convcalc.analysis.report.report import PARAMS, ReceptiveField, Report
from convcalc.analysis.report.rows import AnyRow
from convcalc.model.quantities.counts import COUNTS, DeclaredCount
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

# Units that have a format of their own, as BYTES has.
SHARE, BAR, RATIO, SECONDS = "%", "bar", "FLOP/B", "s"


class Size(tuple[int, ...]):
    """Sizes that are always written in full, ``3×3``; other tuples only where axes differ."""


class Several(tuple[Any, ...]):
    """The values of several outputs; written once where all agree."""


class Span(tuple[Any, ...]):
    """The first and the last of the values that rows have which are folded into one."""


_SHARES = (SHARE, BAR)


class Column(NamedTuple):
    """One column of a table.

    ``unit`` decides how a number is written: nothing for a count, ``B`` for bytes, ``%`` for
    the share that the value has of the same value in the totals, ``bar`` for that share as a bar,
    ``FLOP/B`` for a ratio, ``s`` for seconds.
    A narrow terminal hides the highest ``priority`` first and never hides 0. A column that
    ``folds`` may be wrapped. ``mark`` returns a remark to print after the value; formats for
    programs leave it out. ``at_least`` returns the lower bound of a value that something is missing
    from, None for other values; formats for programs leave it out too. ``doc`` is what
    ``list columns`` prints. Rows that differ in a column that ``spans`` may be folded all the same:
    then the first and the last value are shown. ``is_tree`` says that texts begin with the branches
    of a tree, so that they cannot be wrapped, ``is_change`` that a sign says what became more and
    what less.
    """

    key: str
    title: str
    value: Callable[[Any], Any]
    unit: str = ""
    align: Literal["left", "right"] = "left"
    priority: int = 0
    doc: str = ""
    folds: bool = False
    mark: Callable[[Any], str] | None = None
    at_least: Callable[[Any], int | None] = lambda _: None
    spans: bool = False
    is_tree: bool = False
    is_change: bool = False


def cell(column: Column, row: Any, totals: Any | None) -> Any:
    """Return the value in a row; a share is a fraction of the value in ``totals``."""
    value = column.value(row)
    if column.unit not in _SHARES or totals is None or not isinstance(value, int):
        return value
    whole = column.value(totals)
    if not (known(value) and known(whole)):
        return UNKNOWN
    return Fraction(value, whole) if whole else None


# --- values ------------------------------------------------------------------------------------


def _of_outputs(value: Callable[[Any], Any], part: str) -> Callable[[AnyRow], Any]:
    """Return a function of a row's output or field; of each, where a row has several outputs."""

    def found(row: AnyRow) -> Any:
        if row.outputs:
            return Several(
                value(UNKNOWN if each.shape is None else getattr(each, part))
                for each in row.outputs
            )
        return value(row.output if part == "shape" else row.receptive_field)

    return found


def _size(shape: Shape | None) -> Any:
    """Return the sizes of a shape, without the batch if that is 1."""
    if not isinstance(shape, Shape):
        return shape
    return Size(shape.dims if shape.batch != 1 else shape.dims[1:])


def _inputs(row: AnyRow) -> str | Size | tuple[Size, ...] | None:
    sizes = tuple(Size(_size(shape) or ()) for shape in row.inputs)
    return sizes if len(sizes) > 1 else next(iter(sizes), None)


def _operator_field(name: str) -> Callable[[AnyRow], Any]:
    return lambda row: row.fields.get(name)


def _kernel_size(row: AnyRow) -> Any:
    value = row.fields.get("kernel_size")
    return Size(value) if isinstance(value, tuple) else value


def _padding(row: AnyRow) -> Any:
    """Return the padding per axis; ``before+after`` where the sides differ."""
    value = row.fields.get("padding")
    if not isinstance(value, tuple):
        return value
    return tuple(
        (side[0] if side[0] == side[1] else "+".join(map(str, side)))
        if isinstance(side, tuple)
        else side
        for side in value
    )


def _frozen(row: AnyRow) -> int | None:
    return None if row.params is None else row.params - row.trainable


def _intensity(row: AnyRow) -> Any:
    if row.flops is None:
        return None
    if not (known(row.flops) and known(row.moved)):
        return UNKNOWN
    return Fraction(row.flops, row.moved) if row.moved else None


def _receptive_field_value(name: str) -> Callable[[AnyRow], Any]:
    """Return a function that reads an attribute of a row's receptive field, else None."""

    def value(field: ReceptiveField | None) -> Any:
        return getattr(field, name, None) if known(field) else field

    return _of_outputs(value, "receptive_field")


def _reach(field: ReceptiveField | None) -> Any:
    """Return a receptive field relative to the input's size, the largest of the axes."""
    if not known(field):
        return field
    if field is None or not field.input_size:
        return None
    if not known((*field.size, *field.input_size)):
        return UNKNOWN
    return max(Fraction(*pair) for pair in zip(field.size, field.input_size, strict=True))


def _mark(row: AnyRow) -> str:
    """Return the remark on a type: numbers stated in the file, shared weights."""
    declared = ("declared" if row.layers == 1 else "declared in part") if row.declared else ""
    return ", ".join(filter(None, (declared, row.shares and f"shares {row.shares}")))


def _lower_bound(kind: str, key: str, row: AnyRow) -> int | None:
    """Return what a count is at least, if something is missing from it."""
    bounds: Mapping[str, int] = getattr(row.at_least, kind)
    return bounds.get(key)


# --- the columns of a report -------------------------------------------------------------------


def _count_column(count: DeclaredCount) -> Column:
    """Return the column of a declared count."""
    return Column(
        count.key,
        count.title,
        attrgetter(count.key),
        count.unit,
        "right",
        count.priority,
        count.doc,
        at_least=partial(_lower_bound, "counts", count.key),
    )


_ALL = (
    Column("path", "layer", attrgetter("path"), doc="dotted path of the layer or block"),
    Column(
        "operator",
        "type",
        attrgetter("operator"),
        priority=3,
        doc="operator or block; marked where numbers are declared or weights are shared",
        mark=_mark,
    ),
    Column("layers", "layers", attrgetter("layers"), "", "right", 6, "layers that the row adds up"),
    Column("input", "input", _inputs, priority=7, doc="shapes of the inputs"),
    Column(
        "output",
        "output",
        _of_outputs(_size, "shape"),
        priority=1,
        doc="shape of the output, channels first; with the batch if it is above 1",
    ),
    Column("kernel_size", "kernel", _kernel_size, "", "right", 5, "taps per axis"),
    Column(
        "stride",
        "stride",
        _operator_field("stride"),
        "",
        "right",
        5,
        "stride, per axis if they differ",
    ),
    Column("padding", "padding", _padding, "", "right", 5, "padding per axis, before+after"),
    Column("dilation", "dilation", _operator_field("dilation"), "", "right", 6, "dilation"),
    Column("groups", "groups", _operator_field("groups"), "", "right", 6, "groups of channels"),
    Column(
        "weight",
        "weights",
        lambda row: row.weights or None,
        priority=8,
        doc="shapes of the learned tensors, PyTorch's layout",
        folds=True,
    ),
    *map(_count_column, COUNTS.values()),
    Column("frozen", "frozen", _frozen, "", "right", 7, "parameters that training leaves alone"),
    Column("macs_share", "of MACs", attrgetter("macs"), SHARE, "right", 5, "share of the MACs"),
    Column(
        "params_share", "of params", attrgetter("params"), SHARE, "right", 5, "share of the params"
    ),
    Column(
        "macs_bar",
        "MACs share",
        attrgetter("macs"),
        BAR,
        priority=5,
        doc="share of the MACs as a bar; the longest is that of the row with most",
    ),
    Column(
        "params_bar",
        "params share",
        attrgetter("params"),
        BAR,
        priority=5,
        doc="share of the params as a bar; the longest is that of the row with most",
    ),
    Column("intensity", "FLOP/byte", _intensity, RATIO, "right", 5, "FLOPs per byte moved"),
    Column(
        "receptive_field",
        "RF",
        _of_outputs(lambda field: field, "receptive_field"),
        "",
        "right",
        2,
        "input positions that one output position sees, the largest over its phases",
    ),
    Column(
        "jump",
        "jump",
        _receptive_field_value("jump"),
        "",
        "right",
        4,
        "effective stride on the input",
    ),
    Column(
        "center", "center", _receptive_field_value("center"), "", "right", 5, "center of output 0"
    ),
    Column(
        "reach",
        "of input",
        _of_outputs(_reach, "receptive_field"),
        SHARE,
        "right",
        4,
        "receptive field in relation to the size of the input, the largest of the axes",
    ),
    Column(
        "coverage",
        "coverage",
        _receptive_field_value("coverage"),
        SHARE,
        "right",
        3,
        "share of the positions within the receptive field that are read, per axis",
    ),
    Column(
        "holes",
        "holes",
        _receptive_field_value("holes"),
        "",
        "right",
        6,
        "positions within the receptive field that are not read, per axis",
    ),
    Column(
        "global",
        "global",
        _receptive_field_value("is_global"),
        priority=7,
        doc="whether the output also depends on the whole input",
    ),
    Column(
        "declared",
        "declared",
        attrgetter("declared"),
        priority=7,
        doc="whether numbers were stated in the file, not computed",
    ),
    Column(
        "shares",
        "shares",
        lambda row: row.shares or None,
        priority=7,
        doc="the layer whose weights are used again",
    ),
    Column("note", "note", lambda row: row.note or None, priority=8, doc="the note", folds=True),
)
# A chain of equal layers sees ever more of the input.
_SPANNING = {"receptive_field", "center", "reach", "coverage", "holes"}
COLUMNS: Mapping[str, Column] = {
    column.key: column._replace(spans=True) if column.key in _SPANNING else column
    for column in _ALL
}
OF_FIELDS = {*_SPANNING, "jump", "global"}  # those of receptive fields
DEFAULT = ("path", "operator", "output", "params", "macs", "receptive_field", "jump")


# --- columns that options add -------------------------------------------------------------------


def tool_columns(report: Report) -> list[Column]:
    """Return the columns of another tool's counts, its headline first, its parameters last."""
    tool = report.convention
    if tool is None:
        return []
    numbers = [(number.key, number.title, number.unit) for number in tool.numbers]
    return [
        Column(
            f"{tool.name}.{key}",
            f"{tool.name} {title}",
            partial(_mapping_value, "convention", key),
            "",
            "right",
            0,
            f"{title} as {tool.tool} counts ({unit})",
            at_least=partial(_lower_bound, "convention", key),
        )
        for key, title, unit in (*numbers, (PARAMS, PARAMS, "parameter"))
    ]


def convention_columns(report: Report) -> list[Column]:
    """Return the tool's columns to show by default: parameters only if convcalc's differ."""
    columns = tool_columns(report)
    same = report.totals.convention.get(PARAMS) == report.totals.params
    return columns[:-1] if same else columns


def further_columns(report: Report) -> dict[str, Column]:
    """Return the columns that a report has beside the usual ones, by key.

    These are another tool's counts (its name alone stands for the headline) and the values with
    folded batch norms.
    """
    tool = tool_columns(report)
    fused = [_fused_column(COLUMNS[key]) for key in report.totals.fused]
    headline = {report.convention.name: tool[0]} if report.convention else {}
    return headline | {column.key: column for column in (*tool, *fused)}


def with_extra_columns(report: Report, columns: Sequence[Column]) -> list[Column]:
    """Return the columns together with those of folded batch norms and of another tool.

    The former follow the column they belong to, the latter the MACs, else the end. Columns that
    the report does not have, or that are already given, are not added.
    """
    there = {column.key for column in columns}
    tool = [] if there & further_columns(report).keys() else convention_columns(report)
    found: list[Column] = []
    for column in columns:
        found.append(column)
        if column.key in report.totals.fused and f"{column.key}_fused" not in there:
            found.append(_fused_column(column))
        if column.key == "macs":
            found += tool
            tool = []
    return [*found, *tool]


def _fused_column(column: Column) -> Column:
    return column._replace(
        key=f"{column.key}_fused",
        title=f"{column.title} fused",
        value=partial(_mapping_value, "fused", column.key),
        doc=f"{column.doc}, batch norms folded",
        at_least=partial(_lower_bound, "fused", column.key),
    )


def _mapping_value(mapping: str, key: str, row: AnyRow) -> int | None:
    found: Mapping[str, int] = getattr(row, mapping)
    return found.get(key)
