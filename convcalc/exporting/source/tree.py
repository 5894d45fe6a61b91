"""The tree of modules that layers belong to, where the model says so.

A module whose layers do not follow each other counts as several. One with a single part vanishes
into it, and one that is only called again and again, such as a ReLU, into the module around.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby, takewhile

from convcalc.exporting.source.terms import Group, Op, Term
from convcalc.model.graph.network import Group as Scope
from convcalc.model.graph.network import Network

UNKNOWN_KIND = "module"  # where the file does not say the class
_LOST = "node_"  # begins what one exporter calls a layer without a module
CONTAINERS = frozenset(
    (
        *("", UNKNOWN_KIND, "Sequential", "ModuleList", "ModuleDict", "SequentialList"),
        *("seq", "branch", "residual", "branches", "shortcut"),  # of a network file
    )
)


def module_tree(network: Network, ops: Sequence[Op], offset: int = 0) -> list[Term]:
    """The layers of a network in the tree of its modules; ``offset`` as for the flat body."""
    scopes = _scopes(network, ops, offset)
    return _grouped(list(ops), scopes, 0)


def _scopes(network: Network, ops: Sequence[Op], offset: int) -> Mapping[int, tuple[Scope, ...]]:
    """The modules of each layer, by its tensor, from the outermost."""
    known = {scope.path: scope for layer in network.layers for scope in layer.groups}
    repeated = _called_again(network)
    found = {}
    for op in ops:
        layer = network.layers[network.index(op.out - offset)]
        groups = layer.groups
        # A module with one layer of its own and further modules is called like that layer.
        if layer.path in known and known[layer.path] not in groups:
            groups = (*groups, known[layer.path])
        found[op.out] = tuple(scope for scope in groups if scope.path not in repeated)
    _adopt(ops, found)
    return found


def _adopt(ops: Sequence[Op], scopes: dict[int, tuple[Scope, ...]]) -> None:
    """Layers of no module belong to the one that the layers before and after them share; where
    the exporter lost the module, to that which all their readers share, if it comes next."""
    readers: dict[int, list[int]] = {}
    for op in ops:
        for tensor in op.reads:
            readers.setdefault(tensor, []).append(op.out)
    before: list[tuple[Scope, ...]] = []
    latest: tuple[Scope, ...] = ()
    for op in ops:
        latest = scopes[op.out] or latest
        before.append(latest)
    following: tuple[Scope, ...] = ()
    for op, above in zip(reversed(ops), reversed(before), strict=True):
        if not scopes[op.out]:
            wanted = [scopes[out] for out in readers.get(op.out, ())]
            is_lost = bool(wanted) and op.path.startswith(_LOST)
            common = _shared([*wanted, following]) if is_lost else ()
            around = _shared([above, following])
            scopes[op.out] = max(common, around, key=len)
        following = scopes[op.out] or following


def _shared(scopes: Sequence[tuple[Scope, ...]]) -> tuple[Scope, ...]:
    """The modules that scopes have in common, from the outermost."""
    steps = takewhile(lambda step: len(set(step)) == 1, zip(*scopes, strict=False))
    return tuple(step[0] for step in steps)


def _called_again(network: Network) -> frozenset[str]:
    """The paths of modules that are one operator and run at several places, such as a ReLU."""
    runs: Counter[str] = Counter()
    operators: dict[str, set[str]] = {}
    inner: set[str] = set()
    for path, layers in groupby(
        network.layers, lambda layer: layer.groups[-1].path if layer.groups else ""
    ):
        runs[path] += 1
        operators.setdefault(path, set()).update(layer.name for layer in layers)
    for layer in network.layers:
        inner.update(scope.path for scope in layer.groups[:-1])
    return frozenset(
        path
        for path, count in runs.items()
        if count > 1 and path not in inner and len(operators[path]) == 1
    )


def _grouped(ops: Sequence[Op], scopes: Mapping[int, tuple[Scope, ...]], depth: int) -> list[Term]:
    """Neighbours of one module at a depth become a group."""

    def scope_of(op: Op) -> Scope | None:
        above = scopes[op.out]
        return above[depth] if len(above) > depth else None

    found: list[Term] = []
    for scope, members in groupby(ops, scope_of):
        run = list(members)
        if scope is None:
            found += run
            continue
        items = _grouped(run, scopes, depth + 1)
        found.append(_collapsed(Group(items, scope.path, scope.kind)))
    return found


def _collapsed(group: Group) -> Term:
    """The only part of a group, with the better of the two classes; else the group."""
    if len(group.items) > 1:
        return group
    (only,) = group.items
    if isinstance(only, Group):
        kind = group.kind if only.kind in CONTAINERS else only.kind
        return Group(only.items, group.path, kind)
    return only
