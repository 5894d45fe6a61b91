"""Tools for operators that are built from other operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from convcalc.model.geometry.axis_maps import IDENTITY, Axes, Whole, compose
from convcalc.model.geometry.channel_maps import MIXED, OWN, Block, Blocks, ChannelMap, Hidden
from convcalc.model.operators.contract import Analysis, Function, Operator, Part, Problem, Term
from convcalc.model.operators.registry import fields_of
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

NONE: Mapping[str, tuple[int, ...]] = MappingProxyType({})
_O = TypeVar("_O", bound=Operator)


def sibling(cls: type[_O], owner: Operator, **changes: Any) -> _O:
    """An operator of another class that takes over all fields it shares with ``owner``.

    ``changes`` override them.
    """
    shared = {name: getattr(owner, name) for name in fields_of(cls) if hasattr(owner, name)}
    return cls(**{**shared, **changes})


def analyse_chain(parts: Mapping[str, Operator], x: Shape, source: int | str = 0) -> Analysis:
    """The combined analysis of operators applied one after another, for composites.

    The first reads ``source``: an input of the composite, or an earlier part. Each part's weights
    and terms carry the part's name: ``depthwise.weight``; the term of the weight itself has just
    the part's name.
    """
    axes: Axes = (IDENTITY,) * x.rank
    terms: list[Term] = []
    weights: dict[str, tuple[int, ...]] = {}
    buffers: dict[str, tuple[int, ...]] = {}
    frozen: set[str] = set()
    steps: list[Part] = []
    for name, part in parts.items():
        step = part.analyse([x])
        steps.append(Part(name, part, (x,), step, (source,)))
        axes = tuple(map(compose, step.axes[0], axes, x.spatial))
        x, source = step.output, name
        terms += part_terms(name, step.terms)
        weights |= {f"{name}.{key}": shape for key, shape in step.weights.items()}
        buffers |= {f"{name}.{key}": shape for key, shape in step.buffers.items()}
        frozen |= {f"{name}.{key}" for key in step.frozen}
    done = Analysis(x, (axes,), tuple(terms), weights, buffers, frozenset(frozen))
    channels = (_compose_channels([step.analysis for step in steps]),)
    return done._replace(parts=tuple(steps), channels=channels)


def _compose_channels(steps: Sequence[Analysis]) -> ChannelMap:
    """The channel map of operators in a row."""
    maps = [step.channels[0] if step.channels else MIXED for step in steps]
    mixing = [each for each in maps if each is not OWN]
    if MIXED in mixing:
        return MIXED
    return (mixing or [OWN])[0] if len(mixing) < 2 else Hidden("several parts rearrange channels")


def gated(x: Shape, gate: Axes | None = None) -> ChannelMap:
    """The channel map of a product with a gate: each channel where it is, and all of them through
    the axes of the gate, by default at all positions."""
    if not known(x.channels):
        return MIXED
    every = range(x.channels)
    own = Block(every, every, x.channels, (IDENTITY,) * x.rank)
    return Blocks((own, Block(every, every, 1, gate or (Whole(),) * x.rank)))


def function(
    name: str,
    reads: Sequence[int | str],
    output: Shape,
    *terms: Term,
    weights: Mapping[str, tuple[int, ...]] = NONE,
    **traits: Any,
) -> Part:
    """A part that is not a module: what it reads, makes and does.

    Its terms and weights are named as in the composite. ``traits`` are attributes of
    :class:`Function`, such as what it keeps.
    """
    made = Analysis(output, (), terms, weights)
    return Part(name, Function(**traits), (), made, tuple(reads))


def part_terms(name: str, terms: Sequence[Term]) -> list[Term]:
    """The terms of a composite's part, prefixed with the part's name.

    The term of the weight has just the part's name, and so has one that the part is named after:
    the norm of a part ``reduce.norm`` does not become ``reduce.norm.norm``.
    """
    own = ("weight", name.rpartition(".")[2])
    return [
        Term(name if term.name in own else f"{name}.{term.name}", term.kind, term.amount)
        for term in terms
    ]


def chain_problems(parts: Mapping[str, Operator], x: Shape) -> Iterator[Problem]:
    """The problems of operators in a row, up to the first part that has an error."""
    for part in parts.values():
        problems = list(part.check([x]))
        yield from problems
        if any(problem.is_error for problem in problems):
            return
        x = part.analyse([x]).output


def merge_analyses(
    output: Shape, axes: tuple[Axes, ...], *parts: Analysis | Part, **more: Any
) -> Analysis:
    """The combined analysis of parts in the order in which they run.

    Analyses are those of :func:`analyse_chain`, parts those of :func:`function`: weights and terms
    already carry names.
    """
    analyses = [
        part.analysis._replace(parts=(part,)) if isinstance(part, Part) else part for part in parts
    ]
    return Analysis(
        output,
        axes,
        tuple(term for part in analyses for term in part.terms),
        _merge_tensors(part.weights for part in analyses),
        _merge_tensors(part.buffers for part in analyses),
        frozenset().union(*(part.frozen for part in analyses)),
        parts=tuple(part for each in analyses for part in each.parts),
        **more,
    )


def _merge_tensors(tensors: Any) -> Mapping[str, tuple[int, ...]]:
    return {name: shape for part in tensors for name, shape in part.items()}
