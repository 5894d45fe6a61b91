"""The rows of a tree: indented names, and what repeats in a row shown once, ``[0…4] ×5``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.report.tree import Branch
from convcalc.output.columns import Column, Span
from convcalc.output.folding import NUMBER, compared_values

BRANCH, LAST = "├─ ", "└─ "  # before a name
TRUNK, BLANK = "│  ", "   "  # below them

_TYPE = 9  # priority of the type

Pair = tuple[Branch, Branch]  # the first and the last of branches that are alike


class TreeRow(NamedTuple):
    """A row of a tree; what is not said here is that of the first row that it stands for."""

    path: str
    first: Any
    last: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.first, name)


def tree_rows(branches: Sequence[Branch], columns: Sequence[Column], *, fold: bool) -> list[Any]:
    """Return the rows of a tree; with ``fold``, branches that are alike are one row."""
    keys = _Keys(columns) if fold else None
    return list(_rows([(each, each) for each in branches], "", keys, at_top=True))


def tree_columns(columns: Sequence[Column]) -> list[Column]:
    """Return the columns for rows of a tree: values that differ are shown from first to last.

    A narrow terminal hides the type first, which the name mostly says.
    """
    return [_tree_column(column) for column in columns]


def _tree_column(column: Column) -> Column:
    if column.key == "path":
        return column._replace(value=attrgetter("path"), is_tree=True)
    if column.key == "operator":
        return column._replace(priority=_TYPE)
    return column._replace(value=_spanning(column.value)) if column.spans else column


def _spanning(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def found(row: Any) -> Any:
        if not isinstance(row, TreeRow) or row.first is row.last:
            return value(row)
        first, last = value(row.first), value(row.last)
        return first if first == last else Span((first, last))

    return found


def _rows(
    pairs: Sequence[Pair], indent: str, keys: _Keys | None, *, at_top: bool = False
) -> Iterator[TreeRow]:
    """Yield the rows of branches, each followed by what is in it."""
    shown = list(_joined(pairs, keys)) if keys else [(pair[0].name, pair) for pair in pairs]
    for number, (name, (first, last)) in enumerate(shown, 1):
        is_last = number == len(shown)
        sign, below = ("", "") if at_top else (LAST, BLANK) if is_last else (BRANCH, TRUNK)
        yield TreeRow(f"{indent}{sign}{name}", first.row, last.row)
        inner = list(zip(first.branches, last.branches, strict=True))
        yield from _rows(inner, indent + below, keys)


def _joined(pairs: Sequence[Pair], keys: _Keys) -> Iterator[tuple[str, Pair]]:
    """Yield branches with their names, those that are alike and follow each other as one."""
    start = 0
    for end in range(1, len(pairs) + 1):
        if end < len(pairs) and keys.follows(pairs[end - 1][0], pairs[end][0]):
            continue
        first, last = pairs[start][0], pairs[end - 1][1]
        yield _name(first.name, pairs[end - 1][0].name, end - start), (first, last)
        start = end


def _name(first: str, last: str, times: int) -> str:
    """Return one name for branches that follow each other: ``conv[0…3] ×4``."""
    if times == 1:
        return first
    texts = zip(NUMBER.split(first), NUMBER.split(last), strict=True)
    return f"{''.join(a if a == b else f'{a}…{b}' for a, b in texts)} ×{times:,}"


class _Keys:
    """Finds out which branches are alike: in the columns that are shown, in their fields, and in
    what is in them."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._values = compared_values(columns)
        self._numbers: dict[Any, int] = {}
        self._known: dict[int, int] = {}  # by the identity of a branch

    def follows(self, one: Branch, other: Branch) -> bool:
        """Whether another branch is like one, and its name counts on from it."""
        words, more = NUMBER.split(one.name), NUMBER.split(other.name)
        differing = [pair for pair in zip(words, more, strict=False) if pair[0] != pair[1]]
        if len(words) != len(more) or len(differing) != 1:
            return False
        (a, b) = differing[0]
        counts = NUMBER.fullmatch(a) and NUMBER.fullmatch(b) and int(b) == int(a) + 1
        return bool(counts) and self._key(one) == self._key(other)

    def _key(self, branch: Branch) -> int:
        found = self._known.get(id(branch))
        if found is None:
            row = branch.row
            below = tuple((each.name, self._key(each)) for each in branch.branches)
            whole = (row.operator, repr(row.fields), self._values(row), below)
            found = self._numbers.setdefault(whole, len(self._numbers))
            self._known[id(branch)] = found
        return found
