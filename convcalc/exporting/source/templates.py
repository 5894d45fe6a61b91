"""Blocks of several modules that do the same: lines, params, and what each module gives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from convcalc.exporting.source.addresses import Outside, addresses_of
from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.lines import Line, all_lines, lines_of
from convcalc.exporting.source.paddings import padding_of
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.terms import Body, Call, Fork, Loop, Op
from convcalc.exporting.source.values import Param, Slot, Values
from convcalc.model.operators.registry import fields_of, operator_class

# Names that mean something else in an expression or a reference.
RESERVED = (
    *("i", "prev", "input", "in_channels", "block", "length", "height", "width", "depth"),
    *("positions", "in_height", "in_width", "in_length", "in_depth", "in_positions"),
    *("min", "max", "sum", "len", "ceil", "floor", "round", "int", "abs", "make_divisible"),
    *("true", "false", "null", "and", "or", "not", "if", "else", "in", "is", "for", "lambda"),
    *("on", "no", "off", "yes"),
)
_SHORT = {"out_channels": "c", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d"}
_SHORT |= {"groups": "g", "count": "n", "output_size": "size", "depth_multiplier": "m"}


class Template:
    """A block, and its cases: the modules that it was made of."""

    def __init__(self, scene: Scene, key: str, groups: Sequence[Body]) -> None:
        self.scene = scene
        self.key = key
        self.name = key
        self.bodies = groups
        self.lines, self.frames = lines_of(groups)
        self.entries = {index: frame.entry for index, frame in enumerate(self.frames)}
        self.outside = Outside()
        self.values = Values(RESERVED)
        self.further_names: list[str] = []
        resolve(self.lines, self.outside, self.values, scene)
        for param in self.values.params.values():
            _settle_default(param, len(groups))
            param.require_type()
        for number in range(len(self.outside.tensors)):
            if any(case not in self.outside.tensors[number] for case in self.entries):
                raise Misfit("a tensor from outside is not read by all")
            self.further_names.append(self.values.free("x" if number == 0 else "x2"))

    def arguments(self, case: int) -> dict[str, Any]:
        """The values of params in a case, those of the type ref left out."""
        return {
            name: param.values.get(case, param.default)
            for name, param in self.values.params.items()
        }

    def further(self, case: int) -> list[int]:
        """The tensors from outside in a case."""
        return [tensors[case] for tensors in self.outside.tensors]


def resolve(
    lines: Sequence[Line],
    outside: Outside,
    values: Values,
    scene: Scene,
) -> None:
    """Find out sources and values of all lines; raises Misfit if there are none."""
    every = list(all_lines(lines))
    for line in every:
        addresses_of(line, outside)
    for line in every:
        _resolve_values(line, values, scene)
    for line in every:
        _resolve_conditions(line, values, scene)
    values.settle_columns()


def _resolve_values(line: Line, values: Values, scene: Scene) -> None:
    there = list(line.there)
    contexts = [context for _, context, _ in there]
    terms = [term for _, _, term in there]
    reads = [scene.channels(term.source) for term in terms]
    entering = [scene.channels(context.frame.entry) for context in contexts]

    def slot(role: str, name: str, found: Sequence[Any]) -> Slot:
        return Slot(role, name, contexts, found, reads, entering, None in line.terms)

    if line.kind == "op":
        ops = [term for term in terms if isinstance(term, Op)]
        _op_values(line, ops, values, slot, scene)
    elif line.kind == "call":
        calls = [term for term in terms if isinstance(term, Call)]
        for name, param in calls[0].template.values.params.items():
            found = [call.args[name] for call in calls]
            value = values.written(slot(param.role, name, found))
            if not (param.has_default and same(value, param.default)):
                line.fields[name] = value
    elif line.kind == "loop" and not line.is_for:
        counts = [len(term.rounds) for term in terms if isinstance(term, Loop)]
        line.count = values.written(slot("count", "n", counts))
    elif line.kind == "fork":
        sizes = [term.sizes for term in terms if isinstance(term, Fork)]
        if any(sizes):
            is_even = all(len(set(each)) == 1 for each in sizes)
            line.split = "channels" if is_even else values.written(slot("split", "split", sizes))


def _op_values(line: Line, ops: Sequence[Op], values: Values, slot: Any, scene: Scene) -> None:
    declared = fields_of(operator_class(line.name))
    beside = ops[0].beside
    if any(op.beside != beside for op in ops):
        raise Misfit("what is beside the layers differs")
    line.beside = dict(beside)
    defaults = [scene.defaults(op) for op in ops]
    for name in ops[0].fields:
        found = [op.fields[name] for op in ops]
        field = declared[name]
        if field.kind == "word" and len(set(found)) > 1:
            raise Misfit("words differ")
        if not field.required and all(
            same(value, given.get(name)) for value, given in zip(found, defaults, strict=True)
        ):
            continue
        if name == "padding" and (
            len({*map(repr, found)}) > 1
            or (isinstance(found[0], tuple) and isinstance(found[0][0], tuple))
        ):
            line.fields[field.short or name] = padding_of(line, ops, values, slot, found, scene)
            continue
        short = _SHORT.get(name, field.short or name)
        line.fields[field.short or name] = values.written(slot(name, short, found))


def _resolve_conditions(line: Line, values: Values, scene: Scene) -> None:
    if None in line.terms:
        line.condition = _condition(
            line.contexts,
            [term is not None for term in line.terms],
            [scene.channels(tensor) for tensor in line.before],
            values,
            scene,
            _flag_name(line),
        )
    if line.kind != "fork":
        return
    for part in line.parts:
        there = [part.there[index] for index, _, _ in line.there]
        if all(there):
            line.conditions.append(True)
            continue
        contexts = [context for _, context, _ in line.there]
        reads = [scene.channels(term.source) for _, _, term in line.there]
        condition = _condition(contexts, there, reads, values, scene, "skip")
        line.conditions.append(condition)


def _condition(
    contexts: Sequence[Any],
    there: Sequence[bool],
    reads: Sequence[int | None],
    values: Values,
    scene: Scene,
    name: str,
) -> Any:
    entering = [scene.channels(context.frame.entry) for context in contexts]
    slot = Slot("if", name, contexts, list(there), reads, entering)
    return values.condition(slot)


def _flag_name(line: Line) -> str:
    term = line.first
    if line.is_shortcut:
        return "project"
    if isinstance(term, Op):
        from convcalc.model.operators.registry import families

        family = families().get(term.name)
        if line.is_alternative:
            return term.name
        return {"activation": "act", "norm": "norm"}.get(str(family), term.name.partition("_")[0])
    if isinstance(term, Call):
        return flag_of(term.template.name)
    return "skip" if isinstance(term, Fork) else "more"


def flag_of(name: str) -> str:
    """The name of a flag for a block: ``conv`` for ConvBn, ``se`` for SqueezeExcitation."""
    words = _WORDS.findall(name)
    if len(words) < 2 or words[0] == "Conv":
        return (words[0] if words else name).lower()
    return "".join(word[0] for word in words).lower()


_WORDS = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+")


def _settle_default(param: Param, cases: int) -> None:
    """The commonest value of a param is its default, where a call may do without it."""
    counts = Counter(map(repr, param.values.values()))
    text, _ = max(counts.items(), key=lambda each: (each[1], each[0]))
    default = next(value for value in param.values.values() if repr(value) == text)
    lacks = len(param.values) < cases
    if lacks or isinstance(default, bool) or param.role not in ("out_channels", "count"):
        param.default = default
        param.has_default = True


def same(a: Any, b: Any) -> bool:
    """Whether two values are written alike: true is not 1."""
    return bool(a == b) and type(a) is type(b)
