"""Stacks of dilated convolutions: the verdict on their holes, and suggested stacks."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from convcalc.analysis.receptive_field.dilated_stacks import (
    Suggestion,
    field_size,
    gap,
    hdc,
    stack_windows,
)
from convcalc.output.columns import SHARE, Column
from convcalc.output.table import Fact, Table


def verdict(layers: Sequence[tuple[int, int, int]]) -> list[Fact]:
    """Return facts that say whether a stack leaves holes, and whether HDC's rule agrees.

    Each layer is given by kernel_size, stride and dilation.
    """
    kernel_sizes, strides, dilations = zip(*layers, strict=True)
    windows = stack_windows(kernel_sizes, strides, dilations)
    hole = gap(windows)
    if hole is None:
        text = "no holes: in order of their steps, no step is larger than what those before reach"
    else:
        smaller = [window for window in windows if window < hole and window.kernel_size > 1]
        text = (
            f"holes: a step of {hole.step} is larger than {field_size(smaller)}, the size before it"
        )
    facts = [Fact("stack", text)]
    if len(layers) > 1 and len(set(kernel_sizes)) == 1 and set(strides) == {1}:
        m2, k = hdc(dilations), kernel_sizes[0]
        right = (m2 <= k) == (hole is None)
        says = f"{'no holes' if m2 <= k else 'holes'}: M_2 = {m2}"
        sign = "<=" if m2 <= k else ">"
        wrong = "" if right else ", which is wrong here"
        facts.append(Fact("HDC's rule", f"{says} {sign} k = {k}{wrong}"))
    return facts


def suggestion_table(found: Sequence[Suggestion]) -> Table:
    """Return the table of suggested stacks."""
    columns = (
        Column("dilations", "dilations", lambda each: ", ".join(map(str, each.dilations))),
        Column("size", "RF", lambda each: str(each.size), "", "right"),
        Column("evenness", "evenness", attrgetter("evenness"), SHARE, "right"),
        Column(
            "paths",
            "paths per position",
            lambda each: f"{each.least_paths}–{each.most_paths}",
            "",
            "right",
        ),
    )
    footer = (
        Fact("holes", "none"),
        Fact("evenness", "mean number of paths to a position in relation to the most"),
    )
    return Table("", columns, found, None, footer)


def suggestion_payload(found: Sequence[Suggestion]) -> list[dict[str, Any]]:
    """Return the suggested stacks as JSON."""
    return [{**each._asdict(), "evenness": str(each.evenness)} for each in found]
