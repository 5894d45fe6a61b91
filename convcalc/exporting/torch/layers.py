"""Operators: a module, a tensor that the class holds, or an expression of forward."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.expressions import normalised
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.operators.table import made_of
from convcalc.exporting.torch.parts import Var
from convcalc.exporting.torch.site import Made, Site
from convcalc.exporting.torch.statements import NotChain
from convcalc.language.parse.tree import Item


def operator(body: Body, item: Item, sources: list[Var]) -> None:
    """Writes an operator: a module, or an expression of forward."""
    if item.reads_nothing:
        sources = []
    references = [body.resolve(a.reference) for a in item.arguments if a.reference is not None]
    inputs = [*sources, *references]
    if len(inputs) != 1:
        body.need_forward()
    body.reading = inputs[0].channels if inputs else "in_channels"
    widths = [_widths_of(var) for var in inputs]
    site = Site(item, body.runs(item), widths, body.field, body.number, body.keep, body.moving)
    made = made_of(site, [var.is_list for var in inputs])
    made = made._replace(channels=normalised(made.channels))
    body.writer.use(*made.helpers)
    if item.share is not None:
        _shared(body, item, inputs, made.channels)
    elif made.module:
        _module(body, item, made, inputs)
    elif made.held:
        _held(body, item, made, inputs)
    elif made.call == "{0}" and len(inputs) == 1:
        body.cur = Var(inputs[0].tensor, made.channels)
    else:
        body.need_forward()
        tensors = [f"*{var.tensor}" if var.is_list else var.tensor for var in inputs]
        body.apply(made.call.format(*tensors, x=body.running), made.channels, item)


def _held(body: Body, item: Item, made: Made, inputs: Sequence[Var]) -> None:
    """Adds a tensor that the class holds, and reads it."""
    if body.is_flat or body.index:
        raise NotChain
    name = body.attribute_name(item)
    body.make(f"self.{name} = {made.held}")
    tensors = [var.tensor for var in inputs]
    body.apply(made.call.format(*tensors, held=f"self.{name}"), made.channels, item)


def _module(body: Body, item: Item, made: Made, inputs: Sequence[Var]) -> None:
    """Adds a module, and calls it."""
    if made.further:
        inputs = [*inputs, _given(body, item, made.further)]
    target = body.add(item, made.module)
    tensors = ", ".join(f"*{v.tensor}" if v.is_list else v.tensor for v in inputs)
    if body.is_flat:
        body.cur = Var("x", made.channels)
        return
    body.apply(f"{target}({tensors})", made.channels, item)


def _given(body: Body, item: Item, name: str) -> Var:
    """A further input of the network."""
    if not body.part.is_network:
        raise body.refuse(f"{item.type} is in a block that does not take {name}")
    body.need_forward()
    variable = body.variables.fresh(name)
    body.part.further.append(variable)
    return Var(variable, "")


def _shared(body: Body, item: Item, inputs: Sequence[Var], channels: str) -> None:
    """Calls a module again."""
    target = body.share_target(item)
    body.apply(f"{target}({', '.join(v.tensor for v in inputs)})", channels, item)


def _widths_of(var: Var) -> str:
    """The channels of an input; of a list their sum."""
    if not var.is_list:
        return var.channels
    if var.widths:
        return f"sum({var.widths})"
    return var.channels
