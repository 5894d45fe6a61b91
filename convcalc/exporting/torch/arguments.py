"""The arguments of a call of a class: values of its constructor, tensors of its forward."""

from __future__ import annotations

import re
from functools import partial

from convcalc.exporting.phrases import whole
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.params import is_of_file, without_mark
from convcalc.exporting.torch.parts import Part, Var, inner_value
from convcalc.language.parse.tree import Argument, Block, Item


def values_of(body: Body, item: Item, part: Part) -> dict[str, str]:
    """The arguments of a call, by name, in the order of the constructor."""
    found: dict[str, str] = {}
    for key, width in part.widths.items():
        if _needs(body, part, width):
            found[width] = tensor_of(body, item, part, key).channels
    for name, argument in part.used.items():
        value = _given(body, item, part, name, argument)
        if value is not None:
            found[argument] = value
    for name, argument in part.extras.items():
        found[argument] = body.writer.params.of_file(body.part, name)
    for number in part.numbers:
        of = partial(inner_value, number=number)
        found[number.name] = body.number(number.name, of, item)
    order = {argument.name: k for k, argument in enumerate(part.arguments)}
    return dict(sorted(found.items(), key=lambda pair: order.get(pair[0], -1)))


def widths_of(body: Body, item: Item, part: Part) -> dict[str, str]:
    """The channels of the further tensors that a class reads."""
    return {width: tensor_of(body, item, part, key).channels for key, width in part.widths.items()}


def tensor_of(body: Body, item: Item, part: Part, key: str) -> Var:
    """A further tensor that a class reads, as its caller has it."""
    if part.block is None:
        return body.resolve(key)
    head, dot, rest = key.partition(".")
    for argument in item.arguments:
        if argument.name == head and argument.reference is not None:
            return body.resolve(argument.reference.text + dot + rest)
    raise Refused("ref", f"'{key}' of {part.name} is not one layer", item.place)


def _given(body: Body, item: Item, part: Part, name: str, argument: str) -> str | None:
    """The value of a param; None if it is the default."""
    if is_of_file(name):
        return body.writer.params.of_file(body.part, without_mark(name))
    if part.block is None:
        return body.lookup(name)
    own = next((each for each in item.arguments if each.name == name), None)
    if own is None:
        return None
    text = _value(body, item, part.block, own)
    declared = next((each for each in part.arguments if each.name == argument), None)
    is_default = declared is not None and declared.default == text and not declared.late
    return None if is_default else text


def _value(body: Body, item: Item, block: Block, argument: Argument) -> str:
    """The value of a block's param; a word stays a word."""
    kind = block.params[argument.name].kind
    text = getattr(argument.node, "text", "")
    words = (text,) if kind == "str" and text not in block.unit.params else ()
    if words and (own := body.writer.params.param(body.part, text)):
        return own
    written = body.text(argument.node, words)
    if kind not in ("int", "size") or argument.evaluate is None:
        return written
    return whole(written, [argument.evaluate(run.scope) for run in body.runs(item)])


def _needs(body: Body, part: Part, name: str) -> bool:
    """Whether the constructor of a class names an argument; unknown while it is written."""
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    texts = [text for _, text in part.init]
    texts += [r.channels for want, r in part.results.items() if part.closed(want) is None]
    texts += [argument.late for argument in part.arguments]
    return any(pattern.search(text) for text in texts) or part in body.writer.unfinished
