"""Layers of convcalc and of PyTorch side by side: which of them work, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch

from convcalc.diagnostics.diagnostic import Place
from convcalc.model.graph.layer_checks import check_fields, match_fields
from convcalc.model.graph.sites import Spot
from convcalc.model.operators.contract import Analysis, Operator
from convcalc.model.operators.registry import operator_class
from convcalc.model.quantities.shape import Shape

HERE = Place("torch", 1, 1)


class Case(NamedTuple):
    """One layer on inputs of given sizes (batch, channels, spatial), said twice.

    ``theirs`` makes a module, or a function on tensors; what it raises counts as a refusal.
    """

    operator: str
    fields: dict[str, Any]
    sizes: tuple[tuple[int, ...], ...]
    theirs: Callable[[], Callable[..., torch.Tensor]]


class Tally(NamedTuple):
    """What a comparison found: how many cases agreed in working and in refusing, and the rest."""

    working: int
    refused: int
    differences: list[str]


def operator_of(name: str, rank: int, fields: dict[str, Any]) -> Operator:
    """The operator with its fields as a network file writes them."""
    kind = operator_class(name)
    site = Spot(HERE)
    return kind(**check_fields(kind, match_fields(name, kind, fields, site), rank, site))


def analysed(case: Case) -> Analysis | str:
    """What convcalc says: an analysis, or the names of the errors."""
    inputs = [Shape(size[0], size[1], tuple(size[2:])) for size in case.sizes]
    operator = operator_of(case.operator, inputs[0].rank, case.fields)
    errors = [p.name for p in operator.check(inputs) if p.is_error]
    return ", ".join(errors) if errors else operator.analyse(inputs)


class Result(NamedTuple):
    """What PyTorch says: the output's sizes, and those of parameters and buffers."""

    output: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]
    buffers: dict[str, tuple[int, ...]]


def computed(case: Case) -> Result | str:
    """What PyTorch says, computed with real tensors; or why it refuses.

    An output without positions counts as a refusal: some of PyTorch's kernels return one where
    others raise, and convcalc calls it an error throughout.
    """
    try:
        module = case.theirs()
        if isinstance(module, torch.nn.Module):
            module.eval()
        with torch.no_grad():
            output = module(*(torch.zeros(size) for size in case.sizes))
    except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    if not output.numel():
        return f"empty: {tuple(output.shape)}"
    if not isinstance(module, torch.nn.Module):
        return Result(tuple(output.shape), {}, {})
    weights = {name: tuple(p.shape) for name, p in module.named_parameters()}
    buffers = {
        name: tuple(b.shape)
        for name, b in module.named_buffers()
        if not name.endswith("num_batches_tracked")  # one number per layer, which is left out
    }
    return Result(tuple(output.shape), weights, buffers)


def compare(cases: Iterable[Case]) -> Tally:
    """Both sides on every case."""
    working, refused, differences = 0, 0, []
    for case in cases:
        ours, theirs = analysed(case), computed(case)
        if isinstance(ours, str) and isinstance(theirs, str):
            refused += 1
        elif isinstance(ours, Analysis) and isinstance(theirs, Result):
            seen = Result(ours.output.dims, dict(ours.weights), dict(ours.buffers))
            if seen == theirs:
                working += 1
            else:
                differences.append(f"{case[:3]}: {seen}, torch: {theirs}")
        else:
            said = ours if isinstance(ours, str) else str(ours.output.dims)
            differences.append(f"{case[:3]}: {said}, torch: {theirs}")
    return Tally(working, refused, differences)


def agreed(cases: Iterable[Case], working: int, refused: int = 0) -> None:
    """Every case agrees, and at least so many of them work and are refused."""
    tally = compare(cases)
    found = len(tally.differences)
    assert not found, "\n".join([f"{found} differences, the first:", *tally.differences[:8]])
    assert tally.working >= working, f"{tally.working} work"
    assert tally.refused >= refused, f"{tally.refused} are refused"


def per_rank(modules: Sequence[Any]) -> list[tuple[int, Any]]:
    """Ranks 1, 2 and 3 with PyTorch's class for each."""
    return list(zip((1, 2, 3), modules, strict=True))
