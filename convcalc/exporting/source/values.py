"""The values of fields and params in a block: numbers, or expressions of its params.

A value that is the same in all cases is written as it is. Otherwise it follows from an earlier
param, from the channels that the layer reads, or, in a loop, from the round; what follows from
nothing becomes a param of the block, or a column of the loop. Such relations hold in the model that
was read, which is all that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.lines import Context, Line, Turn
from convcalc.exporting.source.terms import rounds_of
from convcalc.exporting.source.words import free

COMPARED = ("project", "skip")  # conditions that follow from strides and channels, as a rule
FACTORS = (2, 3, 4, 6, 8)
CHANNELS = frozenset(("out_channels", "groups", "start", "stop", "c", "g"))


class Expr(NamedTuple):
    """An expression in the language."""

    text: str


_KINDS = {int: "int", bool: "bool", float: "float", tuple: "list"}


class Param:
    """A param of a block: its values by case."""

    def __init__(self, name: str, role: str, values: Mapping[int, Any]) -> None:
        self.name = name
        self.role = role  # the field that it was made for
        self.values = dict(values)
        self.default: Any = None
        self.has_default = False

    def require_type(self) -> None:
        """Raises Misfit if the values are of several types."""
        if self.declaration is None:
            raise Misfit("a param without a type")

    @property
    def declaration(self) -> Any:
        """The text of the param in the block: its default, or its type."""
        kinds = {type(value) for value in self.values.values()}
        kind = _KINDS.get(next(iter(kinds))) if len(kinds) == 1 else None
        if kind is None and kinds == {int, float}:
            kind = "float"
        if kinds == {int, tuple}:
            kind = "size"
        if kind is None:
            raise Misfit("a param has values of several types")
        if not self.has_default:
            return kind
        if kind in ("size", "list"):
            return {"default": self.default, "type": kind}
        return self.default


class Column(NamedTuple):
    """A list that a ``for`` walks: its values by case and round, and the field that it is for."""

    values: dict[tuple[int, int], Any]
    role: str


class Slot(NamedTuple):
    """A value in each of some contexts, and the channels that are read there."""

    role: str  # the field
    name: str  # what a param for it would be called
    contexts: Sequence[Context]
    values: Sequence[Any]
    channels: Sequence[int | None]
    entering: Sequence[int | None]
    is_partial: bool = False  # there are contexts in which the line is left out


class Values:
    """The params of one block, and the expressions found with them."""

    def __init__(self, reserved: Sequence[str] = ()) -> None:
        self.params: dict[str, Param] = {}
        self.taken: set[str] = set(reserved)
        self.columns: dict[str, tuple[Line, Column]] = {}

    def written(self, slot: Slot) -> Any:
        """The value of a slot, or an expression for it; raises Misfit if there is none."""
        if _all_equal(slot.values):
            return self._general(slot) or slot.values[0]
        found = self._known(slot)
        if found is None and isinstance(slot.values[0], bool):
            found = self._opposite(slot)
        return found or self._new(slot)

    def _general(self, slot: Slot) -> Expr | None:
        """A param for the stride of a line that is left out where the param is another."""
        if not slot.is_partial or slot.role != "stride":
            return None
        equal = [text for text, values in self._names(slot) if list(values) == list(slot.values)]
        return Expr(equal[0]) if equal else None

    # --- from what is known -------------------------------------------------------------------

    def _known(self, slot: Slot) -> Expr | None:
        """An expression of params, columns and channels."""
        names = self._names(slot)
        found = [text for text, values in names if list(values) == list(slot.values)]
        if found:
            return Expr(found[0])
        if slot.role not in CHANNELS or not _all_ints(slot.values):
            return None
        return next(_related(slot, names), None)

    def _names(self, slot: Slot) -> list[tuple[str, Sequence[Any]]]:
        """Params and columns that may stand for a slot, with their values in its contexts."""
        found: list[tuple[str, Sequence[Any]]] = []
        for name, param in self.params.items():
            if _fits(param.role, slot.role):
                found.append((name, [param.values.get(c.case) for c in slot.contexts]))
        for name, (loop, column) in self.columns.items():
            turns = [_turn(context, loop) for context in slot.contexts]
            if _fits(column.role, slot.role) and all(turns):
                found.append((name, [_at(column, context, loop) for context in slot.contexts]))
        return found

    def _by_first(self, slot: Slot) -> Expr | None:
        """An expression that is another in the first round of the innermost loop."""
        if not all(
            context.turns and not context.turns[-1].loop.is_for for context in slot.contexts
        ):
            return None
        loops = {id(context.turns[-1].loop) for context in slot.contexts}
        is_first = [context.turns[-1].round == 0 for context in slot.contexts]
        if len(loops) > 1 or all(is_first) or not any(is_first):
            return None
        if all(isinstance(value, bool) for value in slot.values):
            if list(slot.values) == is_first:
                return Expr("i == 0")
            if [not value for value in slot.values] == is_first:
                return Expr("i > 0")
        first = self.written(_chosen(slot, is_first))
        rest = self.written(_chosen(slot, [not each for each in is_first]))
        return Expr(f"{as_text(first)} if i == 0 else {as_text(rest)}")

    def condition(self, slot: Slot) -> Any:
        """An expression that is true where a slot is: of what is known, or a param."""
        found = self._known(slot) or self._opposite(slot)
        if found is None and slot.name in COMPARED:
            found = self._compared(slot)
        return found or self._new(slot)

    def _opposite(self, slot: Slot) -> Expr | None:
        """The opposite of a param that is true or false."""
        opposite = [not value for value in slot.values]
        names = [text for text, values in self._names(slot) if list(values) == opposite]
        return Expr(f"not {names[0]}") if names else None

    def _compared(self, slot: Slot) -> Expr | None:
        """A comparison of a stride, or of channels, that is true where a slot is."""
        tests: list[tuple[str, list[bool]]] = []
        negated = [not value for value in slot.values]
        for name, values in self._names(slot._replace(role="stride")):
            if all(type(value) is int for value in values):
                tests.append((f"{name} > 1", [value > 1 for value in values]))
        strides = list(tests)
        for name, values in self._names(slot._replace(role="out_channels")):
            if not all(type(value) is int for value in values) or None in slot.channels:
                continue
            for factor in (1, *FACTORS):
                text = f"in_channels != {name}" + (f"*{factor}" if factor > 1 else "")
                pairs = zip(values, slot.channels, strict=True)
                differs = [a * factor != b for a, b in pairs]
                tests.append((text, differs))
                for stride, strided in strides:
                    both = [a or b for a, b in zip(strided, differs, strict=True)]
                    tests.append((f"{stride} or {text}", both))
        tests.sort(key=lambda test: " or " in test[0])
        for text, found in tests:
            if found == slot.values:
                return Expr(text)
            if found == negated:
                opposite = text.replace(" > 1", " == 1").replace("!=", "==")
                return Expr(opposite.replace(" or ", " and "))
        return None

    # --- what is new --------------------------------------------------------------------------

    def _new(self, slot: Slot) -> Expr:
        by_case: dict[int, Any] = {}
        if all(
            by_case.setdefault(context.case, value) == value
            and type(by_case[context.case]) is type(value)
            for context, value in zip(slot.contexts, slot.values, strict=True)
        ):
            name = self.free(slot.name)
            self.params[name] = Param(name, slot.role, by_case)
            return Expr(name)
        return self._new_column(slot)

    def _new_column(self, slot: Slot) -> Expr:
        for depth in range(max(len(context.turns) for context in slot.contexts)):
            turns = [c.turns[depth] if len(c.turns) > depth else None for c in slot.contexts]
            loop = turns[0].loop if turns[0] else None
            if (
                loop is None
                or not loop.is_for
                or any(t is None or t.loop is not loop for t in turns)
            ):
                continue
            by_round: dict[tuple[int, int], Any] = {}
            if all(
                by_round.setdefault((context.case, turn.round), value) == value
                for context, turn, value in zip(slot.contexts, turns, slot.values, strict=True)
                if turn
            ):
                name = self.free(slot.name)
                self.columns[name] = (loop, Column(by_round, slot.role))
                return Expr(name)
        found = self._by_first(slot)
        if found is None:
            raise Misfit(f"the values of {slot.role} follow from nothing")
        return found

    def settle_columns(self) -> None:
        """Give each loop its lists; one that is another in each case is a param."""
        for name, (loop, column) in self.columns.items():
            rounds = {context.case: len(rounds_of(term)) for _, context, term in loop.there}
            some = next(iter(column.values.values()))
            lists = {
                case: tuple(column.values.get((case, k), some) for k in range(count))
                for case, count in rounds.items()
            }
            if len(set(lists.values())) == 1:
                loop.columns[name] = next(iter(lists.values()))
            else:
                param = self.free(_LISTS.get(name, f"{name}s"))
                self.params[param] = Param(param, "list", lists)
                loop.columns[name] = Expr(param)

    def free(self, name: str) -> str:
        """A name that is not taken, perhaps with a number behind it."""
        found = free(name, self.taken)
        self.taken.add(found)
        return found


def _related(slot: Slot, names: Sequence[tuple[str, Sequence[Any]]]) -> Iterator[Expr]:
    """Expressions of channels for a slot: what is read, and multiples of that and of params."""
    if list(slot.channels) == list(slot.values):
        yield Expr("in_channels")
    if list(slot.entering) == list(slot.values):
        yield Expr("block.in_channels")
    sources = [*names, ("in_channels", slot.channels), ("block.in_channels", slot.entering)]
    for text, values in sources:
        if not _all_ints(values):
            continue
        pairs = list(zip(values, slot.values, strict=True))
        for factor in FACTORS:
            if all(value * factor == wanted for value, wanted in pairs):
                yield Expr(f"{text}*{factor}")
        for factor in FACTORS:
            if all(value // factor == wanted for value, wanted in pairs):
                yield Expr(f"{text}//{factor}")


def as_text(value: Any) -> str:
    """A value within an expression."""
    if isinstance(value, Expr):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_text, value))}]"
    if isinstance(value, str):
        raise Misfit("a word has no place in an expression")
    return str(value)


def _chosen(slot: Slot, which: Sequence[bool]) -> Slot:
    def pick(values: Sequence[Any]) -> list[Any]:
        return [value for value, chosen in zip(values, which, strict=True) if chosen]

    return slot._replace(
        contexts=pick(slot.contexts),
        values=pick(slot.values),
        channels=pick(slot.channels),
        entering=pick(slot.entering),
    )


def _turn(context: Context, loop: Line) -> Turn | None:
    return next((turn for turn in context.turns if turn.loop is loop), None)


def _all_equal(values: Sequence[Any]) -> bool:
    first = values[0]
    return all(value == first and type(value) is type(first) for value in values)


def _all_ints(values: Sequence[Any]) -> bool:
    return all(type(value) is int for value in values)


def _fits(a: str, b: str) -> bool:
    """Whether a value of one field may be written as that of another."""
    return a == b or (a in CHANNELS and b in CHANNELS)


def _at(column: Column, context: Context, loop: Line) -> Any:
    turn = _turn(context, loop)
    return column.values.get((context.case, turn.round)) if turn else None


_LISTS = {"c": "widths", "n": "depths", "s": "strides", "k": "kernels"}
