"""Describes a body apart from its place: equal texts for bodies that do the same.

Tensors that are made inside are numbered in order, what enters the body is ``in``; all others keep
their number, or are numbered too.
"""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.exporting.source.terms import Body, Call, Fork, Group, Loop, Op, Term, entry_of


def signature(body: Body, *, entry: int | None = None, absolute: bool = True) -> str:
    """A text that two bodies share if they are the same with the same numbers.

    ``absolute``: only if they also read the same tensors from outside.
    """
    names: dict[int, str] = {entry_of(body) if entry is None else entry: "in"}
    return " ".join(_words(body, names, absolute))


def _words(body: Body, names: dict[int, str], absolute: bool) -> Iterator[str]:
    for term in body:
        yield from _word(term, names, absolute)


def _word(term: Term, names: dict[int, str], absolute: bool) -> Iterator[str]:
    def name(tensor: int) -> str:
        if tensor not in names:
            names[tensor] = f"@{tensor}" if absolute else f"x{len(names)}"
        return names[tensor]

    if isinstance(term, Op):
        yield f"{type(term).__name__} {term.name} {sorted(term.fields.items())!r}"
        yield f"{sorted(term.beside.items())!r}"
        yield f"({','.join(map(name, term.inputs))};{name(term.owner) if term.owner >= 0 else ''})"
    elif isinstance(term, Call):
        yield f"{term.template.key}{sorted(term.args.items())!r}"
        yield f"({','.join(map(name, (term.source, *term.further)))})"
    else:
        yield f"{_kind(term)}[{name(term.source)}"
        for cut in term.cuts if isinstance(term, Fork) else ():
            names.setdefault(cut.out, f"t{len(names)}")
        for part in term.parts:
            yield "|"
            yield from _words(part, names, absolute)
        yield "]"
    for tensor in sorted(term.makes):
        names.setdefault(tensor, f"t{len(names)}")


def _kind(term: Term) -> str:
    if isinstance(term, Fork):
        return f"fork {term.join} {term.there} {term.sizes} {term.is_spread}"
    if isinstance(term, Loop):
        return f"loop {len(term.rounds)}"
    assert isinstance(term, Group)
    return "group"
