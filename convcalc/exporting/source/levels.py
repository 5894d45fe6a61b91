"""The order in which modules become blocks: inner ones first, those of a class together.

Modules of one class may be nested differently deep, as where one has a Sequential inside and
another has not. All of a class come when the deepest of them can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.exporting.source.idioms import IDIOM
from convcalc.exporting.source.terms import Body, Group
from convcalc.exporting.source.tree import CONTAINERS

Class = tuple[str, str, bool]


def class_of(group: Group) -> Class:
    """Return what modules have in common that may be one block: the class, or else the name they
    have, and whether they are numbered.
    """
    if group.kind in CONTAINERS:
        words = group.path.split(".")
        stems = [stem for word in words if (stem := word.rstrip("0123456789_-"))]
        is_numbered = not words[-1].rstrip("0123456789_-")
        return ("", stems[-1] if stems else "", is_numbered)
    if group.kind.startswith(IDIOM):
        return (IDIOM, group.kind, False)
    return (group.kind, "", False)


def groups_in(body: Body) -> Iterator[Group]:
    """All modules of a body, inner ones first."""
    for term in body:
        if isinstance(term, Group):
            yield from groups_in(term.items)
            yield term


def levelled(bodies: Sequence[Body]) -> list[Body]:
    """Bodies in which the height of a module is that of its class, above all that is inside."""
    pairs = [(g, list(groups_in(g.items))) for body in bodies for g in groups_in(body)]
    edges = {(class_of(g), class_of(h)) for g, inner in pairs for h in inner}
    recursive = {outer for outer, inner in edges if (inner, outer) in edges}
    levels: dict[Class, int] = {class_of(group): group.height for group, _ in pairs}
    for group, _ in pairs:
        levels[class_of(group)] = max(levels[class_of(group)], group.height)
    ordered = sorted(edges)
    for _ in range(len(levels)):
        changed = False
        for outer, inner in ordered:
            if outer not in recursive and levels[outer] <= levels[inner]:
                levels[outer] = levels[inner] + 1
                changed = True
        if not changed:
            break
    else:
        return list(bodies)
    return [_with_levels(body, levels, recursive) for body in bodies]


def _with_levels(body: Body, levels: dict[Class, int], recursive: set[Class]) -> Body:
    found = []
    for term in body:
        if not isinstance(term, Group):
            found.append(term)
            continue
        inner = _with_levels(term.items, levels, recursive)
        above = 1 + max((g.height for g in inner if isinstance(g, Group)), default=-1)
        level = above if class_of(term) in recursive else levels[class_of(term)]
        found.append(Group(inner, term.path, term.kind, max(level, above)))
    return found
