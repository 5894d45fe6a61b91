"""The parsed form of a network file: params, blocks and items, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import Evaluator
from convcalc.model.graph.network import CONTAINER, FUNCTION, METHOD, SUBCLASS
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field

COMPOSITES = ("seq", "residual", "branches")
SIBLINGS = (
    "id",
    "from",
    "repeat",
    "for",
    "if",
    "note",
    "in",
    "shape",
    "share",
    "trainable",
    "functional",
    "subclass",
    "carry",
    "shortcut",
    "split",
    "join",
)
PARAM_TYPES = ("int", "float", "bool", "str", "ref", "refs", "shape", "list", "size")
PARAM_KEYS = ("default", "from", "key", "type", "min", "max", "choices", "multiple_of", "help")
TOP_KEYS = (
    "convcalc",
    "name",
    "description",
    "source",
    "year",
    "note",
    "input",
    "inputs",
    "model",
    "verify",
    "params",
    "functions",
    "variants",
    "imports",
    "blocks",
    "layers",
    "outputs",
    "expect",
    "budgets",
)
# What a layer is in code, by key: what true means, and further words.
FORM_KEYS = {"functional": (FUNCTION, METHOD), "subclass": (SUBCLASS, CONTAINER)}
SHARE_KEYS = ("of", "only")
OF_VARIANT = (
    "input",
    "inputs",
    "outputs",
    "model",
    "verify",
)  # what a variant may set besides params
BRANCH_KEYS = ("for", "if", "layers", "note")
BLOCK_KEYS = ("params", "layers", "description", "note")
JOINS = {"concat": "concat", "add": "add", "mul": "mul", "max": "maximum"}  # word: operator


class Param:
    """A parameter of a file or of a block; ``kind`` is its type, empty for any value."""

    __slots__ = (
        "choices",
        "default",
        "evaluate",
        "help",
        "is_broken",
        "kind",
        "maximum",
        "minimum",
        "multiple_of",
        "name",
        "place",
        "source",
    )

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.source: tuple[nodes.Scalar, nodes.Scalar] | None = None  # a file, and a key of it
        self.kind = ""
        self.default: nodes.Node | None = None  # None: every call must give a value
        self.evaluate: Evaluator | None = None
        self.minimum: float | None = None
        self.maximum: float | None = None
        self.multiple_of: int | None = None
        self.choices: list[Any] | None = None
        self.help = ""
        self.is_broken = False  # its declaration has a problem


class Reference:
    """A reference to a tensor by name, with its place."""

    __slots__ = ("place", "text")

    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place


class Argument:
    """The value that an item gives to a field or param: its node, and evaluator or reference.

    ``references`` are those of a param of the type refs; None for all others.
    """

    __slots__ = ("evaluate", "field", "key", "name", "node", "reference", "references")

    def __init__(self, name: str, node: nodes.Node, key: Place) -> None:
        self.name = name
        self.node = node
        self.key = key
        self.field: Field | None = None
        self.evaluate: Evaluator | None = None
        self.reference: Reference | None = None
        self.references: list[Reference] | None = None


class Item:
    """One entry of a list of layers.

    ``kind`` is ``operator``, ``block``, one of COMPOSITES, or ``broken`` if a problem of the item
    was reported.
    """

    __slots__ = (
        "arguments",
        "block",
        "body",
        "branches",
        "cache",
        "carry",
        "condition",
        "form",
        "id",
        "is_recovered",
        "join",
        "kind",
        "loops",
        "name",
        "note",
        "operator",
        "place",
        "repeat",
        "share",
        "share_only",
        "shortcut",
        "sources",
        "split",
        "stated_channels",
        "stated_shape",
        "trainable",
        "type",
        "word",
    )

    def __init__(self, type_: str, place: Place) -> None:
        self.type = self.word = type_  # the word is what the file says
        self.name = type_.rpartition(".")[2]
        self.place = place
        self.kind = "broken"
        self.is_recovered = False  # it has a problem, but what was meant is clear
        self.id = ""
        self.note = ""
        self.sources: list[Reference] = []
        self.repeat: tuple[Evaluator, nodes.Node] | None = None
        self.loops: list[tuple[str, nodes.Node]] = []
        self.condition: tuple[Evaluator, nodes.Node] | None = None
        self.carry: dict[str, Reference] = {}  # what ids mean in the first round
        self.stated_channels: tuple[Evaluator, nodes.Node] | None = None
        self.stated_shape: tuple[Evaluator, nodes.Node] | None = None
        self.share: Reference | None = None
        self.share_only: tuple[str, ...] = ()  # names of the weights to share; empty: all
        self.trainable = True
        # What it is in code, with the key that states it; by part of a composite, "" for all of it.
        self.form: dict[str, tuple[Evaluator, nodes.Node, str]] = {}
        self.arguments: list[Argument] = []
        self.operator: type[Operator] | None = None
        self.block: Block | None = None
        self.body: list[Item] = []
        self.shortcut: list[Item] = []
        self.branches: list[Item] = []  # of the kind ``seq``, each with its own loops and condition
        self.split: tuple[Evaluator, nodes.Node] | None = None
        self.join = ""
        self.cache: dict[Any, Any] = {}

    def field_place(self, name: str) -> Place | None:
        """The place of an operator's field value; None if the file does not give one."""
        if self.operator is not None:
            for argument in self.arguments:
                if argument.name == name:
                    return argument.node.place
        return None

    def input_place(self, index: int) -> Place | None:
        """The place where ``from`` names an input; None for an input read by default."""
        return self.sources[index].place if index < len(self.sources) else None

    @property
    def indexed(self) -> bool:
        """Whether the item has a loop, so that its path needs an index."""
        return self.repeat is not None or bool(self.loops)

    @property
    def reads_nothing(self) -> bool:
        """Whether it is a learned tensor, or another operator that needs no input and has none."""
        return self.operator is not None and self.operator.arity[0] == 0 and not self.sources

    @property
    def optional_body(self) -> bool:
        """Whether all layers of the body may be left out, since each has an ``if``."""
        bare = [item.condition is None or item.indexed for item in self.body]
        return bool(bare) and not any(bare)

    @property
    def rereads(self) -> bool:
        """Whether ``from`` means another tensor in each round, as it names ``prev``."""
        return any(source.text.partition(".")[0] == "prev" for source in self.sources)

    @property
    def walks_sources(self) -> bool:
        """Whether ``from`` names a variable of ``for``, and so another tensor in each round."""
        names = [name for name, _ in self.loops]
        return any(source.text in names for source in self.sources)

    @property
    def component(self) -> str:
        """Its component in paths: the id, or else the type key without namespace."""
        return self.id or self.name

    @property
    def inner_indexed(self) -> frozenset[str]:
        """The components of a composite's children that need an index."""
        return _several(_inner(self))

    @property
    def transparent(self) -> bool:
        """Whether it is a composite without an id, which adds no level to its children's paths."""
        return self.kind in COMPOSITES and not self.id


class Block:
    """A named list of layers with params, and the file that defines it."""

    __slots__ = ("_indexed", "_least", "body", "calls", "name", "params", "place", "unit")

    def __init__(self, name: str, place: Place, unit: Unit) -> None:
        self.name = name
        self.place = place
        self.unit = unit
        self.params: dict[str, Param] = {}
        self.body: list[Item] = []
        self.calls: list[tuple[Block, Item]] = []
        self._indexed: frozenset[str] | None = None
        self._least: int | None = None

    @property
    def indexed(self) -> frozenset[str]:
        """The path components of its layers that need an index."""
        if self._indexed is None:
            self._indexed = indexed_components(self.body)
        return self._indexed

    @property
    def least(self) -> int:
        """The least number of layers that a call expands to."""
        if self._least is None:
            self._least = least_layers(self.body)
        return self._least


class Unit:
    """One file: its own params, blocks and imports."""

    __slots__ = (
        "blocks",
        "file",
        "functions",
        "given",
        "imports",
        "is_broken",
        "params",
        "root",
        "scope",
        "variants",
    )

    def __init__(self, file: str, root: nodes.Mapping) -> None:
        self.file = file
        self.root = root
        self.params: dict[str, Param] = {}
        self.variants: dict[str, nodes.Mapping] = {}
        self.imports: dict[str, Unit | None] = {}  # None: it could not be read
        self.blocks: dict[str, Block] = {}
        self.functions: dict[str, Any] = {}  # as "w()"; None for one with a problem
        self.scope: dict[str, Any] = {}  # the values of the params, and the functions
        self.given: dict[str, nodes.Node] = {}  # the nodes of these values
        self.is_broken = False  # a param has no value

    def forget_values(self) -> None:
        """Makes the file as if no params had been given yet, for another variant."""
        self.scope = dict(self.functions)
        self.given = {}
        self.is_broken = None in self.functions.values()

    @property
    def names(self) -> frozenset[str]:
        """The names that all of the file may use: params, and functions as ``w()``."""
        return frozenset(self.params) | self.functions.keys()


def inner_items(item: Item) -> Iterator[Item]:
    """All items inside a composite, but not those inside the blocks that it calls."""
    for part in (item.body, item.shortcut, item.branches):
        for each in part:
            yield each
            yield from inner_items(each)


def components(items: list[Item]) -> Iterator[tuple[str, bool]]:
    """The path components that a list of items takes, and whether each may come repeatedly."""
    for item in items:
        if not item.transparent:
            yield item.component, item.indexed
            continue
        yield from ((name, many or item.indexed) for name, many in _inner(item))


def _inner(item: Item) -> Iterator[tuple[str, bool]]:
    """The path components of a composite's children and of what it adds itself."""
    yield from components(item.body)
    if item.kind == "branches":
        yield "branch", True
    if item.shortcut:
        yield "shortcut", False
    if item.kind == "residual" or len(item.branches) > 1 or any(b.loops for b in item.branches):
        yield item.join, False


def indexed_components(items: list[Item]) -> frozenset[str]:
    """The components of a list that need an index: shared by siblings, or repeated."""
    return _several(components(items))


def least_layers(items: list[Item]) -> int:
    """The least number of layers that items expand to; those with ``if`` or loops count as none."""
    return sum(_least_once(item) for item in items if item.condition is None and not item.indexed)


def _least_once(item: Item) -> int:
    if item.block is not None:
        return item.block.least
    parts = [item.body, item.shortcut, item.branches]
    own = 1 if item.kind in ("operator", "residual") else 0
    return own + sum(map(least_layers, parts))


def _several(found: Iterable[tuple[str, bool]]) -> frozenset[str]:
    seen: set[str] = set()
    several: set[str] = set()
    for name, many in found:
        if many or name in seen:
            several.add(name)
        seen.add(name)
    return frozenset(several)
