"""The statements of a function on their way, and what names of the file are in them."""

from __future__ import annotations

import re
from collections.abc import Callable

from convcalc.exporting.expressions import rendered, written
from convcalc.exporting.keras.function import LOCALS, Function
from convcalc.exporting.keras.functions import Functions
from convcalc.exporting.naming import snake_case
from convcalc.exporting.references import head_of, names_of, nodes_of, own_texts, tensor_keys
from convcalc.exporting.refusal import Refused
from convcalc.exporting.walking import Walker
from convcalc.language.parse.tree import Block, Item, Reference, inner_items
from convcalc.language.syntax import nodes
from convcalc.model.geometry.sizes import axis_names

_SIZES = ("length", "depth", "height", "width", "positions")
INDEXED = re.compile(r"([^.\[]+)\[(.+?)\](?:\.(.+))?$")


class Body(Walker[str]):
    """The statements of one function.

    ``cur`` is the tensor that the next item reads, ``run`` the variable that items assign,
    ``source`` what enters the function, ``reading`` the tensor whose sizes expressions name.
    """

    def __init__(self, writer: Functions, function: Function) -> None:
        self.writer = writer
        self.trace = writer.trace
        self.function = function
        self.depth = 1
        self.level = 0  # of residuals and branches in each other
        self.cur = self.run = "x"
        self.source = ""
        self.reading = "x"
        self.rank: int | None = None
        self.vars: dict[str, str] = {}  # tensors by reference
        self.lists: dict[str, str] = {}  # variables that hold a tensor of each round, by reference
        self.loops: dict[str, str] = {}  # variables of loops by their name in the file
        self.texts = [*own_texts(function.items), *function.wanted]
        self.read = {head_of(text) for text in self.texts}

    # --- statements -------------------------------------------------------------------------------

    def do(self, text: str) -> None:
        """Adds a statement."""
        self.function.lines.append((self.depth, text))

    def block_of(self, head: str, inside: Callable[[], None]) -> None:
        """Statements below a head; nothing if there are none."""
        self.do(head)
        count = len(self.function.lines)
        self.depth += 1
        inside()
        self.depth -= 1
        if len(self.function.lines) == count:
            self.function.lines.pop()

    def assign(self, target: str, expression: str) -> None:
        """Makes the tensor that the next item reads."""
        self.do(f"{target} = {expression}")
        self.cur = target

    def settle(self, target: str) -> None:
        """Gives the latest tensor the name of a variable that may be overwritten."""
        if self.cur != target:
            self.assign(target, self.cur)

    def refused(self, why: str, item: Item | None = None) -> Refused:
        """The exception for what cannot be written."""
        place = (item or self.function.items[0]).place
        what = item.type if item is not None else self.function.name
        return Refused(what, f"{what} {why}", place)

    # --- expressions ------------------------------------------------------------------------------

    def text(self, node: nodes.Node, words: tuple[str, ...] = ()) -> str:
        """An expression of the file as Python."""
        names = self.writer.formulas.names(self.function.unit, self.lookup)
        return rendered(node, names, words)

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

    def look_at(self, tensor: str, item: Item) -> None:
        """Sizes in expressions are those of this tensor."""
        self.reading = tensor
        ranks = {run.source.rank for run in self.runs(item) if run.source is not None}
        self.rank = ranks.pop() if len(ranks) == 1 else None

    # --- tensors ----------------------------------------------------------------------------------

    def target(self, item: Item) -> str:
        """The variable that an item assigns: its own if it is read by its id."""
        if item.id and item.id in self.read and not item.indexed:
            return self.variable(item.id)
        return self.run

    def variable(self, id_: str) -> str:
        """The variable of an id."""
        return self.variable_of(f"<id> {id_}", snake_case(id_))

    def variable_of(self, key: str, stem: str) -> str:
        """The variable that is kept under a key; a new one of the name ``stem`` at first."""
        if key not in self.vars:
            self.vars[key] = self.function.names.fresh(stem)
        return self.vars[key]

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
        match = INDEXED.match(text)
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
        return written(text, self.writer.formulas.names(self.function.unit, self.lookup))

    # --- the start of a function ------------------------------------------------------------------

    def start(self, block: Block) -> None:
        """The tensors that the function of a block is given."""
        function = self.function
        function.source = "inputs" if "input" in self.read or _names_block(block) else "x"
        self.source = self.cur = self.reading = function.source
        function.names.taken.update(LOCALS)
        for key in tensor_keys(block):
            function.tensors[key] = function.names.fresh(snake_case(re.sub(r"\W+", "_", key)))
            self.vars[key] = function.tensors[key]
        for name, param in block.params.items():
            if param.kind == "refs":
                function.tensors[name] = function.names.fresh(snake_case(name))
                self.vars[name] = function.tensors[name]


def _names_block(block: Block) -> bool:
    """Whether an expression of a block names sizes of what enters it."""
    items = [each for item in block.body for each in (item, *inner_items(item))]
    names = {name for each in items for node in nodes_of(each) for name in names_of(node)}
    return any(name.partition(".")[0] == "block" for name in names)
