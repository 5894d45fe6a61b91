"""The terms that a network is rewritten in: layers, modules, forks, loops and calls of blocks.

Every term reads tensors of the network and makes some, by number; a list of terms is a *body*, in
the order in which the layers run. Terms never change; passes make new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

Body = Sequence["Term"]
NONE = -1  # a tensor that is none: the source of a layer that reads nothing


class Term:
    """One item of a body: ``source`` is the tensor that it reads first, ``out`` its result.

    ``reads`` are all tensors that it reads and does not make, in order; ``makes`` what it makes.
    """

    out: int
    source: int
    reads: tuple[int, ...]
    makes: frozenset[int]
    path: str = ""  # of the layer or module that it stands for
    size: int  # layers

    @property
    def parts(self) -> Sequence[Body]:
        """The bodies inside."""
        return ()


class Block(Protocol):
    """The facts about a block that its calls need."""

    key: str
    name: str
    bodies: Sequence[Body]
    frames: list[Any]
    values: Any
    further_names: list[str]

    def arguments(self, case: int) -> Mapping[str, Any]:
        """The values of params in a case."""

    def further(self, case: int) -> Sequence[int]:
        """The tensors from outside in a case."""


class Op(Term):
    """A layer: the name of its operator, its fields, and what is said beside them."""

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Any],
        inputs: tuple[int, ...],
        out: int,
        path: str,
        *,
        beside: Mapping[str, Any],
        ports: Mapping[int, str],
        layers: tuple[int, ...] = (),
        owner: int = NONE,
    ) -> None:
        self.name = name
        self.fields = fields
        self.inputs = inputs
        self.out = out
        self.path = path
        self.beside = beside
        self.ports = ports  # further outputs: tensor, and the name that follows the id
        self.layers = layers  # tensors of the layers that fields refer to; the last inputs
        self.owner = owner  # the tensor of the layer whose weights it shares
        self.source = inputs[0] if inputs else NONE
        self.reads = tuple(dict.fromkeys(inputs))
        self.makes = frozenset((out, *ports))
        self.size = 1 + len(ports)


class Grown(Op):
    """A concatenation of a tensor and of what all rounds of a loop so far made."""

    def __init__(self, op: Op) -> None:
        super().__init__(
            op.name,
            op.fields,
            op.inputs[:1],
            op.out,
            op.path,
            beside=op.beside,
            ports=op.ports,
        )
        self.reads = op.reads


class Whole(Term):
    """A term that has bodies."""

    def _take(self, bodies: Sequence[Body], first: int = NONE) -> None:
        made: set[int] = set()
        read: dict[int, None] = {} if first == NONE else {first: None}
        self.size = 0
        for body in bodies:
            for term in body:
                read.update(dict.fromkeys(term.reads))
                made |= term.makes
                self.size += term.size
        self.makes = frozenset(made)
        self.reads = tuple(tensor for tensor in read if tensor not in made)


class Group(Whole):
    """A module: the terms that it is made of, its path and its class (``kind``, if known).

    ``height`` is how deep modules were nested in it in the model.
    """

    def __init__(self, items: Body, path: str, kind: str, height: int = -1) -> None:
        self.items = items
        self.path = path
        self.kind = kind
        inner: list[int] = [term.height for term in items if isinstance(term, Group)]
        self.height: int = height if height >= 0 else 1 + max(inner, default=-1)
        self._take([items])
        self.source = entry_of(items)
        self.out = items[-1].out

    @property
    def parts(self) -> Sequence[Body]:
        return (self.items,)


class Fork(Whole):
    """Branches that read one tensor and are joined; an empty one is the identity.

    ``there`` says which branches there are: of two, one that is left out leaves no join. With
    ``cuts``, a slice for each, branches read some channels each. ``is_spread``: all are made of the
    same, with other numbers.
    """

    def __init__(
        self,
        join: str,
        branches: Sequence[Body],
        source: int,
        out: int,
        path: str = "",
        *,
        cuts: Sequence[Op] = (),
        is_spread: bool = False,
    ) -> None:
        self.join = join
        self.branches = branches
        self.source = source
        self.out = out
        self.path = path
        self.there = (True,) * len(branches)
        self.cuts = cuts
        self.is_spread = is_spread
        self._take([cuts, *branches], source)
        self.makes |= {out}
        self.size += 1

    @classmethod
    def without_join(cls, join: str, body: Body, at: int, count: int) -> Fork:
        """A body in the place of a fork whose other branches, all empty, are left out."""
        branches: list[Body] = [()] * count
        branches[at] = body
        found = cls(join, branches, entry_of(body), body[-1].out)
        found.there = tuple(index == at for index in range(count))
        found.size -= 1
        return found

    def with_branches(self, branches: Sequence[Body]) -> Fork:
        """The fork with branches that are written otherwise."""
        made = Fork(
            self.join,
            branches,
            self.source,
            self.out,
            self.path,
            cuts=self.cuts,
            is_spread=self.is_spread,
        )
        made.there = self.there
        return made

    def entry(self, number: int) -> int:
        """The tensor that a branch reads."""
        return self.cuts[number].out if self.cuts else self.source

    @property
    def sizes(self) -> tuple[int, ...]:
        """The channels that each branch reads, where they are divided."""
        return tuple(cut.fields["stop"] - cut.fields["start"] for cut in self.cuts)

    @property
    def parts(self) -> Sequence[Body]:
        return self.branches


class Loop(Whole):
    """Rounds of a body, each of which reads what the one before made; with ``is_for`` they have
    other numbers, else only the first may differ. ``is_apart``: each reads a tensor from afar."""

    def __init__(
        self, rounds: Sequence[Body], *, is_for: bool = False, is_apart: bool = False
    ) -> None:
        self.rounds = rounds
        self.is_for = is_for or is_apart
        self.is_apart = is_apart
        self._take(rounds)
        self.source = entry_of(rounds[0])
        self.out = rounds[-1][-1].out
        self.path = rounds[0][-1].path

    @property
    def parts(self) -> Sequence[Body]:
        return self.rounds


class Call(Term):
    """A call of a block: ``case`` is the number of the body that the template was made of."""

    def __init__(self, template: Block, case: int, group: Group) -> None:
        self.template = template
        self.case = case
        self.group = group
        self.source = group.source
        self.out = group.out
        self.reads = group.reads
        self.makes = group.makes
        self.path = group.path
        self.size = group.size

    @property
    def args(self) -> Mapping[str, Any]:
        """The values of the block's params."""
        return self.template.arguments(self.case)

    @property
    def further(self) -> Sequence[int]:
        """The tensors that the block's params of the type ref stand for."""
        return self.template.further(self.case)


def entry_of(items: Body) -> int:
    """The tensor that a body is entered by: of what its first layer reads, what was made last."""
    made: set[int] = set()
    for term in items:
        found = [tensor for tensor in _first_reads(term) if tensor not in made]
        if found:
            return max(found)
        made |= term.makes
    return NONE


def _first_reads(term: Term) -> tuple[int, ...]:
    if isinstance(term, Op):
        return term.inputs
    return (term.source,) if term.source != NONE else ()


def rounds_of(term: Term) -> Sequence[Body]:
    """The bodies that a loop walks, or a fork whose branches are made of the same."""
    if isinstance(term, Fork):
        return term.branches
    return term.rounds if isinstance(term, Loop) else ()


def all_terms(items: Body) -> Iterator[Term]:
    """Every term of a body, and those within, outer ones first."""
    for term in items:
        yield term
        for part in term.parts:
            yield from all_terms(part)


def ops_in(term: Term) -> Iterator[Op]:
    """Every layer of a term, those inside called blocks too."""
    if isinstance(term, Op):
        yield term
    if isinstance(term, Fork):
        yield from term.cuts
    bodies = (term.group.items,) if isinstance(term, Call) else term.parts
    for body in bodies:
        for each in body:
            yield from ops_in(each)
