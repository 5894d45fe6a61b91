"""Addresses of tensors: what a layer calls what it reads, from where it stands.

An address is a word (``prev``, ``input``), a tensor from outside the block (a number of a param of
the type ref), or a path of lines, each with the round of its loop where that is not the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.lines import Context, Line, Spot, Turn
from convcalc.exporting.source.terms import NONE, Call, Grown, Loop, Op, entry_of


class Word(NamedTuple):
    """A word of the language, or the name of an input."""

    text: str


class Further(NamedTuple):
    """A tensor that the caller names: the number of the block's param."""

    number: int


class Step(NamedTuple):
    """A line, the round of its loop or -1, and the further output of the layer if it is one."""

    line: Line
    label: int = -1
    port: str = ""


class Steps(NamedTuple):
    """A path from line to line, by way of blocks."""

    steps: tuple[Step, ...]


class Rounds(NamedTuple):
    """All rounds so far of a loop."""

    line: Line


Address = Word | Further | Steps | Rounds
PREV, ENTRY = Word("prev"), Word("input")


class Outside:
    """The tensors from outside that a block reads, by case; in the order in which they are met."""

    def __init__(self, inputs: Mapping[int, str] | None = None) -> None:
        self.inputs = inputs  # of the network itself, which has no params of the type ref
        self.tensors: list[dict[int, int]] = []

    def address(self, tensors: Mapping[int, int]) -> Address:
        """The address of a tensor that is another in each case, given by case."""
        if self.inputs is not None:
            (tensor,) = set(tensors.values())
            if tensor not in self.inputs:
                raise Misfit("a tensor is read before it is made")
            return Word(self.inputs[tensor])
        for number, known in enumerate(self.tensors):
            if all(known.get(case, tensor) == tensor for case, tensor in tensors.items()):
                known.update(tensors)
                return Further(number)
        self.tensors.append(dict(tensors))
        return Further(len(self.tensors) - 1)


def addresses_of(line: Line, outside: Outside) -> None:
    """Find out what the inputs of a line are called; raises Misfit if cases differ."""
    if line.is_apart:
        line.sources = [PREV]
        line.apart = [_of_round(line, number, outside) for number in range(_rounds(line))]
        return
    if isinstance(line.first, Grown):
        line.sources = [_address(line, 0, outside), Rounds(_loop_of(line))]
        return
    for number in range(max(len(reads_of(term)) for _, _, term in line.there)):
        line.sources.append(_address(line, number, outside))


def _rounds(line: Line) -> int:
    """The rounds of a loop, which are the same in all cases."""
    counts = {len(term.rounds) for _, _, term in line.there if isinstance(term, Loop)}
    if len(counts) > 1:
        raise Misfit("loops over lists of other lengths")
    return counts.pop()


def _of_round(line: Line, number: int, outside: Outside) -> Address:
    """The address of what a round of a loop reads from afar."""
    pairs = [
        (context, entry_of(term.rounds[number]))
        for _, context, term in line.there
        if isinstance(term, Loop)
    ]
    return _common(pairs, outside)


def _loop_of(line: Line) -> Line:
    """The loop whose rounds a concatenation reads: the one that it is in, or after."""
    index, context, _ = next(line.there)
    above = context.frame.made.get(line.before[index])
    turns = (*context.turns, *(above.turns if above else ()))
    if not turns:
        raise Misfit("a concatenation of no rounds")
    return turns[0].loop if not context.turns else context.turns[-1].loop


def reads_of(term: object) -> Sequence[int]:
    """The tensors in the item of a term."""
    if isinstance(term, Op):
        return (*term.inputs, *((term.owner,) if term.owner >= 0 else ()))
    if isinstance(term, Call):
        return (term.source, *term.further)
    return (getattr(term, "source", -1),)


def _address(line: Line, number: int, outside: Outside) -> Address:
    there = list(line.there)
    if any(number >= len(reads_of(term)) for _, _, term in there):
        raise Misfit("layers read different numbers of tensors")
    tensors = [reads_of(term)[number] for _, _, term in there]
    above = _prev(line, number)
    if set(tensors) == {NONE} or (above is not None and tensors == above):
        return PREV
    pairs = [(context, tensor) for tensor, (_, context, _) in zip(tensors, there, strict=True)]
    return _common(pairs, outside)


def _common(pairs: Sequence[tuple[Context, int]], outside: Outside) -> Address:
    """The address that a tensor has in each of some contexts."""
    found = {address_of(context, tensor) for context, tensor in pairs}
    if len(found) != 1:
        raise Misfit("layers read different tensors")
    (only,) = found
    if only is not None:
        return only
    given: dict[int, int] = {}
    for context, tensor in pairs:
        if given.setdefault(context.case, tensor) != tensor:
            raise Misfit("a loop reads different tensors from outside")
    return outside.address(given)


def _prev(line: Line, number: int) -> list[int] | None:
    """The tensors that ``prev`` means, where an input is named; None where it means nothing."""
    first = line.first
    if isinstance(first, Op) and number == len(first.inputs):
        return None  # whose weights are shared
    plain = len(first.inputs) - len(first.layers) if isinstance(first, Op) else 1
    if number < plain:
        return [line.before[index] for index, _, _ in line.there]
    return [term.source for _, _, term in line.there]  # in fields and arguments


def address_of(context: Context, tensor: int) -> Address | None:
    """The address of a tensor in one context; None if it comes from outside."""
    if tensor == context.frame.entry:
        return ENTRY
    spot = context.frame.made.get(tensor)
    if spot is None:
        return None
    steps = _steps(spot, context, tensor)
    return Steps(tuple(steps))


def _steps(spot: Spot, context: Context | None, tensor: int) -> list[Step]:
    around = spot.turns
    if context is not None:
        shared = 0
        for mine, other in zip(context.turns, around, strict=False):
            if mine.loop is not other.loop:
                break
            if mine.round != other.round:
                raise Misfit("a round reads what an earlier one made")
            shared += 1
        around = around[shared:]
    steps: list[Step] = []
    if any(turn.round != turn.rounds - 1 for turn in around):
        for turn in around:
            steps.append(Step(turn.loop, turn.round))
            if _ends_with(turn, tensor):
                return steps
    term = spot.term
    port = term.ports.get(tensor, "") if isinstance(term, Op) else ""
    if not (steps and _is_alone(steps[-1].line, spot.line)):
        steps.append(Step(spot.line, -1, port))
    if isinstance(term, Call) and tensor != term.out:
        frame = term.template.frames[term.case]
        steps += _steps(frame.made[tensor], None, tensor)
    elif isinstance(term, Call) and term.out != tensor:
        raise Misfit("a tensor inside a block is not known")
    return steps


def _ends_with(turn: Turn, tensor: int) -> bool:
    """Whether a tensor is what a round of a loop makes, so that the round's number names it."""
    loops = (term for term in turn.loop.terms if isinstance(term, Loop))
    return any(
        turn.round < len(loop.rounds) and loop.rounds[turn.round][-1].out == tensor
        for loop in loops
    )


def _is_alone(loop: Line, line: Line) -> bool:
    """Whether a line is all that a loop repeats, so that both are one item."""
    return [line] == loop.parts[0].lines
