"""Parses lists of layers into items: the type key of each, and the keys beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.rejection import Recovered, Rejected, rejected
from convcalc.diagnostics.suggestion import advise, nearest, use
from convcalc.diagnostics.work import current
from convcalc.language.parse.arguments import (
    Names,
    hidden_sizes,
    is_type,
    read_block_call,
    read_operator_call,
    reference,
    references,
    require_names,
)
from convcalc.language.parse.tree import (
    BRANCH_KEYS,
    COMPOSITES,
    FORM_KEYS,
    JOINS,
    SHARE_KEYS,
    SIBLINGS,
    Block,
    Item,
    Reference,
    Unit,
    inner_items,
)
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import Evaluator, evaluator, form_evaluator
from convcalc.language.syntax.sizes import AXES
from convcalc.model.operators.registry import families
from convcalc.model.operators.words import guess_operator, key_advice, meant_key


class Items:
    """Reads the lists of layers of one block; problems go to ``report``.

    ``reserved`` are names that no id may have; ``calls`` collects the calls of other blocks.
    """

    def __init__(
        self, unit: Unit, report: Callable[..., None], reserved: Iterable[str] = ()
    ) -> None:
        self.unit = unit
        self.report = report
        self.reserved = frozenset(reserved)
        self.calls: list[tuple[Block, Item]] = []
        self.ids: dict[str, Place] = {}

    def read_items(self, node: nodes.Node | None, names: Names) -> list[Item]:
        """Reads a list of items, or a single one; ``names`` are those in scope."""
        if node is None or (isinstance(node, nodes.Scalar) and node.value is None):
            return []
        parts: list[nodes.Node] = [node]
        if isinstance(node, nodes.Sequence):
            parts = node.items
        elif isinstance(node, nodes.Mapping) and (found := self.unlisted_names(node)):
            parts = found
        elif isinstance(node, nodes.Mapping) and self.is_unlisted(node):
            from convcalc.language.parse.misread import unlisted  # for errors alone

            parts = unlisted(node, self.report)
        return [self.read_item(each, names) for each in parts]

    def is_unlisted(self, node: nodes.Mapping) -> bool:
        """Whether a mapping is a list of layers whose items lack their dashes."""
        return sum(is_type(key.text, self.unit) for key, _ in node.entries) > 1

    def unlisted_names(self, node: nodes.Mapping) -> list[nodes.Node]:
        """The items of a mapping from ids to layers, which is reported; none for another one."""
        if any(is_type(key.text, self.unit) or key.text in SIBLINGS for key, _ in node.entries):
            return []
        from convcalc.language.parse.misread import named

        return named(node, self.unit, self.report)

    def read_item(self, node: nodes.Node, names: Names) -> Item:
        """Reads one item; its kind is ``broken`` if it has a problem."""
        item = Item("", node.place)
        try:
            key = self.type_key(node)
            item = Item(key.text, key.place)
            value = node.get(key.text) if isinstance(node, nodes.Mapping) else None
            whole = node.whole
            if isinstance(node, nodes.Mapping):
                names, fine = self.read_siblings(item, node, names)
                whole = whole and fine
            self.resolve(item, value, names)
            self.check_carry(item)
            if not names.isdisjoint(AXES):
                self.report(*hidden_sizes(item, names))
        except Recovered as error:
            self.report(*error.diagnostics)
            item.is_recovered = True
        except Rejected as error:
            self.report(*error.diagnostics)
            whole = False
        if not whole:
            item.kind = "broken"
            item.id = item.id or self.lost_id(node)
        return item

    def lost_id(self, node: nodes.Node) -> str:
        """The id that a broken item was meant to have, so that naming it is not a further error."""
        if not isinstance(node, nodes.Mapping):
            return ""
        for key, value in node.entries:
            if isinstance(value, nodes.Scalar) and nearest(key.text, ("id",)):
                taken = value.text in self.ids or value.text in self.reserved
                return value.text if value.text.isidentifier() and not taken else ""
        return ""

    # --- the type key -------------------------------------------------------------------------

    def type_key(self, node: nodes.Node) -> nodes.Scalar:
        """Finds the one key that names the layer's type; all others must be SIBLINGS."""
        if not node.whole and not isinstance(node, nodes.Mapping):
            raise Rejected
        if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
            if " " in node.text:
                from convcalc.language.parse.misread import uncoloned  # for errors alone

                uncoloned(node)
            return node
        if not isinstance(node, nodes.Mapping):
            what = "a list" if isinstance(node, nodes.Sequence) else f"'{node.text}'"
            message = f"{what} is given where a layer is expected"
            advice = "group layers with 'seq: [...]'" if what == "a list" else ""
            raise rejected("wrong-type", message, node.place, advice)
        candidates = [key for key, _ in node.entries if key.text not in SIBLINGS]
        if len(candidates) == 1 and (candidates[0].text in families() or _may_name(candidates[0])):
            return candidates[0]
        if not candidates:
            raise self.no_type(node)
        types = [key for key in candidates if is_type(key.text, self.unit)]
        if len(types) > 1:
            message = f"'{types[0].text}' and '{types[1].text}' are two layers in one item"
            raise rejected("unknown-key", message, types[1].place, "write them as two items")
        return self.type_among(node, candidates, types)

    def type_among(
        self, node: nodes.Mapping, candidates: list[nodes.Scalar], types: list[nodes.Scalar]
    ) -> nodes.Scalar:
        """The type key of an item with keys that it cannot have, which are reported."""
        from convcalc.language.parse import misread  # for errors alone

        misread.uncoloned(*candidates)
        if not types and (typed := misread.typed(node, self.unit, self.report)):
            return typed
        chosen = (types or candidates)[0]
        others = [key for key in candidates if key is not chosen]
        if misread.nest(node, chosen, others, self.unit, self.report):
            return chosen
        for key in others:
            message = f"unknown key '{key.text}' beside '{chosen.text}'"
            advice = key_advice(key.text, SIBLINGS)
            self.report(Diagnostic("unknown-key", message, key.place, advice))
            meant = meant_key(key.text, SIBLINGS)
            if meant and meant not in node.keys:
                node.put(key.renamed(meant), node.get(key.text) or key)
            else:
                node.whole = False
        return chosen

    @staticmethod
    def no_type(node: nodes.Mapping) -> Rejected:
        """The exception for an item without a type; without problems if part of it was refused."""
        if not node.whole:
            return Rejected()
        keys = ", ".join(f"'{key.text}'" for key, _ in node.entries)
        message = f"no layer type among the keys {keys}" if keys else "an item without a layer type"
        advice = "an item needs one type key, for instance 'conv' or a block's name"
        if len(node.entries) == 1 and (meant := guess_operator(node.entries[0][0].text)):
            return rejected("missing-key", message, node.entries[0][0].place, use(meant))
        return rejected("missing-key", message, node.place, advice)

    def resolve(self, item: Item, value: nodes.Node | None, names: Names) -> None:
        """Finds the operator, block or composite of an item, and reads its arguments."""
        if isinstance(value, nodes.Scalar) and value.value is None and value.whole:
            value = None
        if item.type in COMPOSITES:
            self.read_composite(item, value, names)
        elif item.type in families():
            read_operator_call(item, value, names, self.unit)
        elif self.is_block(item.type):
            try:
                read_block_call(item, value, names, self.unit)
            finally:
                if item.kind == "block" and item.block is not None:
                    self.calls.append((item.block, item))
        else:
            read_operator_call(item, value, names, self.unit)

    def is_block(self, text: str) -> bool:
        """Whether a type key is the name of a block, and not that of a class elsewhere."""
        namespace, _, name = text.rpartition(".")
        if text in self.unit.blocks or namespace in self.unit.imports:
            return True
        if not text[:1].isupper() and not namespace:
            return False
        return bool(nearest(name, self.unit.blocks)) or guess_operator(text) not in families()

    def read_composite(self, item: Item, value: nodes.Node | None, names: Names) -> None:
        """Reads ``seq``, ``residual`` or ``branches``."""
        if item.type == "branches" and isinstance(value, nodes.Mapping) and "for" in value.keys:
            item.branches = [self.read_branch(value, names)]
        elif not isinstance(value, nodes.Sequence):
            what = "branches" if item.type == "branches" else "layers"
            message = f"'{item.type}' needs a list of {what}"
            advice = "or {for: {r: rates}, layers: [...]}" if what == "branches" else ""
            raise rejected("wrong-type", message, value.place if value else item.place, advice)
        elif item.type == "branches":
            item.branches = [self.read_branch(branch, names) for branch in value.items]
            if not item.branches:
                raise rejected("wrong-type", "'branches' is empty", value.place)
        else:
            item.body = self.read_items(value, names)
        item.kind = item.type
        if item.loops and len(item.branches) == 1 and not item.branches[0].loops:
            message = "'for' beside 'branches' repeats the whole, which has one branch only"
            advice = "branches: {for: {...}, layers: [...]} has a branch for each round"
            raise rejected("wrong-type", message, item.loops[0][1].place, advice)

    def read_branch(self, node: nodes.Node, names: Names) -> Item:
        """Reads one branch: a list of layers, a single one, or ``{for: …, if: …, layers: …}``.

        What a single layer says with ``for`` and ``if`` holds for the branch: there is one branch
        per round, and none where the condition is false.
        """
        branch = Item("branch", node.place)
        branch.kind = "seq"
        if isinstance(node, nodes.Mapping) and "layers" in node.keys:
            for key, _ in node.entries:
                if key.text not in BRANCH_KEYS:
                    advice = advise(key.text, BRANCH_KEYS, "valid keys:")
                    message = f"unknown key '{key.text}' in a branch"
                    raise rejected("unknown-key", message, key.place, advice)
            inner = names | self.read_loops(branch, node, names)
            branch.body = self.read_items(node.get("layers"), inner)
            return branch
        branch.body = self.read_items(node, names)
        if isinstance(node, nodes.Mapping):
            (only,) = branch.body
            branch.loops, only.loops = only.loops, []
            branch.condition, only.condition = only.condition, None
        return branch

    # --- siblings -----------------------------------------------------------------------------

    def read_siblings(self, item: Item, node: nodes.Mapping, names: Names) -> tuple[Names, bool]:
        """Reads the keys beside the type key.

        Returns the names in scope for the fields, and whether there was no problem.
        """
        fine = True
        for read in (
            self.read_loops,
            self.read_repeat,
            self.read_identity,
            self.read_statements,
            self.read_form,
            self.read_carry,
            self.read_composite_keys,
        ):
            try:
                if inner := read(item, node, names):
                    current().spend(len(names) // 32, "names in scope")
                    names |= inner
            except Rejected as error:
                self.report(*error.diagnostics)
                fine = False
        return names, fine

    def read_value(
        self, node: nodes.Mapping, key: str, names: Names
    ) -> tuple[Evaluator, nodes.Node] | None:
        """The evaluator and node of an optional key; None if it is absent."""
        found = node.get(key)
        if found is None:
            return None
        require_names(found, names)
        return evaluator(found), found

    def read_loops(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``for: {c: [...], n: depths}``, lists iterated together, and ``if``."""
        found = node.get("for")
        inner: Names = frozenset()
        if found is not None:
            if not isinstance(found, nodes.Mapping) or not found.entries:
                message = "'for' needs a mapping of names to lists"
                raise rejected("wrong-type", message, found.place, "for: {c: [64, 128], n: [2, 3]}")
            item.loops = [(key.text, value) for key, value in found.entries]
            inner = frozenset(name for name, _ in item.loops) | {"i"}
        item.condition = self.read_value(node, "if", names | inner if inner else names)
        return inner

    def read_repeat(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``repeat``, in which ``i`` is the index."""
        found = node.get("repeat")
        if isinstance(found, nodes.Mapping):
            message = "'repeat' needs a number of rounds"
            advice = "repeat: 12, and beside it carry: {state: start}"
            raise rejected("wrong-type", message, found.place, advice)
        item.repeat = self.read_value(node, "repeat", names)
        return frozenset({"i"}) if item.repeat is not None else frozenset()

    def read_identity(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``note`` and ``id``, which must be unique in its block."""
        item.note = _text(node.get("note"))
        found = node.get("id")
        if found is None:
            return frozenset()
        text = _text(found)
        if not text.isidentifier():
            advice = "a letter, then letters, digits and underscores"
            raise rejected("wrong-type", f"id '{text}' is not a name", found.place, advice)
        if text in self.reserved:
            message = f"id '{text}' is the name of an input or of a param"
            advice = "give the layer or the param another name"
            raise rejected("duplicate-id", message, found.place, advice)
        item.id = text
        if text in self.ids:
            related = (Related(self.ids[text], "first defined here"),)
            message = f"id '{text}' is used twice"
            raise Rejected(Diagnostic("duplicate-id", message, found.place, "", related))
        self.ids[text] = found.place
        return frozenset()

    def read_statements(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``from``, ``in``, ``shape``, ``share`` and ``trainable``."""
        item.sources = references(node.get("from"), "from")
        item.stated_channels = self.read_value(node, "in", names)
        item.stated_shape = self.read_value(node, "shape", names)
        if (shared := node.get("share")) is not None:
            item.share, item.share_only = self.read_share(shared)
        trainable = node.get("trainable")
        if trainable is not None:
            if not isinstance(trainable, nodes.Scalar) or not isinstance(trainable.value, bool):
                message = "'trainable' must be true or false"
                raise rejected("wrong-type", message, trainable.place)
            item.trainable = trainable.value
        return frozenset()

    def read_form(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``functional`` or ``subclass``: what a layer is in code, if no plain module."""
        given = [(key, found) for key in FORM_KEYS if (found := node.get(key)) is not None]
        for key, found in given:
            if len(given) > 1:
                message = "a layer is 'functional' or a 'subclass', not both"
                raise rejected("unknown-key", message, node.keys["subclass"].place)
            parts = {"": found}
            if isinstance(found, nodes.Mapping):
                parts = {name.text: value for name, value in found.entries}
            words = FORM_KEYS[key][1:]
            for name, value in parts.items():
                require_names(value, names | set(words), words)
                item.form[name] = form_evaluator(value, words), value, key
        return frozenset()

    def read_carry(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``carry: {h: h0}``: what the ids of layers in a loop mean in its first round."""
        found = node.get("carry")
        if found is None:
            return frozenset()
        if not isinstance(found, nodes.Mapping) or not found.entries:
            message = "'carry' needs a mapping of ids to layers above"
            raise rejected("wrong-type", message, found.place, "carry: {state: start}")
        if not item.indexed:
            message = "'carry' belongs to an item with 'repeat' or 'for'"
            raise rejected("unknown-key", message, node.keys["carry"].place)
        for key, value in found.entries:
            item.carry[key.text] = reference(value, f"carry.{key.text}")
        return frozenset()

    @staticmethod
    def check_carry(item: Item) -> None:
        """Rejects ``carry`` of an id that no layer of the loop has."""
        if not item.carry:
            return
        ids = {each.id for each in (item, *inner_items(item)) if each.id}
        for name, start in item.carry.items():
            if name.partition(".")[0] not in ids:
                message = f"'carry' names '{name}', but no layer of this loop has that id"
                advice = advise(name, sorted(ids), "ids in the loop:")
                raise rejected("unknown-name", message, start.place, advice)

    @staticmethod
    def read_share(node: nodes.Node) -> tuple[Reference, tuple[str, ...]]:
        """Reads ``share: enc`` or ``share: {of: enc, only: [weight]}``."""
        if not isinstance(node, nodes.Mapping):
            return reference(node, "share"), ()
        for key, _ in node.entries:
            if key.text not in SHARE_KEYS:
                advice = advise(key.text, SHARE_KEYS, "valid keys:")
                message = f"unknown key '{key.text}' in share"
                raise rejected("unknown-key", message, key.place, advice)
        owner, only = node.get("of"), node.get("only")
        if owner is None:
            message = "'share' needs 'of', the id of the layer whose weights are used"
            raise rejected("missing-key", message, node.place, "{of: enc, only: [weight]}")
        names = [] if only is None else references(only, "only")
        if only is not None and not names:
            message = "'only' names no weight"
            raise rejected("missing-key", message, only.place, "leave it out, or only: [weight]")
        return reference(owner, "share"), tuple(name.text for name in names)

    def read_composite_keys(self, item: Item, node: nodes.Mapping, names: Names) -> Names:
        """Reads ``shortcut``, ``split`` and ``join``; Rejected in an item that cannot have them."""
        homes = {"shortcut": ("residual",), "split": ("branches",), "join": COMPOSITES[1:]}
        for key, homes_of_key in homes.items():
            if key in node.keys and item.type not in homes_of_key:
                message = f"'{key}' belongs to {' and '.join(homes_of_key)}, not to '{item.type}'"
                raise rejected("unknown-key", message, node.keys[key].place)
        item.shortcut = self.read_items(node.get("shortcut"), names)
        word = node.get("join")
        join = _text(word) or ("add" if item.type == "residual" else "concat")
        if join not in JOINS:
            message = f"join is {join}, but must be one of: {', '.join(JOINS)}"
            place = word.place if word else item.place
            raise rejected("wrong-type", message, place, advise(join, JOINS))
        item.join = JOINS[join]
        if (split := node.get("split")) is not None:
            words = ("channels", "copy")
            require_names(split, names, words)
            item.split = evaluator(split, words), split
        return frozenset()


def _may_name(key: nodes.Scalar) -> bool:
    """Whether a key may name a block or composite, and is not a slip that is seen at once."""
    text = key.text
    return " " not in text and (text[:1].isupper() or "." in text or text in COMPOSITES)


def _text(node: nodes.Node | None) -> str:
    """The text of a scalar; empty if there is no node, Rejected for a list or mapping."""
    if node is None:
        return ""
    if not isinstance(node, nodes.Scalar):
        raise rejected("wrong-type", "a text is expected", node.place)
    return node.text
