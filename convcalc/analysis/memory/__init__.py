"""Bytes in memory while a network runs or is trained, under assumptions that are named.

Without an option every layer makes a tensor of its own, and every part of a composite; a tensor
lives from the layer that makes it until the last one that reads it, an output of the network until
the end. While a layer works, its inputs and its output are alive. ``docs/memory.md`` defines the
options.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcalc.analysis.memory.schedule import Peak, Schedule, plain_schedule
from convcalc.analysis.training import gradients
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Steps, steps_of
from convcalc.model.quantities.record import Value

if TYPE_CHECKING:
    from convcalc.model.quantities.assumptions import Assumptions


class Usage(Value):
    """The most that is alive at once, by which schedule, and what a backward pass needs.

    ``kept`` are the elements and further bytes that the forward pass leaves for it.
    """

    schedule: Schedule
    peak: Peak
    kept: tuple[int, int] = (0, 0)


def usage(
    network: Network,
    bits: int,
    options: Sequence[str] = (),
    *,
    fuse_batch_norm: bool = False,
    steps: Steps | None = None,
) -> Usage:
    """Return what is alive at once, at so many bits per element.

    ``options`` are words of :data:`~convcalc.model.quantities.assumptions.OPTIONS`; UnknownName for
    others. ``fuse_batch_norm``: folded norms make no tensor; not in training. ``steps`` are those
    of the network, if they are there already.
    """
    found = steps or steps_of(network)
    indexed = any(step.operator.indices_of >= 0 for step in found.steps)
    if not (options or fuse_batch_norm or indexed):
        schedule = plain_schedule(found)
        return Usage(schedule, schedule.peak(bits))
    # Modules that only some runs need.
    from convcalc.analysis.memory.forward import forward_schedule, hidden_values
    from convcalc.model.quantities.assumptions import assumptions

    how = assumptions(options)
    hidden = hidden_values(found, how, _folded(network, how) if fuse_batch_norm else ())
    if how.training:
        from convcalc.analysis.memory.backward import training_schedule

        step = training_schedule(network, found, gradients(found), how, hidden)
        return Usage(step.schedule, step.schedule.peak(bits), step.kept())
    schedule = forward_schedule(network, found, how, hidden)
    return Usage(schedule, schedule.peak(bits))


def _folded(network: Network, how: Assumptions) -> set[tuple[int, str]]:
    from convcalc.model.graph.fusion import folded_norms

    return set() if how.training else folded_norms(network)
