"""The numbers of a device that timings of layers show.

A kernel that moves B bytes and does F operations is taken to need

    t = launch + max(F / peak, B / bandwidth)

seconds. The three numbers are fitted so that the sum of ``|log(measured / fitted)|`` is the least:
a relative error counts the same for a short layer and a long one, and a few wrong timings move
nothing. The least sum is searched one number at a time among the values at which the model meets a
timing exactly, since between those the sum has no minimum, from several beginnings; then launches
at which it meets two timings are tried, with the rates that go with them.

What no timing depends on cannot be known. The peak is identified if at least ``FEW`` timings are
bound by compute in the fit, and without them the fit would be worse; the bandwidth likewise; the
launch if leaving it out makes the fit worse. What is not identified is left out, and the timings
give a bound for it: a layer that does F operations in t seconds shows a peak of at least F / t.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from math import inf, log
from statistics import median
from typing import NamedTuple

from convcalc.analysis.report.bounds import COMPUTE, MEMORY
from convcalc.errors import Error

FEW = 3  # timings that a number must rest on
ROUNDS = 40  # passes over the three numbers
MOST = 1000  # timings
MOST_KERNELS = 5000  # of all timings together
CANDIDATES = 32  # values of a number that are tried in a pass
WORSE = 1.02  # by this factor the sum must grow if a number is left out, for it to be identified


class Unfitted(Error):
    """The timings do not say what a device can do."""


class _Timing(NamedTuple):
    path: str
    seconds: float
    work: tuple[tuple[int, int], ...]


class Timing(_Timing):
    """A measurement: the path of a layer or block, seconds, and the work of each of its kernels,
    FLOPs and bytes."""

    @cached_property
    def flops(self) -> int:
        """The FLOPs of all kernels."""
        return sum(flops for flops, _ in self.work)

    @cached_property
    def moved(self) -> int:
        """The bytes of all kernels."""
        return sum(moved for _, moved in self.work)

    @property
    def kernels(self) -> int:
        """How many kernels run one after another."""
        return len(self.work)


class Model(NamedTuple):
    """Seconds per operation, per byte and per kernel; each may be 0."""

    per_flop: float
    per_byte: float
    launch: float

    def seconds(self, timing: Timing) -> float:
        """The seconds that the model gives for a timing."""
        return self.launch * timing.kernels + self.roof(timing)

    def roof(self, timing: Timing) -> float:
        """The larger roof of each kernel, added up."""
        flop, byte = self.per_flop, self.per_byte
        return sum([max(flop * flops, byte * moved) for flops, moved in timing.work])

    def binding(self, timing: Timing) -> str:
        """Which roof that is for all kernels together."""
        is_compute = self.per_flop * timing.flops > self.per_byte * timing.moved
        return COMPUTE if is_compute else MEMORY


class Fitted(NamedTuple):
    """A fit: the numbers, None where the timings do not identify one, and what each timing left.

    ``least_peak`` and ``least_bandwidth`` are what single timings show that the device reaches.
    """

    peak: float | None
    bandwidth: float | None
    launch: float | None
    model: Model
    residuals: tuple[tuple[Timing, float], ...]
    least_peak: float
    least_bandwidth: float

    @property
    def typical(self) -> float:
        """The median of the relative errors."""
        return median(abs(error) for _, error in self.residuals)


def fit(timings: Sequence[Timing]) -> Fitted:
    """The numbers that timings show. Raises Unfitted if there are too few, or one is 0."""
    _require(timings)
    model = _best(timings, (True, True, True))
    whole = _loss(timings, model)
    rests = [model.binding(timing) for timing in timings]
    others = [_best(timings, tuple(k != left for k in range(3))) for left in range(3)]
    needed = [_loss(timings, other) > whole * WORSE + 1e-9 for other in others]
    has_peak = rests.count(COMPUTE) >= FEW and needed[0]
    has_bandwidth = rests.count(MEMORY) >= FEW and needed[1]
    errors = tuple((each, each.seconds / model.seconds(each) - 1) for each in timings)
    return Fitted(
        1 / model.per_flop if has_peak and model.per_flop else None,
        1 / model.per_byte if has_bandwidth and model.per_byte else None,
        model.launch if needed[2] and model.launch else None,
        model,
        errors,
        max(each.flops / each.seconds for each in timings),
        max(each.moved / each.seconds for each in timings),
    )


def _require(timings: Sequence[Timing]) -> None:
    if len(timings) < FEW:
        message = f"{len(timings)} timings are too few for a fit"
        raise Unfitted(message, f"at least {FEW}, better some of each kind of layer")
    if len(timings) > MOST:
        raise Unfitted(f"{len(timings):,} timings are too many for a fit", f"at most {MOST:,}")
    if sum(timing.kernels for timing in timings) > MOST_KERNELS:
        message = f"the timings are of more than {MOST_KERNELS:,} kernels in all"
        raise Unfitted(message, "time fewer or smaller blocks")
    for timing in timings:
        if not 0 < timing.seconds < inf:
            raise Unfitted(f"{timing.path} took {timing.seconds} seconds", "a time is above 0")


def _loss(timings: Sequence[Timing], model: Model) -> float:
    """The sum that a fit makes small; it is computed tens of thousands of times."""
    flop, byte, launch = model
    total = 0.0
    for _, measured, work in timings:
        if len(work) == 1:
            ((flops, moved),) = work
            compute, memory = flop * flops, byte * moved
            seconds = launch + (compute if compute > memory else memory)
        else:
            seconds = sum([launch + max(flop * flops, byte * moved) for flops, moved in work])
        if seconds <= 0:
            return inf
        total += abs(log(measured / seconds))
    return total


def _best(timings: Sequence[Timing], free: tuple[bool, ...]) -> Model:
    """The best model in which numbers that are not free are 0."""
    found = [_refine(timings, start, free) for start in _starts(timings, free)]
    return min(found, key=lambda model: _loss(timings, model))


def _starts(timings: Sequence[Timing], free: tuple[bool, ...]) -> list[Model]:
    """Beginnings: all timings bound by memory, by compute, or by launches; and between."""
    flop = median([each.seconds / each.flops for each in timings if each.flops] or [0.0])
    byte = median([each.seconds / each.moved for each in timings if each.moved] or [0.0])
    launch = min(each.seconds / each.kernels for each in timings)
    low = [
        min([each.seconds / each.flops for each in timings if each.flops] or [0.0]),
        min([each.seconds / each.moved for each in timings if each.moved] or [0.0]),
    ]
    every = [
        (flop, byte, 0.0),
        (low[0], low[1], launch / 2),
        (flop / 4, byte, launch / 4),
        (flop, byte / 4, launch / 4),
    ]
    return [Model(*(v if f else 0.0 for v, f in zip(each, free, strict=True))) for each in every]


def _descend(timings: Sequence[Timing], model: Model, free: tuple[bool, ...]) -> Model:
    """Betters one number after another until none gets better."""
    loss = _loss(timings, model)
    for _ in range(ROUNDS):
        before = loss
        for place, name in enumerate(Model._fields):
            if free[place]:
                tried = [model._replace(**{name: v}) for v in _MEETING[name](timings, model)]
                model, loss = _least(timings, [model, *tried])
        if not loss < before - 1e-12:
            break
    return model


def _refine(timings: Sequence[Timing], model: Model, free: tuple[bool, ...]) -> Model:
    """Tries launches at which two timings that the same roof binds are met, with their rates."""
    found = _descend(timings, model, free)
    if not free[2]:
        return found
    for _ in range(ROUNDS):
        tried = [_with_launch(timings, found, launch, free) for launch in _joint(timings, found)]
        best, loss = _least(timings, [found, *tried])
        if not loss < _loss(timings, found) - 1e-12:
            break
        found = _descend(timings, best, free)
    return found


def _joint(timings: Sequence[Timing], model: Model) -> list[float]:
    """The launches that follow from two timings, neighbours by the work that binds them."""
    found = []
    for word, field in ((MEMORY, "moved"), (COMPUTE, "flops")):
        bound = [each for each in timings if model.binding(each) == word]
        points = sorted(
            (getattr(each, field) / each.kernels, each.seconds / each.kernels) for each in bound
        )
        for apart in (1, max(1, len(points) // 2)):
            for (x, t), (y, u) in zip(points, points[apart:], strict=False):
                if y > x:
                    found.append((t * y - u * x) / (y - x))
    return _thinned(found)


def _with_launch(
    timings: Sequence[Timing], model: Model, launch: float, free: tuple[bool, ...]
) -> Model:
    """The model with another launch, and the rates that are usual then."""
    rates = []
    for place, (word, field) in enumerate(((COMPUTE, "flops"), (MEMORY, "moved"))):
        bound = [each for each in timings if model.binding(each) == word and getattr(each, field)]
        rest = [(e.seconds - launch * e.kernels) / getattr(e, field) for e in bound]
        rates.append(max(0.0, median(rest)) if rest and free[place] else model[place])
    return Model(rates[0], rates[1], launch)


def _least(timings: Sequence[Timing], models: Sequence[Model]) -> tuple[Model, float]:
    losses = [_loss(timings, model) for model in models]
    best = min(range(len(models)), key=losses.__getitem__)
    return models[best], losses[best]


def _thinned(values: Sequence[float]) -> list[float]:
    """At most CANDIDATES of the values, spread evenly over their order."""
    ordered = sorted({value for value in values if value >= 0})
    if len(ordered) <= CANDIDATES:
        return ordered
    step = (len(ordered) - 1) / (CANDIDATES - 1)
    return [ordered[round(k * step)] for k in range(CANDIDATES)]


def _flop_rates(timings: Sequence[Timing], model: Model) -> list[float]:
    rest = [(t.seconds - model.launch * t.kernels, t.flops) for t in timings if t.flops]
    return _thinned([left / flops for left, flops in rest])


def _byte_rates(timings: Sequence[Timing], model: Model) -> list[float]:
    rest = [(t.seconds - model.launch * t.kernels, t.moved) for t in timings if t.moved]
    return _thinned([left / moved for left, moved in rest])


def _launches(timings: Sequence[Timing], model: Model) -> list[float]:
    return _thinned([0.0, *((t.seconds - model.roof(t)) / t.kernels for t in timings)])


_MEETING: dict[str, Callable[[Sequence[Timing], Model], list[float]]] = {
    "per_flop": _flop_rates,
    "per_byte": _byte_rates,
    "launch": _launches,
}


def rounded(value: float) -> Fraction:
    """A number with four significant digits."""
    return Fraction(f"{value:.3e}")
