"""The body of a class: its items as statements of the constructor and of forward.

``cur`` is the tensor that the next item reads. Modules that merely follow one another need no
forward: their class is an ``nn.Sequential``; :class:`NotChain` says that this is not enough.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from convcalc.exporting.expressions import Names, literal, names_in, normalised, rendered
from convcalc.exporting.naming import snake_case
from convcalc.exporting.references import head_of, own_texts
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.classes import Classes
from convcalc.exporting.torch.parts import LAST, Number, Part, Var, inner_value
from convcalc.exporting.torch.site import Made, Site
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import Argument, Item, Reference, inner_items
from convcalc.language.syntax import nodes
from convcalc.language.syntax.sizes import BLOCK, SIZES, value_in

_CHANGING = (
    *("init", "forward", "depth", "vars", "attributes", "parts", "cur", "running", "kept", "sink"),
    *("numbers",),
)


_SPACES = ("names", "holders", "variables")


class NotChain(Exception):
    """Something is more than modules one after another."""


class Body:
    """Writes the items of one class."""

    def __init__(self, writer: Classes, part: Part, *, chain: bool) -> None:
        self.writer = writer
        self.part = part
        self.chain = chain  # no forward is written
        self.sink = ""  # the container that modules are appended to; empty: attributes of self
        self.init: list[tuple[int, str]] = []
        self.forward: list[tuple[int, str]] = []
        self.depth = [2, 2]  # of indentation, in the constructor and in forward
        self.local: list[dict[str, str]] = []  # variables of loops
        self.walked: list[dict[str, Var]] = []  # variables of loops that are tensors
        self.index: list[tuple[Item, str]] = []
        self.names = part.names  # of the constructor
        self.holders = part.holders  # attributes
        self.variables = part.names.copy()  # of forward
        self.vars: dict[str, Var] = {}
        self.sinks: dict[int, str] = {}  # local names of modules that loops append
        self.attributes: dict[str, str] = {}  # by id: the attribute that holds its module
        self.parts: dict[str, Part] = {}  # by id: the class of its module
        self.reading = ""  # channels of what the current item reads
        self.item: Item | None = None
        self.cur = Var("x", "in_channels")
        self.running = "x"
        self.unmerged: Item | None = (
            None  # what nothing follows, so that its channels do not matter
        )
        self.adder: Callable[[Item, str], str] | None = None  # of modules of a loop
        self.kept: dict[str, str] = {}  # what forward reads of self, by its expression
        self.counters: set[str] = set()  # variables that hold channels
        self.pins: list[str] = []  # expressions for channels that are used later
        self.counts = Counter(snake_case(each.component) for each in _live(self, part.items))
        self.numbers: dict[str, int] = {}  # of modules of one name so far
        texts = [*own_texts(part.items), *(want for want in part.wanted if want)]
        self.read_ids = {head_of(text) for text in texts}
        self.round_texts = [text for text in texts if "[" in text.partition(".")[0]]
        self.round_ids = {head_of(text) for text in self.round_texts}

    # --- statements ---------------------------------------------------------------------------

    def make(self, text: str) -> None:
        """Adds a statement to the constructor."""
        self.init.append((self.depth[0], text))

    def do(self, text: str) -> None:
        """Adds a statement to forward."""
        if self.chain or self.sink:
            raise NotChain
        self.forward.append((self.depth[1], text))

    @contextmanager
    def inside(self, *which: int) -> Iterator[None]:
        """A level deeper, in the constructor (0), in forward (1)."""
        for k in which:
            self.depth[k] += 1
        try:
            yield
        finally:
            for k in which:
                self.depth[k] -= 1

    def state(self) -> dict[str, Any]:
        """Everything that writing changes, to come back to."""
        kept = {name: copy.copy(getattr(self, name)) for name in _CHANGING}
        spaces = {name: getattr(self, name).copy() for name in _SPACES}
        return {**kept, **spaces, "loops": (len(self.local), len(self.index))}

    def restore(self, state: dict[str, Any]) -> None:
        """Comes back to a state."""
        for name in _CHANGING:
            setattr(self, name, copy.copy(state[name]))
        for space in _SPACES:
            own, kept = getattr(self, space), state[space].copy()
            own.taken, own.own = kept.taken, kept.own
        scopes, indices = state["loops"]
        del self.local[scopes:]
        del self.walked[scopes:]
        del self.index[indices:]

    # --- names --------------------------------------------------------------------------------

    def lookup(self, name: str) -> str:
        """What a name of an expression is in the constructor."""
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
        own = self.writer.param(self.part, name)
        if own:
            return own
        if name in SIZES and self.item is not None:
            return self.number(name, lambda run: value_in(run.scope, name))
        raise self.refuse(f"the name {name} is not known here")

    def text(self, node: nodes.Node, words: tuple[str, ...] = ()) -> str:
        """An expression of the current item in the constructor."""
        return rendered(
            node, Names(self.lookup, self.writer.function(self.part, self.lookup)), words
        )

    def refuse(self, why: str, what: str = "") -> Refused:
        """The exception for what cannot be written, at the current item."""
        place = self.item.place if self.item else self.part.items[0].place
        return Refused(what or (self.item.type if self.item else self.part.name), why, place)

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

    def runs(self, item: Item) -> list[Run]:
        """The runs of an item in all instances of this class."""
        if self.part.is_network or self.part.block is not None:
            return self.writer.trace.runs.get(item, [])
        return self.writer.trace.runs.get(item, [])

    # --- items --------------------------------------------------------------------------------

    def items(self, items: Sequence[Item]) -> None:
        """Writes items one after another."""
        for item in items:
            self.write(item)

    def write(self, item: Item) -> None:
        """Writes one item, unless no network of the file has it."""
        if not self.runs(item) and not (item.kind == "branches" and item.body):
            return
        outer, self.item = self.item, item
        try:
            if item.kind == "broken":
                raise self.refuse("the item has a problem")
            if item.indexed:
                self.writer.loops.write_loop(self, item)
            elif item.condition is not None:
                self.conditional(item)
            else:
                self.once(item)
        finally:
            self.item = outer

    def conditional(self, item: Item) -> None:
        """Writes an item with ``if``: as no module where the condition is false."""
        assert item.condition is not None
        self.reading = self.cur.channels
        condition = self.text(item.condition[1])
        if condition == "True":
            self.once(item)
            return
        before = self.cur.channels
        if self.chain or self.sink:
            self.branch_of(item, condition, before)
            return
        state = self.state()
        try:
            if item.sources or item.share or self.is_read(item):
                raise NotChain
            self.optional_module(item, condition)
        except NotChain:
            self.restore(state)
            self.optional_statements(item, condition)

    def branch_of(self, item: Item, condition: str, before: str) -> None:
        """An item in a chain that is there under a condition."""
        state = self.state()
        self.make(f"if {condition}:")
        with self.inside(0):
            self.once(item)
        if self.cur.channels == before or item is self.unmerged:
            return
        self.restore(state)
        name = self.merged(before)
        self.make(f"if {condition}:")
        with self.inside(0):
            self.once(item)
            self.merge(name)

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

    def optional_module(self, item: Item, condition: str) -> None:
        """A module of its own, which is the identity where the condition is false."""
        attribute = self.attribute_name(item)
        target = f"self.{attribute}"
        before = self.cur.channels
        found = self.collected(item, target)
        changes = found[1] != before
        if changes:
            before = self.merged(before)
            found = self.collected(item, target)
        lines, after = found
        if not lines:
            raise NotChain
        single = _single(lines, target)
        if single is not None:
            self.make(f"{target}: nn.Module = nn.Identity()")
            self.make(f"if {condition}:")
            with self.inside(0):
                self.make(f"{target} = {single}")
        else:
            self.make(f"{target} = nn.Sequential()")
            self.make(f"if {condition}:")
            self.init += [(depth + 1, text) for depth, text in lines]
        self.cur = self.cur._replace(channels=after)
        if changes:
            with self.inside(0):
                self.merge(before)
        if item.id:
            self.attributes[item.id] = target
        self.apply(f"{target}({self.cur.tensor})", self.cur.channels)

    def collected(
        self, item: Item, target: str, *, plain: bool = False
    ) -> tuple[list[tuple[int, str]], str]:
        """The statements that append an item's modules to a container, and the channels behind."""
        state = self.state()
        start = len(self.init)
        self.sink = target
        if plain:
            self.body_of(item)
        else:
            self.once(item)
        lines, after = self.init[start:], self.cur.channels
        kept_names, kept_holders = self.names.copy(), self.holders.copy()
        self.restore(state)
        self.names.taken |= kept_names.taken
        self.holders.taken |= kept_holders.taken
        return lines, after

    def body_of(self, item: Item) -> None:
        """The layers of a branch."""
        self.items(item.body)

    def optional_statements(self, item: Item, condition: str) -> None:
        """Statements of forward that run only where the condition holds."""
        self.settle()
        flag = self.keep_flag(condition, item)
        before = self.cur.channels
        state = self.state()
        self.guarded(item, condition, flag, "")
        if self.cur.channels != before:
            self.restore(state)
            self.guarded(item, condition, flag, self.merged(before))

    def guarded(self, item: Item, condition: str, flag: str, width: str) -> None:
        """An item under a condition; ``width`` is a variable for the channels, if they change."""
        starts = len(self.init), len(self.forward)
        self.make(f"if {condition}:")
        self.do(f"if {flag}:")
        with self.inside(0, 1):
            self.once(item)
            if item.id:
                self.bind(item.id)
            if self.cur.tensor != self.running:
                self.do(f"{self.running} = {self.cur.tensor}")
            if width:
                self.merge(width)
        for lines, start in zip((self.init, self.forward), starts, strict=True):
            if len(lines) == start + 1:  # nothing stands under it
                lines.pop()
        self.cur = Var(self.running, self.cur.channels)

    def keep_flag(self, condition: str, item: Item) -> str:
        """A condition of the constructor as one of forward."""
        return self.keep(condition, f"has_{snake_case(item.component)}")

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

    # --- one round ----------------------------------------------------------------------------

    def once(self, item: Item) -> None:
        """Writes an item without its loops and its condition."""
        outer, self.item = self.item, item
        sources = self.sources(item)
        if sources and item.kind != "operator":
            self.cur = sources[0]
        try:
            self.kind(item, sources)
        finally:
            self.item = outer
        if item.id and (item.id in self.read_ids) and not item.indexed:
            self.bind(item.id)

    def kind(self, item: Item, sources: list[Var]) -> None:
        """Writes an item by its kind."""
        if item.kind == "operator":
            self.operator(item, sources or [self.cur])
        elif item.kind == "block":
            self.block(item)
        elif item.kind == "seq":
            self.items(item.body)
            if item.id and item.share is None:
                pass
        elif item.kind == "residual":
            self.writer.joins.residual(self, item)
        elif item.kind == "branches":
            self.writer.joins.branches(self, item)

    def sources(self, item: Item) -> list[Var]:
        """The tensors that ``from`` names."""
        if item.sources and (self.chain or self.sink):
            raise NotChain
        return [self.resolve(reference) for reference in item.sources]

    def is_read(self, item: Item) -> bool:
        """Whether another item names this one, or a layer inside."""
        ids = {each.id for each in (item, *inner_items(item)) if each.id}
        return bool(ids & self.read_ids)

    def operator(self, item: Item, sources: list[Var]) -> None:
        """Writes an operator: a module, or an expression of forward."""
        if item.reads_nothing:
            sources = []
        references = [self.resolve(a.reference) for a in item.arguments if a.reference is not None]
        inputs = [*sources, *references]
        if len(inputs) != 1 and (self.chain or self.sink):
            raise NotChain
        self.reading = inputs[0].channels if inputs else "in_channels"
        widths = [self.widths_of(var) for var in inputs]
        site = Site(item, self.runs(item), widths, self.field, self.number, self.keep, self.moving)
        made = self.writer.operator(site, [var.is_list for var in inputs])
        made = made._replace(channels=normalised(made.channels))
        self.writer.use(made.helpers)
        if item.share is not None:
            self.shared(item, inputs, made.channels)
        elif made.module:
            self.module(item, made, inputs)
        elif made.held:
            self.held(item, made, inputs)
        elif made.call == "{0}" and len(inputs) == 1:
            self.cur = Var(inputs[0].tensor, made.channels)
        else:
            if self.chain or self.sink:
                raise NotChain
            tensors = [f"*{var.tensor}" if var.is_list else var.tensor for var in inputs]
            self.apply(made.call.format(*tensors, x=self.running), made.channels, item)

    def held(self, item: Item, made: Made, inputs: Sequence[Var]) -> None:
        """Adds a tensor that the class holds, and reads it."""
        if self.chain or self.sink or self.index:
            raise NotChain
        name = self.attribute_name(item)
        self.make(f"self.{name} = {made.held}")
        tensors = [var.tensor for var in inputs]
        self.apply(made.call.format(*tensors, held=f"self.{name}"), made.channels, item)

    def moving(self, node: nodes.Node) -> str:
        """A value as an expression of forward; sizes are those of the tensor that is read."""
        rank = (
            max((run.source.rank for run in self.runs(self.item) if run.source), default=0)
            if self.item
            else 0
        )
        axes = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}.get(
            rank, ()
        )

        def lookup(name: str) -> str:
            own = self.writer.param(self.part, name) if name != "in_channels" else ""
            plain = name.removeprefix("in_")
            if not own and name in SIZES:
                if plain == "positions":
                    return "{0}.shape[2:].numel()"
                return f"{{0}}.shape[{2 + axes.index(plain)}]"
            return self.keep(self.lookup(name))

        return rendered(node, Names(lookup, self.writer.function(self.part, lookup)))

    def widths_of(self, var: Var) -> str:
        """The channels of an input; of a list their sum."""
        if not var.is_list:
            return var.channels
        if var.widths:
            return f"sum({var.widths})"
        return var.channels

    def field(self, argument: Argument, words: tuple[str, ...]) -> str:
        """A field's value in the constructor."""
        if argument.field is not None and argument.field.kind == "word":
            node = argument.node
            if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
                own = (
                    self.writer.param(self.part, node.text)
                    if node.text not in argument.field.choices
                    else ""
                )
                return own or literal(node.text)
        return self.text(argument.node, words)

    def given(self, item: Item, name: str) -> Var:
        """A further input of the network."""
        if not self.part.is_network:
            raise self.refuse(f"{item.type} stands in a block, which is given no {name}")
        if self.chain or self.sink:
            raise NotChain
        variable = self.variables.fresh(name)
        self.part.further.append(variable)
        return Var(variable, "")

    def module(self, item: Item, made: Made, inputs: Sequence[Var]) -> None:
        """Adds a module, and calls it."""
        if made.further:
            inputs = [*inputs, self.given(item, made.further)]
        target = self.add(item, made.module)
        tensors = ", ".join(f"*{v.tensor}" if v.is_list else v.tensor for v in inputs)
        if self.chain or self.sink:
            self.cur = Var("x", made.channels)
            return
        self.apply(f"{target}({tensors})", made.channels, item)

    def add(self, item: Item, module: str) -> str:
        """Gives a module its attribute, or appends it to the container; returns its name."""
        if not item.trainable:
            module = f"{module}.requires_grad_(False)"
        if self.sink:
            self.make(f"{self.sink}.append({module})")
            return self.sink
        if self.adder is not None:
            return self.adder(item, module)
        target = f"self.{self.attribute_name(item)}"
        if item.id:
            self.attributes[item.id] = target
        self.make(f"{target} = {module}")
        return target

    def attribute_name(self, item: Item) -> str:
        """The name of an item's module: its id or type, with a number if several have it."""
        stem = snake_case(item.component)
        if self.counts.get(stem, 0) > 1:
            number = self.numbers.get(stem, 0) + 1
            self.numbers[stem] = number
            stem = f"{stem}{number}" if not stem[-1:].isdigit() else f"{stem}_{number}"
        return self.holders.fresh(stem)

    def apply(self, expression: str, channels: str, item: Item | None = None) -> None:
        """Makes the next tensor in forward, under the name of its id if it is read again."""
        if self.chain or self.sink:
            self.cur = Var("x", channels)
            return
        target = self.running
        if item is not None and item.id in self.read_ids and item.id and not item.indexed:
            target = self.variable(item.id)
        self.do(f"{target} = {expression}")
        self.cur = Var(target, channels)

    def variable(self, id_: str) -> str:
        """The variable of forward that holds what an id names."""
        found = self.vars.get(id_)
        if found is not None and found.tensor in self.variables.own:
            return found.tensor
        return self.variables.fresh(snake_case(id_))

    def bind(self, id_: str) -> None:
        """Keeps the current tensor under an id."""
        if self.chain or self.sink:
            raise NotChain
        if self.cur.tensor == self.running:
            name = self.variable(id_)
            self.do(f"{name} = {self.cur.tensor}")
            self.vars[id_] = Var(name, self.cur.channels)
        else:
            self.vars[id_] = Var(self.cur.tensor, self.cur.channels)

    def settle(self) -> None:
        """Makes the running variable hold the current tensor."""
        if self.cur.tensor != self.running:
            self.do(f"{self.running} = {self.cur.tensor}")
            self.cur = Var(self.running, self.cur.channels)

    # --- calls of classes ---------------------------------------------------------------------

    def block(self, item: Item) -> None:
        """Calls the class of a block."""
        assert item.block is not None
        part = self.writer.block_part(item.block, item.place)
        self.call(item, part)

    def call(self, item: Item, part: Part) -> None:
        """Adds a module of a class, and calls it with all tensors that it reads."""
        source = self.cur
        self.reading = source.channels
        values = self.writer.values(self, item, part)
        further = [self.tensor_argument(item, part, key) for key in part.tensors]
        multiple = part.wanted != [LAST]
        if (further or multiple) and (self.chain or self.sink):
            raise NotChain
        required = {a.name for a in part.arguments if not a.default}
        leading = (
            len(required) == 1
            and part.block is not None
            and not set(values) & set(part.widths.values())
        )
        listed = [
            value if leading and name in required else f"{name}={value}"
            for name, value in values.items()
        ]
        if part.takes_channels:
            listed.insert(0, source.channels)
        module = f"{part.name}({', '.join(listed)})"
        if item.share is not None:
            target = self.share_target(item)
        else:
            target = self.add_call(item, part, module, values)
        given = dict(values)
        given["in_channels"] = source.channels
        given |= self.writer.widths(self, item, part)
        held = target
        if (
            (self.sink or self.adder)
            and item.share is None
            and any(part.closed(w) is None for w in part.wanted)
        ):
            depth, text = self.init.pop()
            local = self.sinks.get(id(item)) or self.names.fresh(snake_case(item.component))
            self.sinks[id(item)] = local
            self.make(f"{local} = {module}")
            self.init.append((depth, text.replace(module, local)))
            held = local
        channels = {want: part.channels_of(want, given, str(held)) for want in part.wanted}
        if item.id:
            self.parts[item.id] = part
        tensors = [source.tensor, *further] if part.takes_input else further
        call = f"{target}({', '.join(tensors)})"
        if not multiple:
            self.apply(call, channels[LAST], item)
            return
        self.unpack(item, part, call, channels)

    def add_call(self, item: Item, part: Part, module: str, values: dict[str, str]) -> str:
        """Adds the module of a class."""
        return self.add(item, module)

    def unpack(self, item: Item, part: Part, call: str, channels: dict[str, str]) -> None:
        """Calls a module that returns several tensors, and keeps each under its name."""
        targets = []
        stem = item.id or item.component
        for want in part.wanted:
            if want == LAST:
                targets.append(
                    self.running
                    if not (item.id in self.read_ids and item.id)
                    else self.variable(item.id)
                )
                continue
            key = f"{stem}.{want}"
            known = self.vars.get(want if part.block is None else key)
            if known is not None and known.tensor in self.variables.own:
                name = known.tensor
            else:
                name = self.variables.fresh(snake_case(_tail(want)))
            targets.append(name)
            self.vars[key] = Var(name, channels[want])
            if part.block is None:  # the body of a loop: its ids are those of this block
                self.vars[want] = self.vars[key]
        self.do(f"{', '.join(targets)} = {call}")
        if LAST in part.wanted:
            at = part.wanted.index(LAST)
            self.cur = Var(targets[at], channels[LAST])
        else:
            self.cur = self.vars[f"{stem}.{part.last_is}"]

    def tensor_argument(self, item: Item, part: Part, key: str) -> str:
        """A further tensor that a class reads, as its caller has it."""
        return self.writer.tensor_argument(self, item, part, key)

    # --- shared modules -----------------------------------------------------------------------

    def share_target(self, item: Item) -> str:
        """The attribute of the module whose weights an item uses."""
        assert item.share is not None
        if item.share_only:
            raise self.refuse("only some weights are shared", "share")
        found = self.attributes.get(item.share.text)
        if found is None:
            raise self.refuse(f"the weights of {item.share.text} are not one module here", "share")
        return found

    def shared(self, item: Item, inputs: Sequence[Var], channels: str) -> None:
        """Calls a module again."""
        target = self.share_target(item)
        self.apply(f"{target}({', '.join(v.tensor for v in inputs)})", channels, item)

    # --- references ---------------------------------------------------------------------------

    def resolve(self, reference: Reference | str) -> Var:
        """The tensor that a reference names."""
        text = reference if isinstance(reference, str) else reference.text
        if text == "prev":
            return self.cur
        if self.chain or self.sink:
            raise NotChain
        for scope in reversed(self.walked):
            if text in scope:
                return scope[text]
        found = self.vars.get(text)
        if found is not None:
            return found
        listed = self.of_rounds(text)
        if listed is not None:
            return listed
        raise self.refuse(f"'{text}' is not held in a variable", "reference")

    def of_rounds(self, text: str) -> Var | None:
        """What ``id[*]`` and ``id[2]`` name."""
        head, bracket, rest = text.partition("[")
        if not bracket:
            return None
        index, _, behind = rest.partition("]")
        found = self.vars.get(head + behind) if behind else self.vars.get(head)
        if found is None or not found.rounds:
            return None
        if index == "*":
            widths = found.widths
            holder = self.attributes.get(head, f"self.{head}")
            channels = f"sum({widths})"
            if not widths:
                channels = f"len({holder}) * {_bracketed(found.channels)}"
            return Var(found.rounds, channels, is_list=True)
        channels = f"{found.widths}[{index}]" if found.widths else found.channels
        return Var(f"{found.rounds}[{index}]", channels)


def _live(body: Body, items: Sequence[Item]) -> Iterator[Item]:
    """All items that any network has, those inside composites too."""
    for item in items:
        for each in (item, *inner_items(item)):
            if each.kind in ("operator", "block") and body.runs(each) and each.share is None:
                yield each


def _bracketed(text: str) -> str:
    return text if text.isidentifier() or text.isdigit() else f"({text})"


def _tail(path: str) -> str:
    """The last component of a path, as a name."""
    return "".join(char if char.isalnum() else "_" for char in path.rpartition(".")[2]).strip("_")


def _single(lines: Sequence[tuple[int, str]], target: str) -> str | None:
    """The only module that is appended; None if there is more to do."""
    start = f"{target}.append("
    if len(lines) == 1 and lines[0][1].startswith(start):
        return lines[0][1][len(start) : -1]
    return None


__all__ = ["Body", "NotChain"]
