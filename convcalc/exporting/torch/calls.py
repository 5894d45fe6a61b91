"""Calls of the classes of blocks and loops: what they are given, and what they return."""

from __future__ import annotations

from convcalc.exporting.naming import snake_case
from convcalc.exporting.phrases import as_word
from convcalc.exporting.torch.arguments import tensor_of, values_of, widths_of
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.parts import LAST, Part, Var
from convcalc.language.parse.tree import Item


def call(body: Body, item: Item, part: Part) -> None:
    """Adds a module of a class, and calls it with all tensors that it reads."""
    source = body.cur
    body.reading = source.channels
    values = values_of(body, item, part)
    further = [tensor_of(body, item, part, key).tensor for key in part.tensors]
    multiple = part.wanted != [LAST]
    if further or multiple:
        body.need_forward()
    module = _module(part, values, source.channels)
    target = body.share_target(item) if item.share is not None else body.add(item, module)
    given = {**values, "in_channels": source.channels, **widths_of(body, item, part)}
    held = _local(body, item, part, module) or target
    channels = {want: part.channels_of(want, given, held) for want in part.wanted}
    tensors = [source.tensor, *further] if part.takes_input else further
    expression = f"{target}({', '.join(tensors)})"
    if multiple:
        _unpack(body, item, part, expression, channels)
    else:
        body.apply(expression, channels[LAST], item)


def _module(part: Part, values: dict[str, str], channels: str) -> str:
    """The expression that makes a module; its only required argument stands without a name."""
    required = {argument.name for argument in part.arguments if not argument.default}
    reads_more = set(values) & set(part.widths.values())
    leading = required if len(required) == 1 and part.block is not None and not reads_more else ()
    listed = [value if name in leading else f"{name}={value}" for name, value in values.items()]
    if part.takes_channels:
        listed.insert(0, channels)
    return f"{part.name}({', '.join(listed)})"


def _local(body: Body, item: Item, part: Part, module: str) -> str:
    """Gives a module of a container a local name if its attributes are read; empty: it has none."""
    is_appended = (body.sink or body.adder) and item.share is None
    if not is_appended or all(part.closed(want) is not None for want in part.wanted):
        return ""
    depth, text = body.init.pop()
    local = body.sinks.get(id(item)) or body.names.fresh(snake_case(item.component))
    body.sinks[id(item)] = local
    body.make(f"{local} = {module}")
    body.init.append((depth, text.replace(module, local)))
    return local


def _unpack(body: Body, item: Item, part: Part, expression: str, channels: dict[str, str]) -> None:
    """Calls a module that returns several tensors, and keeps each under its name."""
    targets = []
    stem = item.id or item.component
    for want in part.wanted:
        if want == LAST:
            is_read = item.id and item.id in body.read_ids
            targets.append(body.variable(item.id) if is_read else body.running)
            continue
        key = f"{stem}.{want}"
        name = _variable(body, want if part.block is None else key, want)
        targets.append(name)
        body.vars[key] = Var(name, channels[want])
        if part.block is None:  # the body of a loop: its ids are those of this block
            body.vars[want] = body.vars[key]
    body.do(f"{', '.join(targets)} = {expression}")
    if LAST in part.wanted:
        body.cur = Var(targets[part.wanted.index(LAST)], channels[LAST])
    else:
        body.cur = body.vars[f"{stem}.{part.last_is}"]


def _variable(body: Body, key: str, want: str) -> str:
    """The variable of a result: the one that it had before, or a new one."""
    known = body.vars.get(key)
    if known is not None and known.tensor in body.variables.own:
        return known.tensor
    return body.variables.fresh(snake_case(as_word(want.rpartition(".")[2])))
