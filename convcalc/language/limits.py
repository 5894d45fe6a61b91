"""The largest network that is read."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.diagnostics.work import MOST_WORK, current
from convcalc.language.syntax import document_limits
from convcalc.model.graph.assembly import MOST_LAYERS


class Limits(NamedTuple):
    """The largest network that is read: size of each file; layers, and iterations of loops; and the
    work of all that is done with it."""

    document: document_limits.Limits = document_limits.Limits()
    layers: int = MOST_LAYERS
    work: int = MOST_WORK


LIMITS = Limits()


def with_allowed(limits: Limits) -> Limits:
    """The limits with those in place of them that the user has set for this run."""
    allowed = current().allowed
    if not allowed:
        return limits
    values = {**limits._asdict(), **limits.document._asdict(), **allowed}
    document = document_limits.Limits(*(values[name] for name in document_limits.Limits._fields))
    return Limits(document, values["layers"], values["work"])
