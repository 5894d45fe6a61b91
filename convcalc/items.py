"""Lists of layers -> items: which operator, block or composite, with which arguments.

Everything that can be said without knowing a shape is said here, once per place in the file:
unknown keys, missing fields, names that nobody defined, expressions that do not parse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from convcalc import document as doc
from convcalc.decode import (
    Evaluator,
    Rejected,
    evaluator,
    field_evaluator,
    field_words,
    free_names,
)
from convcalc.diagnostics import Diagnostic, Place, Related, nearest
from convcalc.fields import Field
from convcalc.operator import fields_of, operator_class, operator_names
from convcalc.spec import COMPOSITES, JOINS, SIBLINGS, Argument, Block, Item, Reference, Unit
from convcalc.synonyms import FIELD_SYNONYMS, OPERATOR_SYNONYMS


class Broken(Exception):
    """An item depends on something whose problem was reported already."""


class Items:
    """Reads the lists of layers of one file; problems go to ``report``."""

    def __init__(self, unit: Unit, report: Callable[[Diagnostic], None]) -> None:
        self.unit = unit
        self.report = report
        self.calls: list[tuple[Block, Place]] = []  # block calls of the list being read
        self.ids: dict[str, Place] = {}  # ids of the block being read
        self.taken: frozenset[str] = frozenset()  # names that no id of the block may have

    def problem(
        self, name: str, message: str, place: Place, advice: str = "", *related: Related
    ) -> None:
        """Reports one problem."""
        self.report(Diagnostic(name, message, place, advice, related))

    def block_body(
        self, node: doc.Node | None, names: frozenset[str], taken: Iterable[str]
    ) -> tuple[list[Item], list[tuple[Block, Place]]]:
        """The items of a block and the calls in it; ``taken`` are names that no id may have."""
        self.calls = []
        self.ids = {}
        self.taken = frozenset(taken)
        return self.body(node, names), self.calls

    def body(self, node: doc.Node | None, names: frozenset[str]) -> list[Item]:
        """The items of a list, or of a single item; ``names`` are those in scope."""
        if node is None or (isinstance(node, doc.Scalar) and node.value is None):
            return []
        nodes = node.items if isinstance(node, doc.Sequence) else [node]
        return [item for each in nodes if (item := self.item(each, names))]

    def item(self, node: doc.Node, names: frozenset[str]) -> Item | None:
        """One item; None if not even its type can be told."""
        if isinstance(node, doc.Scalar) and isinstance(node.value, str):
            item = Item(node.text, node.place)
            self.resolve(item, None, names)
            return item
        if not isinstance(node, doc.Mapping):
            what = "a list" if isinstance(node, doc.Sequence) else f"'{node.text}'"
            message = f"{what} stands where a layer is expected"
            advice = "group layers with 'seq: [...]'" if what == "a list" else ""
            self.problem("wrong-type", message, node.place, advice)
            return None
        key = self.type_key(node)
        if key is None:
            return None
        item = Item(key.text, key.place)
        names = self.siblings(item, node, names)
        broken = item.kind == "failed"
        self.resolve(item, node.get(key.text), names)
        if broken:
            item.kind = "broken"
        return item

    def type_key(self, node: doc.Mapping) -> doc.Scalar | None:
        """The one key that names the layer's type; the others must be siblings."""
        candidates = [key for key, _ in node.entries if key.text not in SIBLINGS]
        if not candidates:
            message = "no layer type among the keys " + ", ".join(k.text for k, _ in node.entries)
            advice = "an item needs one type key, for instance 'conv' or a block's name"
            self.problem("missing-key", message, node.place, advice)
            return None
        if len(candidates) == 1:
            return candidates[0]
        types = [key for key in candidates if self.is_type(key.text)]
        if len(types) > 1:
            message = f"'{types[0].text}' and '{types[1].text}' are two layers in one item"
            self.problem("unknown-key", message, types[1].place, "write them as two items")
        chosen = (types or candidates)[0]
        for key in candidates:
            if key is not chosen and key not in types:
                self.unknown_key(key, SIBLINGS, f"beside '{chosen.text}'")
        return chosen

    def is_type(self, text: str) -> bool:
        """Whether a key names an operator, a block or a composite."""
        head = text.partition(".")[0]
        if text in COMPOSITES or text in self.unit.blocks or head in self.unit.imports:
            return True
        return text.isidentifier() and text in operator_names()

    def unknown_key(self, key: doc.Scalar, valid: Iterable[str], where: str) -> str:
        """Reports a key that means nothing here; returns what was probably meant."""
        valid = list(valid)
        synonym = FIELD_SYNONYMS.get(key.text.lower(), "")
        if not synonym and not nearest(key.text, valid):
            synonym = FIELD_SYNONYMS.get(nearest(key.text.lower(), FIELD_SYNONYMS), "")
        close = synonym if synonym in valid else nearest(key.text, valid)
        advice = f"use '{close}'" if close else f"valid keys: {', '.join(valid)}"
        if key.text in ("in_channels", "in_features"):
            close, advice = "", "input channels are inferred; state them with 'in:' if you like"
        self.problem("unknown-key", f"unknown key '{key.text}' {where}", key.place, advice)
        return close

    # --- siblings -----------------------------------------------------------------------------

    def siblings(self, item: Item, node: doc.Mapping, names: frozenset[str]) -> frozenset[str]:
        """Reads what stands beside the type key; returns the names in scope for the fields."""
        try:
            if loops := node.get("for"):
                names |= self.read_loops(item, loops, names)
            item.condition = self.value(node, "if", names)
            item.repeat = self.value(node, "repeat", names)
            if item.repeat is not None:
                names |= {"i"}
            self.read_id(item, node)
            item.sources = self.references(node.get("from"), "from")
            item.stated_channels = self.value(node, "in", names)
            item.stated_shape = self.value(node, "shape", names)
            shared = self.references(node.get("share"), "share")
            item.share = shared[0] if shared else None
            item.note = self.text(node.get("note"))
            item.trainable = self.trainable(node.get("trainable"))
            self.composite_keys(item, node, names)
        except Rejected as error:
            self.report(error.diagnostic)
            item.kind = "failed"
        return names

    def value(
        self, node: doc.Mapping, key: str, names: frozenset[str]
    ) -> tuple[Evaluator, doc.Node] | None:
        """The evaluator of an optional sibling."""
        found = node.get(key)
        if found is None:
            return None
        self.require_names(found, names)
        return evaluator(found), found

    def require_names(
        self, node: doc.Node, names: frozenset[str], words: tuple[str, ...] = ()
    ) -> None:
        """Rejects an expression that uses a name nobody defined."""
        for name, where in free_names(node, words).items():
            if name in names:
                continue
            advice = ""
            if name == "i":
                advice = "'i' exists only in an item with 'repeat' or 'for'"
            elif close := nearest(name, [*names, *words]):
                advice = f"use '{close}'"
            elif names | set(words):
                advice = f"names in scope: {', '.join(sorted(names | set(words)))}"
            column = where.place.column + max(where.text.find(name), 0)
            place = where.place
            if where.plain and place.end:
                place = place._replace(column=column, end=column + len(name))
            raise Rejected(Diagnostic("unknown-name", f"unknown name '{name}'", place, advice))

    def read_loops(self, item: Item, node: doc.Node, names: frozenset[str]) -> frozenset[str]:
        """``for: {c: [...], n: depths}``: named lists that are walked together."""
        if not isinstance(node, doc.Mapping) or not node.entries:
            message = "'for' needs a mapping of names to lists"
            raise Rejected(
                Diagnostic("wrong-type", message, node.place, "for: {c: [64, 128], n: [2, 3]}")
            )
        item.loops = [(key.text, value) for key, value in node.entries]
        return frozenset(key for key, _ in item.loops) | {"i"}

    def read_id(self, item: Item, node: doc.Mapping) -> None:
        """An id is unique in its block and hides nothing."""
        found = node.get("id")
        if found is None:
            return
        text = self.text(found)
        if not text.isidentifier():
            message = f"id '{text}' is no name"
            advice = "a letter, then letters, digits and underscores"
            raise Rejected(Diagnostic("wrong-type", message, found.place, advice))
        if text in self.taken:
            message = f"id '{text}' is the name of an input or of a param"
            raise Rejected(Diagnostic("duplicate-id", message, found.place))
        if text in self.ids:
            related = (Related(self.ids[text], "first defined here"),)
            message = f"id '{text}' is used twice"
            self.problem("duplicate-id", message, found.place, "", *related)
        self.ids.setdefault(text, found.place)
        item.id = text

    def text(self, node: doc.Node | None) -> str:
        """A text as it is written."""
        if node is None:
            return ""
        if not isinstance(node, doc.Scalar):
            raise Rejected(Diagnostic("wrong-type", "a text is expected", node.place))
        return node.text

    def trainable(self, node: doc.Node | None) -> bool:
        """True unless the file says false."""
        if node is None:
            return True
        if not isinstance(node, doc.Scalar) or not isinstance(node.value, bool):
            message = "'trainable' must be true or false"
            raise Rejected(Diagnostic("wrong-type", message, node.place))
        return node.value

    def references(self, node: doc.Node | None, key: str) -> list[Reference]:
        """The name of a tensor, or a list of names."""
        if node is None:
            return []
        nodes = node.items if isinstance(node, doc.Sequence) else [node]
        for each in nodes:
            if not isinstance(each, doc.Scalar) or not isinstance(each.value, str):
                message = f"'{key}' needs the id of a layer, 'prev' or 'input'"
                raise Rejected(Diagnostic("wrong-type", message, each.place))
        return [Reference(each.text, each.place) for each in nodes if isinstance(each, doc.Scalar)]

    def composite_keys(self, item: Item, node: doc.Mapping, names: frozenset[str]) -> None:
        """``shortcut``, ``split`` and ``join``, each where it belongs."""
        homes = {"shortcut": ("residual",), "split": ("branches",), "join": COMPOSITES[1:]}
        for key, homes_of_key in homes.items():
            if key in node.keys and item.type not in homes_of_key:
                message = f"'{key}' belongs to {' and '.join(homes_of_key)}, not to '{item.type}'"
                raise Rejected(Diagnostic("unknown-key", message, node.keys[key].place))
        item.shortcut = self.body(node.get("shortcut"), names)
        item.join = self.text(node.get("join")) or ("add" if item.type == "residual" else "concat")
        if item.join not in JOINS:
            close = nearest(item.join, JOINS)
            advice = f"use '{close}'" if close else ""
            message = f"join is {item.join}, but must be one of: {', '.join(JOINS)}"
            raise Rejected(Diagnostic("wrong-type", message, node.keys["join"].place, advice))
        item.join = JOINS[item.join]
        split = node.get("split")
        if split is not None:
            words = ("channels", "copy")
            self.require_names(split, names, words)
            item.split = evaluator(split, words), split

    # --- types --------------------------------------------------------------------------------

    def resolve(self, item: Item, value: doc.Node | None, names: frozenset[str]) -> None:
        """Finds the operator, block or composite, and reads its arguments."""
        if isinstance(value, doc.Scalar) and value.value is None:
            value = None
        try:
            if item.type in COMPOSITES:
                self.composite(item, value, names)
            elif item.type[:1].isupper() or "." in item.type:
                self.block_call(item, value, names)
            else:
                self.operator(item, value, names)
        except Broken:
            item.kind = "broken"
        except Rejected as error:
            self.report(error.diagnostic)
            item.kind = "broken"

    def composite(self, item: Item, value: doc.Node | None, names: frozenset[str]) -> None:
        """``seq``, ``residual``, ``branches``."""
        if not isinstance(value, doc.Sequence):
            message = f"'{item.type}' needs a list of layers"
            raise Rejected(Diagnostic("wrong-type", message, value.place if value else item.place))
        item.kind = item.type
        if item.type == "branches":
            item.branches = [self.body(branch, names) for branch in value.items]
            if not item.branches:
                raise Rejected(Diagnostic("wrong-type", "'branches' is empty", value.place))
        else:
            item.body = self.body(value, names)

    def block_call(self, item: Item, value: doc.Node | None, names: frozenset[str]) -> None:
        """A block of this file or of an import."""
        block = self.find_block(item)
        item.block = block
        self.calls.append((block, item.place))
        valid = block.params
        given, misspelt = self.arguments(item, value, dict.fromkeys(valid, ""))
        for argument in given:
            param = valid[argument.name]
            if param.kind == "ref":
                argument.reference = self.references(argument.node, argument.name)[0]
                continue
            words = self.literal(param.kind, argument.node, names)
            self.require_names(argument.node, names, words)
            argument.evaluate = evaluator(argument.node, words)
        required = [name for name, param in valid.items() if param.default is None]
        item.arguments = given
        item.kind = "block"
        self.require(item, required, given, misspelt)

    @staticmethod
    def literal(kind: str, node: doc.Node, names: frozenset[str]) -> tuple[str, ...]:
        """The text of a str param's argument, if it stands for itself."""
        if kind == "str" and isinstance(node, doc.Scalar) and node.text not in names:
            return (node.text,)
        return ()

    def find_block(self, item: Item) -> Block:
        """The block that a type key names."""
        namespace, _, name = item.type.rpartition(".")
        home: Unit | None = self.unit
        if namespace:
            home = self.unit.imports.get(namespace)
            if namespace not in self.unit.imports:
                close = nearest(namespace, self.unit.imports)
                advice = f"use '{close}.{name}'" if close else "name the file under 'imports:'"
                message = f"nothing is imported as '{namespace}'"
                raise Rejected(Diagnostic("unknown-name", message, item.place, advice))
        if home is None:  # the import failed, which was reported there
            raise Broken
        if name not in home.blocks:
            choices = [*home.blocks]
            close = nearest(name, choices)
            prefix = f"{namespace}." if namespace else ""
            advice = f"use '{prefix}{close}'" if close else ""
            if not close:
                listed = ", ".join(choices)
                advice = f"blocks here: {listed}" if choices else "define it under 'blocks:'"
            raise Rejected(
                Diagnostic("unknown-name", f"no block is called '{item.type}'", item.place, advice)
            )
        return home.blocks[name]

    def operator(self, item: Item, value: doc.Node | None, names: frozenset[str]) -> None:
        """An operator with its fields, or with the list of its inputs."""
        item.operator = self.find_operator(item)
        declared = fields_of(item.operator)
        several = item.operator.arity[1] != 1
        if isinstance(value, doc.Sequence) and several:
            if item.sources:
                message = f"'{item.type}' has its inputs twice: as a list and with 'from'"
                raise Rejected(Diagnostic("duplicate-key", message, value.place))
            item.sources = self.references(value, item.type)
            value = None
        shorts = {name: field.short for name, field in declared.items()}
        given, misspelt = self.arguments(item, value, shorts)
        for argument in given:
            field = declared[argument.name]
            argument.field = field
            if field.kind == "layer":
                argument.reference = self.references(argument.node, argument.name)[0]
                continue
            words = self.words_of(field, argument.node)
            self.require_names(argument.node, names, words)
            argument.evaluate = field_evaluator(field, argument.node)
        item.arguments = given
        item.kind = "operator"
        required = [name for name, field in declared.items() if field.required]
        self.require(item, required, given, misspelt)

    @staticmethod
    def words_of(field: Field, node: doc.Node) -> tuple[str, ...]:
        """The bare words of a field's value; a word field judges its text itself."""
        if field.kind in ("word", "count") and isinstance(node, doc.Scalar):
            return (node.text,)
        return field_words(field)

    def find_operator(self, item: Item) -> type:
        """The operator that a type key names."""
        try:
            return operator_class(item.type)
        except KeyError as error:
            bare = item.type.lower().removesuffix("1d").removesuffix("2d").removesuffix("3d")
            choices = [*operator_names(), *COMPOSITES, *self.unit.blocks]
            close = OPERATOR_SYNONYMS.get(bare.rstrip("_"), "") or (bare if bare in choices else "")
            close = close or error.args[0] or nearest(item.type, choices)
            advice = f"use '{close}'" if close else "'convcalc list operators' shows them all"
            message = f"no operator is called '{item.type}'"
            raise Rejected(Diagnostic("unknown-operator", message, item.place, advice)) from None

    def arguments(
        self, item: Item, value: doc.Node | None, shorts: dict[str, str]
    ) -> tuple[list[Argument], set[str]]:
        """The given fields under their full names, and what unknown keys probably meant."""
        if value is None:
            return [], set()
        if not isinstance(value, doc.Mapping):
            example = ", ".join(f"{name}: …" for name in list(shorts)[:2])
            advice = f"{item.type}: {{{example}}}" if example else f"'{item.type}' has no fields"
            message = f"the fields of '{item.type}' are a mapping"
            raise Rejected(Diagnostic("wrong-type", message, value.place, advice))
        full = {short: name for name, short in shorts.items() if short}
        found: dict[str, Argument] = {}
        misspelt: set[str] = set()
        for key, node in value.entries:
            name = full.get(key.text, key.text)
            if name not in shorts:
                misspelt.add(self.unknown_key(key, shorts, f"in '{item.type}'"))
            elif name in found:
                related = Related(found[name].key, "first given here")
                message = f"'{name}' is given twice"
                self.problem("duplicate-key", message, key.place, "", related)
            else:
                found[name] = Argument(name, node, key.place)
        return list(found.values()), misspelt

    def require(
        self, item: Item, required: list[str], given: list[Argument], misspelt: set[str]
    ) -> None:
        """Every required field must be there; one that was misspelt is one problem, not two."""
        present = {argument.name for argument in given} | misspelt
        missing = [name for name in required if name not in present]
        if missing:
            listed = " and ".join(f"'{name}'" for name in missing)
            message = f"'{item.type}' needs {listed}"
            self.problem("missing-key", message, item.place)
        if missing or misspelt:
            item.kind = "broken"
