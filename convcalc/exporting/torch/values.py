"""Expressions of a class: of its constructor, of forward, and numbers of the trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.exporting.expressions import literal, names_in, rendered
from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.classes import Classes
from convcalc.exporting.torch.parts import Number, Part, Var, inner_value
from convcalc.exporting.torch.statements import NotChain
from convcalc.exporting.torch.tensors import Tensors
from convcalc.exporting.trace import Run
from convcalc.exporting.walking import Walker
from convcalc.language.parse.tree import Argument, Item
from convcalc.language.syntax import nodes
from convcalc.language.syntax.sizes import BLOCK, SIZES, value_in
from convcalc.model.geometry.sizes import axis_names


class Values(Tensors, Walker[Var]):
    """The expressions of the file in code."""

    def __init__(self, writer: Classes, part: Part, *, chain: bool) -> None:
        super().__init__(part, chain=chain)
        self.writer = writer
        self.trace = writer.trace
        self.names = part.names  # of the constructor
        self.holders = part.holders  # attributes
        self.local: list[dict[str, str]] = []  # variables of loops
        self.index: list[tuple[Item, str]] = []
        self.reading = ""  # channels of what the current item reads
        self.kept: dict[str, str] = {}  # what forward reads of self, by its expression
        self.counters: set[str] = set()  # variables that hold channels
        self.pins: list[str] = []  # expressions for channels that are used later

    def lookup(self, name: str) -> str:
        """Return what a name of an expression is in the constructor."""
        for scope in reversed(self.local):
            if name in scope:
                return scope[name]
        if name == "in_channels":
            return self.reading
        if name == "block.in_channels":
            self.part.takes_channels = True
            return "in_channels"
        if name.startswith("block."):
            return self.number(name[6:], lambda run: value_in({BLOCK: run.scope[BLOCK]}, name))
        own = self.writer.params.param(self.part, name)
        if own:
            return own
        if name in SIZES and self.item is not None:
            return self.number(name, lambda run: value_in(run.scope, name))
        raise self.refuse(f"the name {name} is not known here")

    def text(self, node: nodes.Node, words: tuple[str, ...] = ()) -> str:
        """An expression of the current item in the constructor."""
        return rendered(node, self.writer.formulas.names(self.part.unit, self.lookup), words)

    def field(self, argument: Argument, words: tuple[str, ...]) -> str:
        """A field's value in the constructor."""
        if argument.field is not None and argument.field.kind == "word":
            node = argument.node
            if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
                own = (
                    self.writer.params.param(self.part, node.text)
                    if node.text not in argument.field.choices
                    else ""
                )
                return own or literal(node.text)
        return self.text(argument.node, words)

    def moving(self, node: nodes.Node) -> str:
        """A value as an expression of forward; sizes are those of the tensor that is read."""
        runs = self.runs(self.item) if self.item else []
        rank = max((run.source.rank for run in runs if run.source), default=0)
        axes = axis_names(rank)

        def lookup(name: str) -> str:
            own = self.writer.params.param(self.part, name) if name != "in_channels" else ""
            plain = name.removeprefix("in_")
            if not own and name in SIZES:
                if plain == "positions":
                    return "{0}.shape[2:].numel()"
                return f"{{0}}.shape[{1 + axes.index(plain)}]"
            return self.keep(self.lookup(name))

        return rendered(node, self.writer.formulas.names(self.part.unit, lookup))

    def number(self, hint: str, of: Callable[[Run], Any], item: Item | None = None) -> str:
        """A number of the trace: a literal if it is the same in all runs of the item."""
        item = item or self.item
        assert item is not None
        runs = self.runs(item)
        values = []
        for run in runs:
            value = of(run)
            if value is not None and value not in values:
                values.append(value)
        if len(values) == 1:
            return literal(values[0])
        if self.index and (listed := self.by_round(item, of, runs)):
            return listed
        made = Number("", self.writer.original.get(item, item), of)
        found = [inner_value(run, made) for run in self.part.instances]
        for known in self.part.numbers:
            if [inner_value(run, known) for run in self.part.instances] == found:
                return known.name
        made = made._replace(name=self.names.fresh(snake_case(hint.removeprefix("in_"))))
        self.part.numbers.append(made)
        return made.name

    def by_round(self, item: Item, of: Callable[[Run], Any], runs: Sequence[Run]) -> str:
        """A number that only the round of the innermost loop decides: an item of a tuple."""
        loop, index = self.index[-1]
        found: dict[int, Any] = {}
        for run in runs:
            outer: Run | None = run
            while outer is not None and outer.item is not loop:
                outer = outer.parent
            if outer is None:
                return ""
            value = of(run)
            if value is not None and found.setdefault(outer.turn, value) != value:
                return ""
        if sorted(found) != list(range(len(found))):
            return ""
        return f"{literal(tuple(found[k] for k in sorted(found)))}[{index}]"

    def keep(self, text: str, hint: str = "value") -> str:
        """An expression of the constructor as one of forward."""
        if not names_in(text):
            return text
        if text.startswith("not ") and text[4:].isidentifier():
            return f"not {self.keep(text[4:], hint)}"
        if text in self.kept:
            return self.kept[text]
        if self.index:
            raise NotChain
        wanted = text if text.isidentifier() else hint
        name = self.holders.fresh(wanted)
        self.make(f"self.{name} = {text}")
        self.kept[text] = f"self.{name}"
        return f"self.{name}"

    def merged(self, channels: str) -> str:
        """Makes the channels so far a variable that a condition or a loop may change."""
        used = {v for var in self.vars.values() if var.channels for v in names_in(var.channels)}
        used |= {name for pin in self.pins for name in names_in(pin)}
        if channels in used or channels not in self.counters:
            name, count = "channels", 2
            while name in used or (name in self.names.taken and name not in self.counters):
                name = f"channels{count}"
                count += 1
            self.names.taken.add(name)
            self.counters.add(name)
            if name != channels:
                self.make(f"{name} = {channels}")
        else:
            name = channels
        self.cur = self.cur._replace(channels=name)
        return name

    def merge(self, name: str) -> None:
        """Gives the variable the channels that the items inside made."""
        if self.cur.channels != name:
            self.make(f"{name} = {self.cur.channels}")
        self.cur = self.cur._replace(channels=name)
