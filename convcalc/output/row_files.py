"""Files that hold all rows of a sweep: CSV, JSON lines, and Parquet by pyarrow or polars.

A writer is begun, takes the columns of one part after another, and is ended; each step returns the
bytes that follow. The same rows in the same parts are the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from convcalc.analysis.sweeps.plan import Plan
from convcalc.analysis.sweeps.running import INPUT, PROBLEM
from convcalc.diagnostics.visible import exact_json, fence, visible
from convcalc.errors import Error
from convcalc.output.cells import FORMULAS
from convcalc.output.packages import MissingPackage

KINDS = ("parquet", "csv", "jsonl")
KEY = b"convcalc"  # of the metadata of a Parquet file
REALS = ("jump",)  # metrics that may be fractions
Columns = Mapping[str, Sequence[Any]]


class RowFileError(Error):
    """Rows cannot be written in this format."""


class RowFile(Protocol):
    """Writes rows in one format."""

    def begin(self) -> bytes:
        """The bytes before all rows."""

    def rows(self, columns: Columns) -> bytes:
        """The bytes of some rows."""

    def end(self) -> bytes:
        """The bytes behind all rows."""


def row_file(kind: str, plan: Plan, about: Mapping[str, Any]) -> RowFile:
    """The writer of a format of ``KINDS``; ``about`` is the metadata, where the format has any.

    Raises MissingPackage for Parquet if neither pyarrow nor polars is installed.
    """
    if kind == "csv":
        return _Csv(plan)
    if kind == "jsonl":
        return _JsonLines(plan)
    text = exact_json(about)
    for package, made in (("pyarrow", _Arrow), ("polars", _Polars)):
        try:
            import_module(package)
        except ImportError:
            continue
        return made(plan, text)
    raise MissingPackage("pyarrow", "a Parquet file")


def has_parquet() -> bool:
    """Whether Parquet can be written."""
    from importlib.util import find_spec

    return any(find_spec(package) is not None for package in ("pyarrow", "polars"))


def json_lines(names: Sequence[str], rows: Iterator[Sequence[Any]] | Sequence[Any]) -> list[str]:
    """Each row as an object of JSON on one line."""
    return [exact_json(dict(zip(names, row, strict=True))) for row in rows]


# --- text ----------------------------------------------------------------------------------------


class _JsonLines:
    def __init__(self, plan: Plan) -> None:
        self.names = plan.names

    def begin(self) -> bytes:
        return b""

    def rows(self, columns: Columns) -> bytes:
        lines = json_lines(self.names, list(zip(*columns.values(), strict=True)))
        return "".join([f"{line}\n" for line in lines]).encode()

    def end(self) -> bytes:
        return b""


class _Csv:
    """Numbers are exact, sizes ``3x224x224``, other lists as in JSON; unknown is empty."""

    def __init__(self, plan: Plan) -> None:
        self.names = plan.names

    def begin(self) -> bytes:
        return self._text([self.names])

    def rows(self, columns: Columns) -> bytes:
        texts = [_csv_column(name, values) for name, values in columns.items()]
        return self._text(zip(*texts, strict=True))

    def end(self) -> bytes:
        return b""

    @staticmethod
    def _text(rows: Any) -> bytes:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return fence(out.getvalue()).encode()


def _csv_column(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """The cells of a column; a text that a spreadsheet would compute gets a ``'`` in front."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float, type(None)}:
        return values
    return [_csv_cell(name, value) for value in values]


def _csv_cell(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "x".join(map(str, value)) if name == INPUT else exact_json(value)
    if isinstance(value, str):
        text = visible(value, 0)
        return f"'{text}" if text.startswith(FORMULAS) else text
    return value


# --- Parquet -------------------------------------------------------------------------------------


def kinds_of(plan: Plan) -> dict[str, str]:
    """Return what each column holds: ``int``, ``float``, ``bool``, ``str``, or ``list int`` …"""
    found = {}
    for factor in plan.factors:
        values = [value for part in factor.parts for value in part]
        if factor.is_list:
            found[factor.name] = f"list {_kind(values)}"
        elif isinstance(values[0], list):
            found[factor.name] = f"list {_kind([each for value in values for each in value])}"
        else:
            found[factor.name] = _kind(values)
    for name in plan.metrics:
        found[name] = "float" if name in REALS else "int"
    return {**found, PROBLEM: "str"}


def _kind(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values}
    if kinds == {int}:
        return "int"
    if kinds <= {int, float}:
        return "float"
    return "bool" if kinds == {bool} else "str"


def _of_kind(kind: str, values: Sequence[Any]) -> Sequence[Any]:
    """Values as the type of their column wants them."""
    if kind == "list float":
        return [[*map(float, value)] for value in values]
    if kind == "list str":
        return [[str(each) for each in value] for value in values]
    if kind == "float":
        return [None if value is None else float(value) for value in values]
    return values


def _too_large(name: str) -> RowFileError:
    return RowFileError(
        f"'{name}' has a number that a column of Parquet does not hold",
        "write .csv or .jsonl, which hold numbers of any size",
    )


class _Sink:
    """A file of which the bytes are taken away as they are written."""

    closed = False

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.position = 0

    def write(self, piece: Any) -> int:
        content = bytes(piece)
        self.pieces.append(content)
        self.position += len(content)
        return len(content)

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def taken(self) -> bytes:
        """The bytes that were written since the last time."""
        found, self.pieces = b"".join(self.pieces), []
        return found


class _Arrow:
    """By pyarrow: a row group for each part."""

    def __init__(self, plan: Plan, about: str) -> None:
        arrow = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
        self.arrow = arrow
        self.kinds = kinds_of(plan)
        types = {"int": arrow.int64(), "float": arrow.float64()}
        types |= {"bool": arrow.bool_(), "str": arrow.string()}
        types |= {f"list {kind}": arrow.list_(each) for kind, each in types.items()}
        fields = [arrow.field(name, types[kind]) for name, kind in self.kinds.items()]
        self.schema = arrow.schema(fields, metadata={KEY: about.encode()})
        self.sink = _Sink()
        self.writer = parquet.ParquetWriter(
            arrow.PythonFile(self.sink, mode="w"), self.schema, compression="zstd"
        )

    def begin(self) -> bytes:
        return self.sink.taken()

    def rows(self, columns: Columns) -> bytes:
        arrays = []
        for name, values in columns.items():
            kind = self.kinds[name]
            try:
                arrays.append(
                    self.arrow.array(_of_kind(kind, values), self.schema.field(name).type)
                )
            except (OverflowError, ValueError, TypeError):  # those of Arrow are ValueErrors
                raise _too_large(name) from None
        if any(map(len, columns.values())):
            self.writer.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        return self.sink.taken()

    def end(self) -> bytes:
        self.writer.close()
        return self.sink.taken()


class _Polars:
    """By polars, which writes all rows at once, at the end."""

    def __init__(self, plan: Plan, about: str) -> None:
        polars = self.polars = import_module("polars")
        self.kinds = kinds_of(plan)
        self.about = about
        types = {"int": polars.Int64, "float": polars.Float64}
        types |= {"bool": polars.Boolean, "str": polars.String}
        types |= {f"list {kind}": polars.List(each) for kind, each in types.items()}
        self.schema = {name: types[kind] for name, kind in self.kinds.items()}
        self.frames = [polars.DataFrame(schema=self.schema)]

    def begin(self) -> bytes:
        return b""

    def rows(self, columns: Columns) -> bytes:
        made = {}
        for name, values in columns.items():
            try:
                own = list(_of_kind(self.kinds[name], values))
                made[name] = self.polars.Series(name, own, self.schema[name], strict=True)
            except (OverflowError, ValueError, TypeError):
                raise _too_large(name) from None
        self.frames.append(self.polars.DataFrame(made))
        return b""

    def end(self) -> bytes:
        out = io.BytesIO()
        whole = self.polars.concat(self.frames)
        whole.write_parquet(out, compression="zstd", metadata={KEY.decode(): self.about})
        return out.getvalue()
