"""The tensors of a class: variables of forward, by what the file calls them."""

from __future__ import annotations

from convcalc.exporting.naming import Namespace, snake_case
from convcalc.exporting.phrases import bracketed
from convcalc.exporting.references import head_of, own_texts
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.parts import Part, Var
from convcalc.exporting.torch.statements import Statements
from convcalc.language.parse.tree import Item, Reference, inner_items


class Tensors(Statements):
    """``cur`` is the tensor that the next item reads, ``running`` the variable items assign."""

    def __init__(self, part: Part, *, chain: bool) -> None:
        super().__init__(chain=chain)
        self.part = part
        self.item: Item | None = None  # that is written
        self.variables: Namespace = part.forward_names()  # of forward
        self.vars: dict[str, Var] = {}
        self.walked: list[dict[str, Var]] = []  # variables of loops that are tensors
        self.attributes: dict[str, str] = {}  # by id: the attribute that holds its module
        self.cur = Var("x", "in_channels")
        self.running = "x"
        texts = [*own_texts(part.items), *(want for want in part.wanted if want)]
        self.read_ids = {head_of(text) for text in texts}
        self.round_texts = [text for text in texts if "[" in text.partition(".")[0]]
        self.round_ids = {head_of(text) for text in self.round_texts}

    def refuse(self, why: str, what: str = "") -> Refused:
        """The exception for what cannot be written, at the current item."""
        place = self.item.place if self.item else self.part.items[0].place
        return Refused(what or (self.item.type if self.item else self.part.name), why, place)

    def is_read(self, item: Item) -> bool:
        """Whether another item names this one, or a layer inside."""
        ids = {each.id for each in (item, *inner_items(item)) if each.id}
        return bool(ids & self.read_ids)

    def apply(self, expression: str, channels: str, item: Item | None = None) -> None:
        """Makes the next tensor in forward, under the name of its id if it is read again."""
        if self.is_flat:
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
        self.need_forward()
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

    def resolve(self, reference: Reference | str) -> Var:
        """The tensor that a reference names."""
        text = reference if isinstance(reference, str) else reference.text
        if text == "prev":
            return self.cur
        self.need_forward()
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
        """Return what ``id[*]`` and ``id[2]`` name."""
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
                channels = f"len({holder}) * {bracketed(found.channels)}"
            return Var(found.rounds, channels, is_list=True)
        channels = f"{found.widths}[{index}]" if found.widths else found.channels
        return Var(f"{found.rounds}[{index}]", channels)
