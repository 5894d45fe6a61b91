"""What composites of parallel parts share: their analyses, merged into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.geometry import Axes
from convcalc.operator import Analysis, Term
from convcalc.shape import Shape


def merged(output: Shape, axes: tuple[Axes, ...], *parts: Analysis | Term, **more: Any) -> Analysis:
    """The analysis of parts that stand side by side, in their order; a Term is a part of its own.

    The parts bear their names already, as :func:`convcalc.operator.chained` gives them.
    """
    analyses = [Analysis(output, (), (p,)) if isinstance(p, Term) else p for p in parts]
    return Analysis(
        output,
        axes,
        tuple(term for part in analyses for term in part.terms),
        _united(part.weights for part in analyses),
        _united(part.buffers for part in analyses),
        frozenset().union(*(part.frozen for part in analyses)),
        inner_activations=sum(part.activations for part in analyses),
        parts=tuple(part for each in analyses for part in each.parts),
        **more,
    )


def _united(tensors: Any) -> Mapping[str, tuple[int, ...]]:
    return {name: shape for part in tensors for name, shape in part.items()}
