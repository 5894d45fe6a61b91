"""Gives ids to the lines that are read from afar, and to no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.exporting.source.addresses import Address, Further, Rounds, Step, Word
from convcalc.exporting.source.lines import Line, all_lines
from convcalc.exporting.source.templates import RESERVED, Template
from convcalc.exporting.source.terms import Grown, Loop
from convcalc.exporting.source.words import free_id, last_word


class Names:
    """The ids of one block or of the network, and what addresses are called in it."""

    def __init__(self, lines: Sequence[Line], further: Sequence[str], taken: Sequence[str]) -> None:
        self.further = further
        self.taken = {*RESERVED, *taken, *further}
        self.hosts: dict[int, Line] = {}
        for line in all_lines(lines):
            self.hosts.setdefault(id(line), line)
            if line.kind == "loop" and is_merged(line):
                self.hosts[id(line.parts[0].lines[0])] = self.hosts[id(line)]

    def name(self, line: Line) -> str:
        """The id of the item that a line is written in; given now if it has none."""
        host = self.hosts[id(line)]
        if not host.id:
            fallback = host.name if host.kind == "op" else "x"
            wanted = last_word(host.first.path)
            if host.kind == "loop":
                wanted = wanted.rstrip("0123456789_") or wanted
            host.id = free_id(wanted, self.taken, fallback)
            self.taken.add(host.id)
        return host.id


def is_merged(loop: Line) -> bool:
    """Whether a loop and the only line in it are one item."""
    (inner, *rest) = loop.parts[0].lines
    if rest or _grows(inner) or (inner.kind == "loop" and (inner.is_for or not loop.is_for)):
        return False
    if inner.condition is not True and (not loop.is_for or loop.condition is not True):
        return False
    prev = Word("prev")
    if inner.sources[:1] != [prev] and prev not in inner.sources:
        return False
    return len(inner.sources) < 2 or inner.kind != "op" or loop.sources == [prev]


def _grows(line: Line) -> bool:
    """Whether a loop reads all its rounds, so that its id is its own."""
    return line.kind == "loop" and any(
        isinstance(each.first, Grown) for each in line.parts[0].lines
    )


class Naming:
    """The ids of all blocks of a network."""

    def __init__(
        self, main: Sequence[Line], taken: Sequence[str], templates: Sequence[Template]
    ) -> None:
        self.main = Names(main, (), taken)
        self.of_template = {
            template.key: Names(template.lines, template.further_names, [*template.values.taken])
            for template in templates
        }
        self._owners: dict[int, Names] = {}
        self._numbered: set[int] = set()  # loops some of whose rounds are read by their number
        for names, lines in self._all(main, templates):
            for line in all_lines(lines):
                self._owners[id(line)] = names
        for _, lines in self._all(main, templates):
            for line in all_lines(lines):
                for source in (*line.sources, *line.apart):
                    self.text(source, line)

    def _all(
        self, main: Sequence[Line], templates: Sequence[Template]
    ) -> Iterator[tuple[Names, Sequence[Line]]]:
        for template in templates:
            yield self.of_template[template.key], template.lines
        yield self.main, main

    def text(self, address: Address, reader: Line | None = None) -> str:
        """Return what an address is called in the block in which it is read."""
        if isinstance(address, Word):
            return address.text
        if isinstance(address, Further):
            assert reader is not None
            return self._owners[id(reader)].further[address.number]
        if isinstance(address, Rounds):
            return f"{self._owners[id(address.line)].name(address.line)}[*]"
        return ".".join(self._parts(address.steps))

    def _parts(self, steps: Sequence[Step]) -> Iterator[str]:
        index = 0
        while index < len(steps):
            step = steps[index]
            names = self._owners[id(step.line)]
            name = names.name(step.line)
            rounds: list[Step] = []
            host = names.hosts[id(step.line)]
            while (
                index < len(steps)
                and steps[index].label >= 0
                and names.hosts.get(id(steps[index].line)) is host
            ):
                rounds.append(steps[index])
                index += 1
            if not rounds:
                yield f"{name}[{_rounds(host) - 1}]" if id(host) in self._numbered else name
                if step.port:
                    yield step.port
                index += 1
            else:
                self._numbered.add(id(host))
                yield f"{name}[{_label(rounds)}]"


def _rounds(loop: Line) -> int:
    """How many rounds the loops of one item have in all."""
    term = loop.first
    assert isinstance(term, Loop)
    firsts = [body[0] for body in term.rounds]
    if not is_merged(loop):
        return len(firsts)
    return sum(len(first.rounds) if isinstance(first, Loop) else 1 for first in firsts)


def _label(rounds: Sequence[Step]) -> int:
    """The number of a round among those of all loops of one item; of an outer round alone, that
    of its last inner one."""
    outer = rounds[0]
    term = outer.line.first
    assert isinstance(term, Loop)
    if not is_merged(outer.line):
        return outer.label
    firsts = [body[0] for body in term.rounds]
    counts = [len(first.rounds) if isinstance(first, Loop) else 1 for first in firsts]
    before = sum(counts[: outer.label])
    return before + (rounds[1].label if len(rounds) > 1 else counts[outer.label] - 1)
