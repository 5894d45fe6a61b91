"""Checks on a layer before it is added: its fields, its number of inputs, their rank."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.rejection import Rejected, gather, rejected
from convcalc.model.graph.sites import Site
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import fields_of
from convcalc.model.operators.values import WrongValue, default_value, field_value
from convcalc.model.operators.words import field_vocabulary, match_words
from convcalc.model.quantities.shape import Shape


def match_fields(
    name: str, cls: type[Operator], fields: Mapping[str, Any], site: Site
) -> dict[str, Any]:
    """The given fields by their full names. Raises Rejected with every wrong name."""
    words = list(fields)
    found, misfits = match_words(name, words, field_vocabulary(fields_of(cls)))
    problems = []
    for wrong in misfits:
        word = words[wrong.at] if wrong.at >= 0 else ""
        place = site.field_place(word) or site.place
        problems.append(Diagnostic(wrong.name, wrong.message, place, wrong.help))
    if problems:
        raise Rejected(*problems)
    return {full: fields[words[index]] for full, index in found.items()}


def check_fields(
    cls: type[Operator], given: Mapping[str, Any], rank: int, site: Site
) -> dict[str, Any]:
    """All fields in canonical form, with defaults. Raises Rejected with every wrong value."""
    declared = fields_of(cls)

    def check(name: str) -> Any:
        field: Field = declared[name]
        if field.kind == "layer":
            return given[name]
        try:
            return field_value(name, field, given[name], rank)
        except WrongValue as error:
            place = site.field_place(name) or site.place
            raise Rejected(
                Diagnostic(error.name, error.message, place, error.help),
                needs_input=error.needs_input,
            ) from None

    checked = dict(zip(given, gather(partial(check, name) for name in given), strict=True))
    return {
        name: checked[name] if name in checked else default_value(name, field, rank)
        for name, field in declared.items()
    }


def check_arity(name: str, operator: Operator, count: int, place: Place) -> None:
    """Raises Rejected if an operator has too few or too many inputs."""
    low, high = operator.arity
    if low <= count and (high is None or count <= high):
        return
    bounds = f"at least {low}" if high is None else str(low) if low == high else f"{low} to {high}"
    message = f"'{name}' needs {bounds} input{'' if bounds == '1' else 's'}, but has {count}"
    names = ", ".join("abcdefgh"[:low])
    advice = f"write '{name}: [{names}]', or 'from: [{names}]' beside it" if low > 1 else ""
    raise rejected("missing-key", message, place, advice)


def check_rank(name: str, cls: type[Operator], shape: Shape, place: Place) -> None:
    """Raises Rejected if an operator for images reads a vector, or one for vectors an image."""
    low, high = cls.ranks
    if low <= shape.rank <= high:
        return
    axes = f"{shape.rank} spatial ax{'i' if shape.rank == 1 else 'e'}s"
    what = f"{shape}, with {axes}" if shape.rank else f"a vector of {shape.channels} channels"
    message = f"'{name}' needs {low} to {high} spatial axes, but its input is {what}"
    raise rejected("wrong-rank", message, place)


def names_layer(cls: type[Operator], name: str) -> bool:
    return fields_of(cls)[name].kind == "layer"
