"""The statements of a function: items one after another, each of which makes the next tensor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from convcalc.diagnostics.rejection import Rejected
from convcalc.exporting.expressions import Names, literal, rendered, tuple_of, written
from convcalc.exporting.keras.function import INNER, LOCALS, Function
from convcalc.exporting.keras.operators.calls import X
from convcalc.exporting.keras.operators.table import frozen, made_of
from convcalc.exporting.keras.site import Site
from convcalc.exporting.naming import identifier, snake_case
from convcalc.exporting.references import head_of, own_texts, tensor_keys
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import JOINS, Argument, Block, Item, Reference
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import free_names
from convcalc.model.geometry.sizes import axis_names

_JOINED = {"concat": "concatenate", "add": "add", "mul": "multiply", "maximum": "maximum"}
_SIZES = ("length", "depth", "height", "width", "positions")
_INDEXED = re.compile(r"([^.\[]+)\[(.+?)\](?:\.(.+))?$")


class Body:
    """The statements of one function on their way."""

    def __init__(self, writer: Any, function: Function) -> None:
        self.writer = writer
        self.function = function
        self.depth = 1
        self.level = 0  # of residuals and branches in each other
        self.cur = self.run = "x"
        self.source = ""  # the tensor that enters
        self.reading = "x"
        self.rank: int | None = None
        self.vars: dict[str, str] = {}  # tensors by reference
        self.lists: dict[str, str] = {}  # variables that hold a tensor of each round, by reference
        self.loops: dict[str, str] = {}
        self.texts = [*own_texts(function.items), *function.wanted]
        self.read = {head_of(text) for text in self.texts}

    # --- text -------------------------------------------------------------------------------------

    def do(self, text: str) -> None:
        """Adds a statement."""
        self.function.lines.append((self.depth, text))

    def text(self, node: nodes.Node, words: tuple[str, ...] = ()) -> str:
        """An expression of the file as Python."""
        return rendered(node, Names(self.lookup, self.called), words)

    def called(self, name: str) -> tuple[str, list[str]]:
        """A function of an expression: its Python name, and what it gets besides."""
        return self.writer.called(name, self.function.unit, self.lookup)

    def lookup(self, name: str) -> str:
        """A name of the file as Python."""
        if name in self.loops:
            return self.loops[name]
        if name.startswith("block."):
            return self.size(name.removeprefix("block."), self.source)
        block = self.function.block
        if block is not None and name in block.params:
            if block.params[name].kind == "refs":
                return self.vars[name]
            return self.writer.param(self.function, name)
        if name in self.function.unit.params:
            return self.writer.file_param(self.function, name)
        return self.size(name, self.reading)

    def size(self, name: str, tensor: str) -> str:
        """A size of a tensor, channels last."""
        bare = name.removeprefix("in_")
        if bare == "channels":
            return f"{tensor}.shape[-1]"
        if bare == "positions":
            return f"math.prod({tensor}.shape[1:-1])"
        if bare in _SIZES:
            rank = self.rank if self.rank is not None else 2
            names = axis_names(rank)
            if bare in names:
                return f"{tensor}.shape[{names.index(bare)}]"
        raise self.refused(f"'{name}' is not known in code")

    def refused(self, why: str, item: Item | None = None) -> Refused:
        """The exception for what cannot be written."""
        place = (item or self.function.items[0]).place
        what = item.type if item is not None else self.function.name
        return Refused(what, f"{what} {why}", place)

    def runs(self, item: Item) -> list[Run]:
        """What an item was in all calls."""
        return self.writer.trace.runs.get(item, [])

    # --- items ------------------------------------------------------------------------------------

    def items(self, items: Sequence[Item]) -> None:
        """Items one after another."""
        for item in items:
            self.item(item)

    def item(self, item: Item) -> None:
        """One item, with its loops or its condition."""
        if item.share is not None:
            raise self.refused("shares weights, which functions do not", item)
        if not item.trainable and item.kind != "operator":
            raise self.refused("is not trained, which functions do not say", item)
        if not self.runs(item):
            return
        if item.indexed:
            self.loop(item)
            return
        if item.condition is None:
            self.once(item, self.target(item))
            return
        self.look_at(self.cur, item)
        condition = self.text(item.condition[1])
        if condition in ("True", "False"):
            if condition == "True":
                self.once(item, self.target(item))
            return
        target = self.target(item)
        self.settle(target)
        self.block_of(f"if {condition}:", lambda: self.once(item, target))
        self.cur = target

    def block_of(self, head: str, inside: Callable[[], None]) -> None:
        """Statements below a head; nothing if there are none."""
        self.do(head)
        count = len(self.function.lines)
        self.depth += 1
        inside()
        self.depth -= 1
        if len(self.function.lines) == count:
            self.function.lines.pop()

    def settle(self, target: str) -> None:
        """Gives the latest tensor the name of a variable that may be overwritten."""
        if self.cur != target:
            self.do(f"{target} = {self.cur}")
            self.cur = target

    def target(self, item: Item) -> str:
        """The variable that an item assigns: its own if it is read by its id."""
        if item.id and item.id in self.read and not item.indexed:
            return self.variable(item.id)
        return self.run

    def variable(self, id_: str) -> str:
        """The variable of an id."""
        key = f"<id> {id_}"
        if key not in self.vars:
            self.vars[key] = self.function.names.fresh(snake_case(id_))
        return self.vars[key]

    def look_at(self, tensor: str, item: Item) -> None:
        """Sizes in expressions are those of this tensor."""
        self.reading = tensor
        ranks = {run.source.rank for run in self.runs(item) if run.source is not None}
        self.rank = ranks.pop() if len(ranks) == 1 else None

    def once(self, item: Item, target: str) -> None:
        """An item without its loops and its condition."""
        inputs = [self.resolve(source, item) for source in item.sources] or [self.cur]
        self.look_at(inputs[0], item)
        if item.kind == "operator":
            self.operator(item, inputs, target)
        elif item.kind == "block":
            self.call(item, inputs[0], target)
        else:
            self.cur = inputs[0]
            {"seq": self.seq, "residual": self.residual, "branches": self.branches}[item.kind](
                item, inputs[0], target
            )
        if item.id and not item.indexed:
            self.vars[item.id] = self.cur

    def operator(self, item: Item, inputs: list[str], target: str) -> None:
        """A layer, and what has to stand before it."""
        for argument in item.arguments:
            if argument.reference is not None:
                inputs = [*inputs, self.resolve(argument.reference, item)]
        given = [] if item.reads_nothing else inputs
        site = Site(item, self.runs(item), given or inputs, self.render, self.writer.use)
        made = made_of(site)
        for expression in made if item.trainable else frozen(made):
            text = expression.replace(X, inputs[0])
            if text != inputs[0]:
                self.do(f"{target} = {text}")
                inputs = [target]
            self.cur = inputs[0]

    def render(self, argument: Argument, words: tuple[str, ...]) -> str:
        """The value of a field as Python."""
        return self.text(argument.node, words)

    def seq(self, item: Item, _: str, target: str) -> None:
        """Items in a row."""
        self.items(item.body)
        if item.id and item.id in self.read:
            self.settle(target)

    # --- composites -------------------------------------------------------------------------------

    def residual(self, item: Item, source: str, target: str) -> None:
        """A body and a shortcut of the same tensor, joined."""
        runs = self.runs(item)
        joins = {bool(run.layers) and run.layers[-1].name == item.join for run in runs}
        if item.optional_body and joins != {True}:
            raise self.refused("has a body in some places only", item)
        outer = self.run
        self.level += 1
        suffix = "" if self.level == 1 else str(self.level)
        self.run = INNER[min(self.level, len(INNER)) - 1]
        if self.run == source:
            raise self.refused("is nested too deeply", item)
        self.items(item.body)
        main, self.cur, side = self.cur, source, source
        if item.shortcut:
            self.run = f"shortcut{suffix}"
            self.items(item.shortcut)
            side = self.cur
        self.level -= 1
        self.run = outer
        self.join(item, [main, side], target)

    def join(self, item: Item, parts: Sequence[str], target: str) -> None:
        """Several tensors as one."""
        shapes = {tuple(s.rank for s in run.layers[-1].shapes) for run in self.runs(item)}
        if any(len(set(ranks)) > 1 for ranks in shapes):
            ranks = shapes.pop()
            most = max(ranks)
            parts = [
                part if rank == most else f"layers.Reshape(({'1, ' * most}-1))({part})"
                for part, rank in zip(parts, ranks, strict=True)
            ]
        self.do(f"{target} = layers.{_JOINED[item.join]}([{', '.join(parts)}])")
        self.cur = target

    def branches(self, item: Item, source: str, target: str) -> None:
        """Branches of one tensor, joined."""
        branches = item.branches
        outer = self.run
        self.level += 1
        suffix = "" if self.level == 1 else str(self.level)
        if any(b.loops or b.condition or b.optional_body for b in branches):
            self.listed(item, source, target, suffix)
        else:
            pieces = self.pieces(item, source, suffix)
            parts = []
            for k, branch in enumerate(branches):
                self.run, self.cur = f"branch{k}{suffix and '_'}{suffix}", pieces[k]
                self.items(branch.body)
                parts.append(self.cur)
            if len(parts) == 1:
                self.cur = parts[0]
            else:
                self.join(item, parts, target)
        self.level -= 1
        self.run = outer

    def pieces(self, item: Item, source: str, suffix: str) -> list[str]:
        """What each branch reads: the tensor, or a part of its channels."""
        count = len(item.branches)
        if item.split is None or getattr(item.split[1], "value", "") == "copy":
            return [source] * count
        if getattr(item.split[1], "value", "") == "channels":
            parts = str(count)
        else:
            sizes = self.text(item.split[1])
            if sizes.startswith("("):
                sizes = f"list(itertools.accumulate({sizes}))[:-1]"
                self.writer.modules.add("itertools")
                parts = sizes
            else:
                raise self.refused("splits by a list that is computed", item)
        self.do(f"pieces{suffix} = ops.split({source}, {parts}, axis=-1)")
        return [f"pieces{suffix}[{k}]" for k in range(count)]

    def listed(self, item: Item, source: str, target: str, suffix: str) -> None:
        """Branches that come by loops or conditions, in a list."""
        if item.split is not None:
            raise self.refused("splits channels among branches of a loop", item)
        counts = {
            len(run.layers) and run.layers[-1].name == JOINS.get(item.join, item.join)
            for run in self.runs(item)
        }
        if False in counts and item.join != "concat":
            raise self.refused("joins a single branch in some places", item)
        name = f"branches{suffix}"
        self.do(f"{name} = []")

        def body(branch: Item) -> None:
            self.run = f"branch{suffix}"
            self.cur = source
            self.items(branch.body)
            self.do(f"{name}.append({self.cur})")

        for branch in item.branches:
            self.look_at(source, item)
            conditions = [branch.condition[1]] if branch.condition else []
            parts = [self.text(node) for node in conditions]
            saved = dict(self.loops)

            def inside(branch: Item = branch, parts: list[str] = parts) -> None:
                texts = list(parts)
                if branch.condition and branch.loops:
                    texts = [self.text(branch.condition[1])]
                if branch.optional_body:
                    own = [self.text(each.condition[1]) for each in branch.body if each.condition]
                    texts.append(
                        f"({' or '.join(own)})" if len(own) > 1 and texts else " or ".join(own)
                    )
                if texts and texts != ["True"]:
                    self.block_of(f"if {' and '.join(texts)}:", lambda: body(branch))
                else:
                    body(branch)

            if branch.loops:
                self.block_of(self.header(branch, branch.loops, "i"), inside)
            else:
                inside()
            self.loops = saved
        self.do(f"{target} = layers.{_JOINED[item.join]}({name})")
        self.cur = target

    # --- loops ------------------------------------------------------------------------------------

    def header(self, item: Item, loops: Sequence[tuple[str, nodes.Node]], index: str) -> str:
        """The head of a ``for``; its names are known in what follows."""
        values = [self.values_of(node, item) for _, node in loops]
        names = []
        for name, _ in loops:
            self.loops[name] = self.vars[name] = self.function.names.fresh(identifier(name))
            self.function.names.taken.discard(self.loops[name])
            names.append(self.loops[name])
        source = values[0] if len(values) == 1 else f"zip({', '.join(values)})"
        listed = ", ".join(names)
        if _uses_index(item):
            self.loops["i"] = index
            many = f"({listed})" if len(names) > 1 else listed
            return f"for {index}, {many} in enumerate({source}):"
        return f"for {listed} in {source}:"

    def values_of(self, node: nodes.Node, item: Item) -> str:
        """The values of a loop: numbers, or tensors by their names."""
        if isinstance(node, nodes.Sequence):
            return tuple_of([self.value_of(part, item) for part in node.items])
        return self.value_of(node, item)

    def value_of(self, node: nodes.Node, item: Item) -> str:
        if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
            found = self.find(node.text, item)
            if found is not None:
                return found.removeprefix("*")
        return self.text(node)

    def loop(self, item: Item) -> None:
        """An item with its rounds: ``for`` outside, then ``if``, then ``repeat``."""
        self.look_at(self.cur, item)
        if item.sources and not (item.rereads or item.walks_sources):
            if len(item.sources) > 1:
                raise self.refused("repeats with several inputs", item)
            self.cur = self.resolve(item.sources[0], item)
        for name, source in item.carry.items():
            target = self.variable(name)
            found = self.resolve(source, item)
            if found != target:
                self.do(f"{target} = {found}")
            self.vars[name] = target
        listed = self.list_of(item)
        run = self.run
        if not item.walks_sources:
            self.settle(run)
        saved = dict(self.loops)
        head = self.header(item, item.loops, "i") if item.loops else ""
        if head:
            self.block_of(head, lambda: self.conditional(item, listed))
        else:
            self.conditional(item, listed)
        self.loops = saved
        self.cur = run
        if item.id and item.id in self.read and any(t == item.id for t in self.texts):
            own = self.variable(item.id)
            self.do(f"{own} = {run}")
            self.vars[item.id] = self.cur = own

    def conditional(self, item: Item, listed: str) -> None:
        """The rounds of a ``repeat``, below the ``if`` of an item."""
        if item.condition is None:
            self.repeated(item, listed)
            return
        self.look_at(self.cur, item)
        condition = self.text(item.condition[1])
        if condition == "True":
            self.repeated(item, listed)
        elif condition != "False":
            self.block_of(f"if {condition}:", lambda: self.repeated(item, listed))

    def repeated(self, item: Item, listed: str) -> None:
        """The rounds of a ``repeat``, or the only one."""
        if item.repeat is None:
            self.turn(item, listed)
            return
        self.look_at(self.cur, item)
        count = self.text(item.repeat[1])
        outer = dict(self.loops)
        index = "i" if _uses_index(item) else "_"
        if index == "i" and "i" in outer.values():
            index = "j"
        self.loops["i"] = index
        self.block_of(f"for {index} in range({count}):", lambda: self.turn(item, listed))
        self.loops = outer

    def turn(self, item: Item, listed: str) -> None:
        """One round, whose tensor the next one reads."""
        run = self.cur = self.run
        sources = item.sources
        if sources and not (item.rereads or item.walks_sources):
            item.sources = []
        try:
            self.once(item, run)
        finally:
            item.sources = sources
        self.settle(run)
        if listed:
            self.do(f"{listed}.append({run})")
        for key, inner in self.lists.items():
            owner, _, rest = key.partition(".")
            if item.id and owner == item.id and item.kind != "block" and rest in self.vars:
                self.do(f"{inner}.append({self.vars[rest]})")

    def list_of(self, item: Item) -> str:
        """The list that holds what each round made, if rounds are read by their number."""
        if not item.id or not any(text.startswith(f"{item.id}[") for text in self.texts):
            return ""
        behind = [t for t in self.texts if t.startswith(f"{item.id}[")]
        for text in behind:
            match = _INDEXED.match(text)
            rest = match[3] if match else None
            key = f"{item.id}.{rest}" if rest else item.id
            if key not in self.lists:
                self.lists[key] = self.function.names.fresh(snake_case(f"{key.replace('.', '_')}s"))
                self.do(f"{self.lists[key]} = []")
            if rest:
                self.read.add(head_of(rest))
        return self.lists.get(item.id, "")

    # --- references -------------------------------------------------------------------------------

    def resolve(self, reference: Reference, item: Item) -> str:
        """The tensor that a reference names, as an expression."""
        found = self.find(reference.text, item)
        if found is None:
            raise self.refused(f"'{reference.text}' is not read in code", item)
        return found

    def find(self, text: str, item: Item) -> str | None:
        """The expression of a tensor; None if there is none of that name."""
        direct = {"prev": self.cur, "input": self.source, **self.vars}
        if text in direct:
            return direct[text]
        match = _INDEXED.match(text)
        if match is None:
            return None
        head, index, rest = match.groups()
        block = self.function.block
        if block is not None and head in block.params and block.params[head].kind == "refs":
            listed = None if rest else self.vars[head]
        else:
            listed = self.lists.get(f"{head}.{rest}" if rest else head)
        if listed is None:
            return None
        return f"*{listed}" if index == "*" else f"{listed}[{self.index(index)}]"

    def index(self, text: str) -> str:
        """The index of a round: a number, or an expression."""
        return written(text, Names(self.lookup, self.called))

    # --- blocks -----------------------------------------------------------------------------------

    def call(self, item: Item, source: str, target: str) -> None:
        """A call of a block's function."""
        assert item.block is not None
        function = self.writer.function_of(item.block)
        arguments = [source, *self.tensors(item, item.block, function)]
        given = {argument.name: argument for argument in item.arguments}
        plain = True
        for name, argument in function.params.items():
            own = given.get(name)
            if own is None:
                plain = False
                continue
            text = self.argument(item, own)
            arguments.append(text if plain else f"{argument.name}={text}")
        for name, argument in function.outer.items():
            arguments.append(f"{argument.name}={self.writer.file_param(self.function, name)}")
        text = f"{function.name}({', '.join(arguments)})"
        if not function.wanted:
            self.do(f"{target} = {text}")
            self.cur = target
            return
        made = [target]
        for rest in function.wanted:
            key = f"{item.id or item.name}.{rest}"
            stem = snake_case(re.sub(r"\W+", "_", key).strip("_"))
            is_read = any(
                t == key or (t.startswith(f"{item.component}[") and t.endswith(f".{rest}"))
                for t in self.texts
            )
            name = self.variable_of(key, stem) if is_read else "_"
            made.append(name)
            if is_read:
                self.vars[key] = name
        self.do(f"{', '.join(made)} = {text}")
        for rest, name in zip(function.wanted, made[1:], strict=True):
            listed = self.lists.get(f"{item.id}.{rest}")
            if listed and name != "_":
                self.do(f"{listed}.append({name})")
        self.cur = target

    def variable_of(self, key: str, stem: str) -> str:
        """The variable of a tensor inside a block that was called."""
        own = f"<in> {key}"
        if own not in self.vars:
            self.vars[own] = self.function.names.fresh(stem)
        return self.vars[own]

    def tensors(self, item: Item, block: Block, function: Function) -> Iterable[str]:
        """The further tensors that a block reads."""
        given = {argument.name: argument for argument in item.arguments}
        for key in function.tensors:
            head, dot, rest = key.partition(".")
            argument = given[head]
            if argument.references is not None:
                found = [self.resolve(each, item) for each in argument.references]
                yield f"[{', '.join(found)}]"
                continue
            assert argument.reference is not None
            yield self.resolve(Reference(argument.reference.text + dot + rest, item.place), item)

    def argument(self, item: Item, argument: Argument) -> str:
        """The value of a block's param; a word stays a word."""
        assert argument.evaluate is not None
        node = argument.node
        values = [argument.evaluate(run.scope) for run in self.runs(item)]
        if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
            known = set(free_names(node))
            scope: set[str] = set(self.function.unit.params) | set(self.loops)
            if self.function.block is not None:
                scope |= set(self.function.block.params)
            if all(value == node.value for value in values) and not known & scope:
                return literal(node.value) if isinstance(values[0], str) else literal(values[0])
        text = self.text(node)
        kind = item.block.params[argument.name].kind if item.block is not None else ""
        if kind in ("int", "size") and any(isinstance(value, float) for value in values):
            return f"int({text})"
        return text


def names_of(node: nodes.Node) -> set[str]:
    """The names in an expression; none in a path to a tensor, which is no expression."""
    try:
        return set(free_names(node))
    except Rejected:
        return set()


def _uses_index(item: Item) -> bool:
    """Whether anything of an item reads the number of its round."""
    found: list[Any] = [argument.node for argument in item.arguments]
    found += [pair[1] for pair in (item.condition, item.repeat, item.split) if pair is not None]
    for each in (*item.body, *item.shortcut, *item.branches):
        if _uses_index(each):
            return True
    found += [node for _, node in item.loops]
    if any("i" in names_of(node) for node in found):
        return True
    return any(re.search(r"\[[^\]]*\bi\b", source.text) for source in item.sources)


def start(body: Body, writer: Any) -> None:
    """The tensors that a function of a block is given."""
    function = body.function
    assert function.block is not None
    needs_source = "input" in body.read or writer.reads_block(function.block)
    function.source = "inputs" if needs_source else "x"
    body.source = body.cur = body.reading = function.source
    body.run = "x"
    function.names.taken.update(LOCALS)
    for key in tensor_keys(function.block):
        function.tensors[key] = function.names.fresh(snake_case(re.sub(r"\W+", "_", key)))
        body.vars[key] = function.tensors[key]
    for name, param in function.block.params.items():
        if param.kind == "refs":
            function.tensors[name] = function.names.fresh(snake_case(name))
            body.vars[name] = function.tensors[name]
