"""The counts of another tool, and why two tools differ: as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from operator import attrgetter
from typing import Any, NamedTuple

from convcalc.analysis.conventions import Convention, Count
from convcalc.analysis.conventions.listing import RuleLine
from convcalc.analysis.conventions.quantities import legend
from convcalc.analysis.conventions.versus import Item, Versus
from convcalc.analysis.report.report import PARAMS
from convcalc.analysis.report.to_json import plain
from convcalc.model.quantities.number_text import count_text
from convcalc.model.quantities.unknown import known
from convcalc.output.columns import SHARE, Column
from convcalc.output.table import MARKDOWN_HINT, Fact, Table


def rules_table(
    title: str, chosen: Convention, count: Count, lines: Sequence[RuleLine], *, single: bool
) -> Table:
    """Return the table of a tool's rules and counts.

    For a ``single`` layer it shows the rules with numbers, else the shares.
    """
    columns = (
        _column("operator", "counted as"),
        *(() if single else (_column("leaves", "times", align="right", priority=2),)),
        _column("rule", "rule", folds=True),
        *(
            (_column("numbers", "with numbers", priority=1, folds=True),)
            if single
            else (Column("share", "share", attrgetter("amount"), SHARE, "right", 1),)
        ),
        _column("amount", count.title, align="right"),
    )
    total = RuleLine("", "total", "", "", _sum(lines), sum(line.leaves for line in lines))
    missed = list(dict.fromkeys(line.title for line in lines if line.missed))
    of_sample = ", of one sample" * (chosen.per_sample and count.key != PARAMS)
    footer = [Fact(count.title, f"({count.unit}) as {chosen.tool} counts{of_sample}")]
    if missed:
        footer.append(Fact("not counted", ", ".join(missed)))
    footer += starmap(Fact, legend([line.rule for line in lines]).items())
    return Table(title, columns, lines, total, tuple(footer), MARKDOWN_HINT)


def rules_payload(
    name: str, chosen: Convention, count: Count, lines: Sequence[RuleLine]
) -> dict[str, Any]:
    """Return the rules and their counts as JSON."""
    return {
        "convention": {"name": name, "tool": chosen.tool, "number": count.key, "unit": count.unit},
        "total": plain(_sum(lines)),
        "rules": [
            {
                "path": line.path or None,
                "operator": line.operator,
                "leaves": line.leaves,
                "rule": line.rule,
                "numbers": line.numbers or None,
                "result": plain(line.amount),
                "missed": line.missed,
            }
            for line in lines
        ],
    }


def _sum(lines: Sequence[RuleLine]) -> int:
    total: int = sum(line.amount for line in lines)
    return total


def _column(key: str, title: str, **more: Any) -> Column:
    return Column(key, title, attrgetter(key), **more)


# --- two tools ---------------------------------------------------------------------------------


class _Difference(NamedTuple):
    """One item of a difference; ``left`` is the difference that the rows above and it leave."""

    operator: str
    leaves: int | None
    ours_rule: str
    theirs_rule: str
    ours: int
    theirs: int
    difference: int
    left: int | None


def versus_table(title: str, found: Versus) -> Table:
    """Return the table of the items in which two tools differ, and what each one explains."""
    columns = (
        _column("operator", "counted as"),
        _column("leaves", "times", align="right", priority=4),
        _column("ours_rule", found.name, priority=2, folds=True),
        _column("theirs_rule", found.other, priority=2, folds=True),
        _column("ours", f"by {found.name}", align="right", priority=3),
        _column("theirs", f"by {found.other}", align="right", priority=3),
        Column("difference", "difference", lambda row: _signed_text(row.difference), align="right"),
        Column("left", "left", lambda row: _signed_text(row.left), align="right", priority=1),
    )
    total = _Difference(
        *("total", None, "", "", found.total, found.other_total, found.difference, None)
    )
    return Table(title, columns, _rows(found), total, tuple(_footer(found)), MARKDOWN_HINT)


def _rows(found: Versus) -> list[_Difference]:
    items = _differing(found)
    # Where some differences are unknown, the others run down to nothing; not where all are.
    some = any(known(item.difference) for item in items)
    rows, left = [], 0 if some and not known(found.remainder) else found.remainder
    for item in reversed(items):
        rows.append(_difference(item, left))
        left = left + item.difference
    return rows[::-1]


def _differing(found: Versus) -> list[Item]:
    """Return the items whose counts differ or are unknown."""
    return [item for item in found.items if not known(item.difference) or item.difference]


def _difference(item: Item, left: int) -> _Difference:
    rules = item.ours_rule, item.theirs_rule
    numbers = item.ours, item.theirs, item.difference
    return _Difference(item.operator, item.leaves, *rules, *numbers, left)


def _footer(found: Versus) -> list[Fact]:
    shown = _differing(found)
    differ = {item.operator for item in shown}
    same = dict.fromkeys(item.operator for item in found.items if item.operator not in differ)
    facts = [
        Fact(found.name, f"{count_text(found.total, exact=True)} ({found.unit})"),
        Fact(found.other, f"{count_text(found.other_total, exact=True)} ({found.other_unit})"),
    ]
    if same:
        facts.append(Fact("equal", ", ".join(same)))
    rules = [rule for item in shown for rule in (item.ours_rule, item.theirs_rule)]
    remainder = count_text(found.remainder, exact=True)
    if unknown := [item.operator for item in shown if not known(item.difference)]:
        remainder += f", because of {', '.join(dict.fromkeys(unknown))}"
    return [*facts, *starmap(Fact, legend(rules).items()), Fact("remainder", remainder)]


def _signed_text(value: int | None) -> str | None:
    """Return an exact number with its sign."""
    if value is None:
        return None
    text = count_text(value, exact=True)
    return f"+{text}" if value > 0 else text


def versus_payload(found: Versus) -> dict[str, Any]:
    """Return all items as JSON, also those that are equal."""
    return {
        "convention": found.name,
        "versus": found.other,
        "total": plain(found.total),
        "versus_total": plain(found.other_total),
        "difference": plain(found.difference),
        "items": [
            {**plain(item._asdict()), "difference": plain(item.difference)} for item in found.items
        ],
        "remainder": plain(found.remainder),
    }
