"""The network of a file, with everything the file says besides its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.model.graph.network import NOTHING, Network

if TYPE_CHECKING:
    from convcalc.language.assertions.vocabulary import Budget


class Verified(NamedTuple):
    """The model that a network is held against, as the file names it, and where.

    ``read`` gives its network at some inputs; it raises Rejected if it cannot be read.
    """

    target: str
    place: Place
    read: Callable[[Any], Network]


class NetworkFile(Network):
    """A network that was read from a file, with the rest of the file's content.

    ``base`` and ``variants`` are the names of the file's base and of its variants, ``expect`` the
    numbers that it pins, by variant, ``pinned_at`` the place of each, ``budgets`` its bounds on
    this variant. ``origin`` is the paper or the code that the network comes from. ``remark`` says
    how a model of another program was read: by whom it was written, what was assumed.
    ``verified`` is the model that this variant is held against.
    """

    origin: str = ""
    year: int | None = None
    note: str = ""
    base: str = ""
    variants: tuple[str, ...] = ()
    expect: Mapping[str, Mapping[str, Any]] = NOTHING
    pinned_at: Mapping[tuple[str, str], Place] = NOTHING
    budgets: Budget | None = None
    remark: str = ""
    verified: Verified | None = None
