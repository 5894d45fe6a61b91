"""Residuals and branches: several tensors made of one, and joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.exporting.keras.body import Body
from convcalc.exporting.keras.function import INNER
from convcalc.exporting.keras.loops import header
from convcalc.language.parse.tree import JOINS, Item

_JOINED = {"concat": "concatenate", "add": "add", "mul": "multiply", "maximum": "maximum"}


def residual(body: Body, item: Item, source: str) -> None:
    """A body and a shortcut of the same tensor, joined."""
    joins = {bool(run.layers) and run.layers[-1].name == item.join for run in body.runs(item)}
    if item.optional_body and joins != {True}:
        raise body.refused("has a body in some places only", item)
    outer = body.run
    suffix = _deeper(body)
    body.run = INNER[min(body.level, len(INNER)) - 1]
    if body.run == source:
        raise body.refused("is nested too deeply", item)
    body.items(item.body)
    main, body.cur, side = body.cur, source, source
    if item.shortcut:
        body.run = f"shortcut{suffix}"
        body.items(item.shortcut)
        side = body.cur
    body.level -= 1
    body.run = outer
    _join(body, item, [main, side])


def _deeper(body: Body) -> str:
    """Enters a residual or branches; returns what names of inner ones end with."""
    body.level += 1
    return "" if body.level == 1 else str(body.level)


def _join(body: Body, item: Item, parts: Sequence[str]) -> None:
    """Several tensors as one."""
    shapes = {tuple(s.rank for s in run.layers[-1].shapes) for run in body.runs(item)}
    if any(len(set(ranks)) > 1 for ranks in shapes):
        ranks = shapes.pop()
        most = max(ranks)
        parts = [
            part if rank == most else f"layers.Reshape(({'1, ' * most}-1))({part})"
            for part, rank in zip(parts, ranks, strict=True)
        ]
    body.assign(body.target(item), f"layers.{_JOINED[item.join]}([{', '.join(parts)}])")


def branches(body: Body, item: Item, source: str) -> None:
    """Branches of one tensor, joined."""
    outer = body.run
    suffix = _deeper(body)
    if any(b.loops or b.condition or b.optional_body for b in item.branches):
        _listed(body, item, source, f"branches{suffix}", f"branch{suffix}")
        body.run = outer
        body.assign(body.target(item), f"layers.{_JOINED[item.join]}(branches{suffix})")
    else:
        pieces = _pieces(body, item, source, f"pieces{suffix}")
        parts = []
        for k, branch in enumerate(item.branches):
            body.run, body.cur = f"branch{k}{suffix and '_'}{suffix}", pieces[k]
            body.items(branch.body)
            parts.append(body.cur)
        body.run = outer
        if len(parts) > 1:
            _join(body, item, parts)
    body.level -= 1


def _pieces(body: Body, item: Item, source: str, name: str) -> list[str]:
    """Return what each branch reads: the tensor, or a part of its channels."""
    count = len(item.branches)
    word = getattr(item.split[1], "value", "") if item.split is not None else "copy"
    if item.split is None or word == "copy":
        return [source] * count
    parts = str(count)
    if word != "channels":
        sizes = body.text(item.split[1])
        if not sizes.startswith("("):
            raise body.refused("splits by a list that is computed", item)
        body.writer.modules.add("itertools")
        parts = f"list(itertools.accumulate({sizes}))[:-1]"
    body.do(f"{name} = ops.split({source}, {parts}, axis=-1)")
    return [f"{name}[{k}]" for k in range(count)]


def _listed(body: Body, item: Item, source: str, name: str, variable: str) -> None:
    """Branches that come by loops or conditions, in a list."""
    if item.split is not None:
        raise body.refused("splits channels among branches of a loop", item)
    join = JOINS.get(item.join, item.join)
    joined = {len(run.layers) and run.layers[-1].name == join for run in body.runs(item)}
    if False in joined and item.join != "concat":
        raise body.refused("joins a single branch in some places", item)
    body.do(f"{name} = []")

    for branch in item.branches:
        body.look_at(source, item)
        saved = dict(body.loops)

        def inside(branch: Item = branch) -> None:
            body.run, body.cur = variable, source
            body.items(branch.body)
            body.do(f"{name}.append({body.cur})")

        def guarded(branch: Item = branch, inside: Callable[[], None] = inside) -> None:
            condition = _condition(body, branch)
            if condition:
                body.block_of(f"if {condition}:", inside)
            else:
                inside()

        if branch.loops:
            body.block_of(header(body, branch, "i"), guarded)
        else:
            guarded()
        body.loops = saved


def _condition(body: Body, branch: Item) -> str:
    """Where a branch is there; empty if it always is."""
    texts = [body.text(branch.condition[1])] if branch.condition else []
    if branch.optional_body:
        own = [body.text(each.condition[1]) for each in branch.body if each.condition]
        either = " or ".join(own)
        texts.append(f"({either})" if len(own) > 1 and texts else either)
    return "" if texts == ["True"] else " and ".join(texts)
