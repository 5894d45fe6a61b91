"""Idioms: a convolution with the norm and the activation that follow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from convcalc.exporting.source.terms import Body, Group, Op, Term, all_terms
from convcalc.exporting.source.tree import CONTAINERS
from convcalc.model.operators.registry import families

CONVOLUTIONS = {"conv": "Conv", "depthwise_conv": "Dw", "conv_transpose": "ConvTranspose"}
NORMS = {"batch_norm": "Bn", "group_norm": "Gn", "instance_norm": "In", "layer_norm": "Ln"}
IDIOM = "idiom:"  # begins the class of a group that is one
_LEAST = 3  # times that an idiom occurs


def with_idioms(body: Body, readers: Mapping[int, int]) -> list[Term]:
    """A body in which convolutions are groups with what follows them; ``readers`` counts those
    of each tensor."""
    counts = Counter(
        tuple(op.name for op in run)
        for items in _bodies(body)
        for run in _runs(items, readers)
        if len(run) > 1
    )
    common = {names for names, count in counts.items() if count >= _LEAST}
    return _replaced(body, readers, common, is_module=False)


def _bodies(body: Body) -> list[Body]:
    return [body, *(term.items for term in all_terms(body) if isinstance(term, Group))]


def _replaced(
    body: Body, readers: Mapping[int, int], common: set[tuple[str, ...]], *, is_module: bool
) -> list[Term]:
    runs = {run[0].out: run for run in _runs(body, readers)}
    found: list[Term] = []
    skip = 0
    for term in body:
        if skip:
            skip -= 1
            continue
        run = runs.get(term.out, ())
        names = tuple(op.name for op in run)
        if names in common and not (is_module and len(run) == len(body)):
            found.append(Group(list(run), run[0].path, IDIOM + kind_of(names)))
            skip = len(run) - 1
        elif isinstance(term, Group):
            inner = _replaced(term.items, readers, common, is_module=True)
            found.append(Group(inner, term.path, _kind(term, readers)))
        else:
            found.append(term)
    return found


def _kind(group: Group, readers: Mapping[int, int]) -> str:
    """The class of a module; that of the idiom that it is, if the model has no better name."""
    has_name = group.kind not in CONTAINERS and not group.kind.startswith("BatchNorm")
    runs = [] if has_name else _runs(group.items, readers)
    if len(runs) == 1 and len(runs[0]) == len(group.items) > 1:
        return IDIOM + kind_of([op.name for op in runs[0]])
    return group.kind


def _runs(items: Body, readers: Mapping[int, int]) -> list[Sequence[Op]]:
    """The convolutions of a body, each with its norm and its activation."""
    activations = _activations()
    found: list[Sequence[Op]] = []
    for index, term in enumerate(items):
        if not isinstance(term, Op) or term.name not in CONVOLUTIONS:
            continue
        run = [term]
        for stage in (NORMS, activations):
            at = index + len(run)
            after = items[at] if at < len(items) else None
            if (
                isinstance(after, Op)
                and after.name in stage
                and after.inputs == (run[-1].out,)
                and readers.get(run[-1].out) == 1
            ):
                run.append(after)
        found.append(run)
    return found


def _activations() -> frozenset[str]:
    return frozenset(name for name, family in families().items() if family == "activation")


def kind_of(names: Sequence[str]) -> str:
    """The name of an idiom by the operators in it."""
    conv, *rest = names
    norms = [NORMS[name] for name in rest if name in NORMS]
    acts = [_camel(name) for name in rest if name not in NORMS]
    return CONVOLUTIONS[conv] + "".join(norms or acts)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
