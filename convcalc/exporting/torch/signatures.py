"""The arguments of a class's constructor: those without a default first."""

from __future__ import annotations

from convcalc.exporting.expressions import literal, names_in
from convcalc.exporting.torch.annotations import annotation
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.params import without_mark
from convcalc.exporting.torch.parts import Argument, Part, inner_value
from convcalc.exporting.trace import Trace
from convcalc.language.parse.tree import Param


def signature(trace: Trace, body: Body, part: Part) -> list[Argument]:
    """The arguments of a class; ``body`` is one of it in which nothing is written."""
    body.reading = "in_channels"
    required: list[Argument] = []
    optional: list[Argument] = []
    done: set[str] = set()
    while set(part.used) - done:  # a default may name further params
        for name in [each for each in part.used if each not in done]:
            done.add(name)
            made = _declared(trace, body, part, name)
            (optional if made.default or made.late else required).append(made)
    order = _order(part)
    required.sort(key=lambda argument: order.get(argument.name, 0))
    optional.sort(key=lambda argument: order.get(argument.name, 0))
    for name, argument in part.extras.items():
        values = [scope[name] for scope in trace.scopes.values()]
        required.append(Argument(argument, annotation(values)))
    base = next(iter(trace.networks))
    for number in part.numbers:
        kind = annotation([number.of(run) for run in trace.runs.get(number.item, [])])
        if part.is_network:
            default = literal(inner_value(trace.roots[base], number))
            optional.append(Argument(number.name, kind, default))
        else:
            required.append(Argument(number.name, kind))
    return [*required, *optional]


def _order(part: Part) -> dict[str, int]:
    params = part.block.params if part.block is not None else part.unit.params
    names = list(params)
    return {arg: names.index(name) for name, arg in part.used.items() if name in names}


def _declared(trace: Trace, body: Body, part: Part, name: str) -> Argument:
    """A param as an argument."""
    argument = part.used[name]
    if part.is_network:
        values = [scope[name] for scope in trace.scopes.values()]
        return Argument(
            argument, annotation(values), literal(trace.scopes[next(iter(trace.scopes))][name])
        )
    kind = annotation(list(part.values(without_mark(name) if part.block is None else name)))
    param = part.block.params[name] if part.block is not None else None
    if param is None or param.default is None:
        return Argument(argument, kind)
    text = _default(body, param)
    return (
        Argument(argument, kind, "None", text) if names_in(text) else Argument(argument, kind, text)
    )


def _default(body: Body, param: Param) -> str:
    """The default of a block's param."""
    assert param.default is not None
    word = getattr(param.default, "text", "") if param.kind == "str" else ""
    text = body.text(param.default, (word,) if word else ())
    is_quotient = names_in(text) and "/" in text.replace("//", "")
    if param.kind == "int" and param.evaluate is not None and is_quotient:
        return f"int({text})"
    return text
