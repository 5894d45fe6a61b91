"""Makes the items of a network file of lines: mappings and lists, as they will be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.source.addresses import Address, Word
from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.lines import Line
from convcalc.exporting.source.naming import Naming, is_merged
from convcalc.exporting.source.terms import Grown, Op
from convcalc.exporting.source.values import Expr
from convcalc.exporting.source.words import free
from convcalc.model.operators.registry import fields_of, operator_class

Item = dict[str, Any]
PREV = Word("prev")
_LISTING = ("add", "mul", "concat", "maximum")


class Items:
    """Writes the lines of one network, with the names of all its blocks."""

    def __init__(self, naming: Naming, blocks: Mapping[str, str]) -> None:
        self.naming = naming
        self.blocks = blocks  # the name of each block by its key

    def of(self, lines: Sequence[Line]) -> list[Item]:
        """The items of lines."""
        return [self.item(line) for line in lines]

    def item(self, line: Line) -> Item:
        """The item of a line."""
        if line.kind == "op":
            item = self._op(line)
        elif line.kind == "call":
            item = self._call(line)
        elif line.kind == "fork":
            item = self._fork(line)
        else:
            item = self._loop(line)
        if line.condition is not True:
            if "if" in item:
                raise Misfit("an item has two conditions")
            item["if"] = line.condition
        if line.id:
            item["id"] = line.id
        return item

    def _name(self, address: Address, line: Line) -> str:
        return self.naming.text(address, line)

    def _op(self, line: Line) -> Item:
        op = line.first
        assert isinstance(op, Op)
        fields = dict(line.fields)
        count = len(line.sources) if isinstance(op, Grown) else len(op.inputs) - len(op.layers)
        layered = [
            (name, field)
            for name, field in fields_of(operator_class(line.name)).items()
            if field.kind == "layer"
        ]
        for (name, field), source in zip(
            layered, line.sources[count : len(op.inputs)], strict=False
        ):
            fields[field.short or name] = Expr(self._name(source, line))
        sources = line.sources[:count]
        item: Item = {line.name: fields or None}
        is_idle = operator_class(line.name).arity[0] == 0  # without 'from' it reads nothing
        if sources and (sources != [PREV] or is_idle):
            names = [self._name(source, line) for source in sources]
            if line.name in _LISTING and not fields:
                item[line.name] = names
            else:
                item["from"] = names if len(names) > 1 else names[0]
        if op.owner >= 0:
            owner = self._name(line.sources[len(op.inputs)], line)
            only = line.beside.get("only")
            item["share"] = {"of": owner, "only": list(only)} if only else owner
        item.update({k: v for k, v in line.beside.items() if k != "only"})
        return item

    def _call(self, line: Line) -> Item:
        args = dict(line.fields)
        source, *further = line.sources
        template = line.first.template  # type: ignore[attr-defined]
        for name, address in zip(template.further_names, further, strict=True):
            args[name] = Expr(self._name(address, line))
        item: Item = {self.blocks[line.name]: args or None}
        if source != PREV:
            item["from"] = self._name(source, line)
        return item

    def _fork(self, line: Line) -> Item:
        parts = [self.of(part.lines) for part in line.parts]
        conditions = line.conditions
        (source,) = line.sources
        item: Item
        is_whole = all(condition is True for condition in conditions)
        is_plain = len(parts) == 2 and line.name != "concat" and not _may_vanish(parts[0])
        is_plain = is_plain and not line.split
        if line.is_for:
            (part,) = parts
            if not line.columns or _may_vanish(part):
                raise Misfit("branches for no list")
            item = {"branches": {"for": dict(line.columns), "layers": part}, "join": line.name}
        elif is_whole and is_plain and (parts[0] or parts[1]):
            body, shortcut = parts
            if not body:
                body, shortcut = shortcut, body
            item = {"residual": body}
            if shortcut:
                item["shortcut"] = shortcut
            if line.name != "add":
                item["join"] = line.name
        else:
            branches: list[Any] = []
            for part, condition in zip(parts, conditions, strict=True):
                branches += _branches(part, condition)
            item = {"branches": branches, "join": line.name}
        if line.split:
            item["split"] = line.split
        if source != PREV:
            item["from"] = self._name(source, line)
        return item

    def _loop(self, line: Line) -> Item:
        (part,) = line.parts
        inner = self.of(part.lines)
        (source,) = line.sources
        if is_merged(line) and "id" not in inner[0] and not (source != PREV and "from" in inner[0]):
            (item,) = inner
        else:
            item = {"seq": inner}
        if source != PREV:
            item["from"] = self._name(source, line)
        if line.is_apart:
            variable = free("x", line.columns)
            names = [Expr(self._name(address, line)) for address in line.apart]
            item["from"] = variable
            item["for"] = {variable: names, **line.columns}
        elif line.is_for:
            item["for"] = dict(line.columns)
            if not line.columns:
                raise Misfit("a loop over nothing")
        else:
            item["repeat"] = line.count
        return item


def _branches(part: list[Item], condition: Any) -> list[Any]:
    """The branches that one of a fork is written as: two where its layers may be left out, since
    the second, the identity, has to stay then."""
    if not _may_vanish(part):
        return [part if condition is True else {"if": condition, "layers": part}]
    conditions = [item["if"] for item in part]
    if condition is not True or any(each != conditions[0] for each in conditions):
        raise Misfit("a branch may be left out in part")
    bare = [{key: value for key, value in item.items() if key != "if"} for item in part]
    return [
        {"if": conditions[0], "layers": bare},
        {"if": negated(conditions[0]), "layers": []},
    ]


def negated(condition: Expr) -> Expr:
    """The opposite of a condition."""
    text = condition.text
    if " " not in text:
        return Expr(f"not {text}")
    if " or " not in text and " and " not in text:
        for one, other in _OPPOSITES:
            if f" {one} " in text:
                return Expr(text.replace(f" {one} ", f" {other} "))
            if f" {other} " in text:
                return Expr(text.replace(f" {other} ", f" {one} "))
    return Expr(f"not ({text})")


_OPPOSITES = (("==", "!="), (">", "<="))


def _may_vanish(items: Sequence[Item]) -> bool:
    """Whether an ``if`` may leave out all of a list, since a join would then go with it."""
    return bool(items) and all(
        "if" in item and "for" not in item and "repeat" not in item for item in items
    )
