"""Finds the modules that become blocks, from the innermost to the outermost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convcalc.exporting.source.alignment import Misfit, keys_of
from convcalc.exporting.source.costs import cost_of_body, cost_of_template
from convcalc.exporting.source.forks import with_forks
from convcalc.exporting.source.growth import has_growth, with_growth
from convcalc.exporting.source.idioms import IDIOM
from convcalc.exporting.source.levels import class_of, groups_in, levelled
from convcalc.exporting.source.lines import spliced
from convcalc.exporting.source.repeats import with_first_rounds, with_repeats
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.splits import with_splits
from convcalc.exporting.source.templates import Template
from convcalc.exporting.source.terms import Body, Call, Group, Term
from convcalc.exporting.source.tree import CONTAINERS
from convcalc.exporting.source.words import block_name

_TRIES = 40  # groups of equal modules that are laid beside each other


class Blocks:
    """The blocks of a network so far."""

    def __init__(self, scene: Scene, refused: frozenset[str] = frozenset()) -> None:
        self.scene = scene
        self.refused = refused  # names of blocks that turned out wrong
        self.templates: list[Template] = []
        self.names: set[str] = set()

    def rewritten(self, bodies: Sequence[Body]) -> list[Body]:
        """Bodies in which modules that do the same are calls of blocks."""
        found = levelled(bodies)
        highest = max((group.height for body in found for group in groups_in(body)), default=-1)
        for height in range(1 + highest):
            groups = [
                group
                for body in found
                for group in groups_in(body)
                if group.height == height
                and (self.scene.way.with_containers or not _is_container(group))
            ]
            calls = self._calls(groups)
            found = [_with_calls(body, calls) for body in found]
        return found

    def _calls(self, groups: Sequence[Group]) -> Mapping[int, Call]:
        found: dict[int, Call] = {}
        bodies = {id(group): written(group.items, self.scene) for group in groups}
        for members in _classes(groups):
            for cluster in self._clusters(members, bodies):
                found.update(self._template(cluster, bodies))
        return found

    def _clusters(self, members: Sequence[Group], bodies: Mapping[int, Body]) -> list[list[Group]]:
        """Modules of a class, divided into those that fit one block; the largest first."""
        by_keys: dict[str, list[Group]] = {}
        for group in members:
            by_keys.setdefault(repr(_deep_keys(bodies[id(group)])), []).append(group)
        parts = sorted(by_keys.values(), key=lambda part: (-len(part), part[0].out))
        found: list[list[Group]] = []
        for part in parts[:_TRIES]:
            fitting = (c for c in found if self._fit([*c, *part], bodies))
            cluster = next(fitting, None)
            if cluster is not None:
                cluster += part
            elif self._fit(part, bodies):
                found.append(part)
        return [sorted(cluster, key=lambda group: group.out) for cluster in found]

    def _fit(self, groups: Sequence[Group], bodies: Mapping[int, Body]) -> bool:
        try:
            Template(self.scene, "?", [bodies[id(group)] for group in groups])
        except Misfit:
            return False
        return True

    def _template(self, groups: Sequence[Group], bodies: Mapping[int, Body]) -> Mapping[int, Call]:
        """The calls of a block, if it is worth its lines."""
        if len(groups) < 2:
            return {}
        name = block_name(groups, self.names)
        if name in self.refused:
            self.names.add(name)
            return {}
        template = Template(self.scene, name, [bodies[id(group)] for group in groups])
        calls = {id(g): Call(template, case, g) for case, g in enumerate(groups)}
        plain = sum(cost_of_body(bodies[id(group)], self.scene) for group in groups)
        cost = cost_of_template(template) + cost_of_body(list(calls.values()), self.scene)
        if cost >= plain and not has_growth(bodies[id(groups[0])]):
            return {}
        self.names.add(name)
        self.templates.append(template)
        return calls


def written(items: Body, scene: Scene) -> list[Term]:
    """The items of a module with forks and loops, and without modules inside."""
    terms = with_growth(spliced(items))
    forked = with_forks(terms, scene.readers, nested=scene.way.nests_forks)
    return with_first_rounds(with_repeats(with_splits(forked, scene)))


def _deep_keys(body: Body) -> object:
    return [
        (key, [_deep_keys(part) for part in term.parts])
        for key, term in zip(keys_of(body), body, strict=True)
    ]


def _classes(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Modules that may be one block: those of one class; where the class is not known, those that
    are made of the same."""
    found: dict[object, list[Group]] = {}
    for group in groups:
        is_idiom = group.kind.startswith(IDIOM)
        key = keys_of(group.items)[0] if is_idiom else class_of(group)
        found.setdefault(key, []).append(group)
    yield from found.values()


def _is_container(group: Group) -> bool:
    """Whether a module only holds others, under a name of its own: ``conv``, not ``3``."""
    name = group.path.rpartition(".")[2]
    return group.kind in CONTAINERS and not name.lstrip("_").isdigit()


def _with_calls(body: Body, calls: Mapping[int, Call]) -> list[Term]:
    found: list[Term] = []
    for term in body:
        if not isinstance(term, Group):
            found.append(term)
        elif id(term) in calls:
            found.append(calls[id(term)])
        else:
            inner = _with_calls(term.items, calls)
            changed = len(inner) != len(term.items) or any(
                a is not b for a, b in zip(inner, term.items, strict=True)
            )
            found.append(Group(inner, term.path, term.kind, term.height) if changed else term)
    return found
