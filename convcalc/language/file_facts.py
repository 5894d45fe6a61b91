"""What a network file says besides its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.language.assertions.vocabulary import Budget
from convcalc.model.graph.network import NOTHING, Network


class NetworkFile(Network):
    """A network that was read from a file, and what else stands there.

    ``base`` and ``variants`` are the names of the file's base and of its variants, ``expect`` the
    numbers that it pins, by variant, ``pinned_at`` where each stands, ``budgets`` what it demands
    of this variant. ``origin`` is the paper or the code that the network comes from.
    """

    origin: str = ""
    year: int | None = None
    note: str = ""
    base: str = ""
    variants: tuple[str, ...] = ()
    expect: Mapping[str, Mapping[str, Any]] = NOTHING
    pinned_at: Mapping[tuple[str, str], Place] = NOTHING
    budgets: Budget | None = None
