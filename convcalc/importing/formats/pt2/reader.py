"""Reads a program of torch.export into a foreign graph, without PyTorch and without the weights."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import (
    Constant,
    Content,
    Graph,
    Input,
    Node,
    OneGraph,
    Sizes,
    Unreadable,
)
from convcalc.importing.formats.pt2.archive import MOST_TEXT, program_text
from convcalc.importing.formats.pt2.aten import RULES
from convcalc.importing.formats.pt2.aten.elementwise import PASSING, SILENT
from convcalc.importing.formats.pt2.call import Budget, Call, Untranslated
from convcalc.importing.formats.pt2.schema import (
    Ref,
    Subprogram,
    argument,
    kind_of,
    mapping,
    name_of,
    outputs_of,
    parsed,
    sequence,
    sizes_of,
)
from convcalc.importing.formats.pt2.scopes import (
    Origin,
    calls,
    form_of,
    holds,
    line_of,
    origin_of,
)
from convcalc.importing.formats.pt2.writing import Written

MOST_NODES = 200_000
MOST_DEPTH = 16  # of graphs in graphs
AXES = ("", "c", "bc", "bc0", "bc01", "bc012")


def open_model(content: Content, file: str) -> OneGraph:
    """The program of a ``.pt2`` file, or of its JSON text; Unreadable if it is damaged."""
    text = bytes(content[: MOST_TEXT + 1]) if content[:1] == b"{" else program_text(content)
    if len(text) > MOST_TEXT:
        raise Unreadable(f"its program is larger than {MOST_TEXT >> 20} MiB")
    return OneGraph(read_program(parsed(text), file))


def read_program(program: Mapping[str, Any], file: str) -> Graph:
    """The graph of a program."""
    return _Reading(program, file).graph()


class _Stored(NamedTuple):
    """The meaning of an input in the signature: a weight, a buffer, or a tensor that is given."""

    kind: str
    name: str


class _Part(NamedTuple):
    """A node as the file has it, in the graph that it is in."""

    raw: Mapping[str, Any]
    op: str
    arguments: dict[str, Any]
    outputs: list[str]
    origin: Origin
    metadata: Mapping[str, Any]


class _Reading:
    """One program on its way."""

    def __init__(self, program: Mapping[str, Any], file: str) -> None:
        module = mapping(program["graph_module"], "the graph")
        self.raw = mapping(module.get("graph"), "the graph")
        self.signature = mapping(module.get("signature"), "the signature")
        self.file = file
        torch = program.get("torch_version")
        self.writer = f"PyTorch {torch[:40]}" if isinstance(torch, str) and torch else "PyTorch"
        self.shapes: dict[str, Sizes] = {}
        self.kinds: dict[str, str] = {}
        self.constants: dict[str, Constant] = {}
        self.inputs: dict[str, Input] = {}
        self.nodes: list[Node] = []
        self.count = 0
        self.written = Written(self.shapes)
        self.budget = Budget()

    def graph(self) -> Graph:
        """The graph, with what the signature says of its inputs."""
        self.add_shapes(self.raw, "")
        for spec in sequence(self.signature.get("input_specs"), "the signature"):
            self.add_input(mapping(spec, "the signature"))
        parts = list(self.parts(self.raw, "", {}, 0))
        alone = calls(part.origin for part in parts if part.op not in PASSING + SILENT)
        for part in parts:
            self.add(part, alone)
        read = {name for node in self.nodes for name in node.inputs}
        returned = self.outputs()
        unused = [
            each
            for name, each in self.constants.items()
            if each.learned and name not in read and name not in returned.values()
        ]
        words = f"exported by {self.writer}"
        if unused:
            count = sum(prod(each.dims) for each in unused)
            words += f"; {count:,} parameters that it does not use are left out"
        return Graph(
            "",
            self.inputs,
            returned,
            self.nodes,
            self.constants,
            self.shapes,
            words,
            stored_once=True,
            names_calls=True,
        )

    # --- tensors ------------------------------------------------------------------------------

    def add_shapes(self, raw: Mapping[str, Any], prefix: str) -> None:
        """The sizes of all tensors of a graph."""
        for name, meta in mapping(raw.get("tensor_values"), "the list of tensors").items():
            self.shapes[f"{prefix}{name}"] = sizes_of(meta, name)
            self.kinds[f"{prefix}{name}"] = kind_of(meta)

    def add_input(self, spec: Mapping[str, Any]) -> None:
        """An input of the program: a tensor that is given, or one that is stored."""
        for kind, key in _STORED.items():
            if kind in spec:
                held = mapping(spec[kind], "the signature")
                name = name_of(held.get("arg"))
                origin = held.get(key)
                self.add_constant(name, origin if isinstance(origin, str) else name, kind)
                return
        if "user_input" in spec:
            given = argument(mapping(spec["user_input"], "the signature").get("arg"))
            if isinstance(given, Ref) and given in self.shapes:
                sizes = self.shapes[given]
                axes = AXES[len(sizes)] if len(sizes) < len(AXES) else ""
                self.inputs[str(given)] = Input(sizes, axes)

    def add_constant(self, name: str, origin: str, kind: str) -> None:
        """A stored tensor, whose numbers stay in the file."""
        sizes = self.shapes.get(name)
        if sizes is None:
            raise Unreadable(f"the sizes of '{origin}' are missing", element=f"tensor {origin}")
        dims = tuple(size if size is not None else 1 for size in sizes)
        is_stored = kind != "tensor_constant"
        self.constants[name] = Constant(
            dims,
            None,
            self.kinds[name],
            origin if is_stored else "",
            dims if is_stored else (),
            kind == "parameter",
            frozenset((name,)) if is_stored else frozenset(),
        )

    def outputs(self) -> dict[str, str]:
        """Return what the program returns, by name."""
        found = {}
        for spec in sequence(self.signature.get("output_specs"), "the signature"):
            returned = mapping(spec, "the signature").get("user_output")
            if returned is None:
                continue
            name = argument(mapping(returned, "the signature").get("arg"))
            if isinstance(name, Ref) and name not in self.inputs:
                found[str(name)] = self.written.current(str(name))
        return found

    # --- nodes --------------------------------------------------------------------------------

    def parts(
        self, raw: Mapping[str, Any], prefix: str, names: Mapping[str, str], depth: int
    ) -> Iterator[_Part]:
        """The nodes of a graph, with those of graphs that they run in their place."""
        if depth > MOST_DEPTH:
            raise Unreadable(f"graphs are nested more than {MOST_DEPTH} deep")
        local = ChainMap({}, dict(names))
        for each in sequence(raw.get("nodes"), "the list of nodes"):
            node = mapping(each, "a node")
            self.count += 1
            if self.count > MOST_NODES:
                raise Unreadable(f"it has more than {MOST_NODES:,} nodes")
            yield from self.parts_of(node, prefix, local, depth)

    def parts_of(
        self, node: Mapping[str, Any], prefix: str, names: ChainMap[str, str], depth: int
    ) -> Iterator[_Part]:
        """A node, or those of the graph that it runs."""
        metadata = mapping(node.get("metadata", {}), "a node")
        target = node.get("target")
        if not isinstance(target, str):
            raise Unreadable("a node has no operator")
        outputs = [
            f"{prefix}{name}" if name else ""
            for name in outputs_of(sequence(node.get("outputs"), "a node"))
        ]
        given = []
        for each in sequence(node.get("inputs"), "a node"):
            held = mapping(each, "an argument")
            key = held.get("name")
            value = _renamed(argument(held.get("arg")), prefix, names)
            given.append((key if isinstance(key, str) else "", value))
        inner = [value for _, value in given if isinstance(value, Subprogram)]
        if len(inner) == 1 and _runs_once(target):
            operands = [value for _, value in given]
            operands = operands[operands.index(inner[0]) + 1 :]
            yield from self.inlined(inner[0], operands, outputs, prefix, names, depth)
            return
        arguments = {key or f"{index}": value for index, (key, value) in enumerate(given)}
        yield _Part(node, _op_of(target), arguments, outputs, origin_of(metadata), metadata)

    def inlined(
        self,
        raw: Subprogram,
        operands: Sequence[Any],
        outputs: Sequence[str],
        prefix: str,
        names: ChainMap[str, str],
        depth: int,
    ) -> Iterator[_Part]:
        """The nodes of a graph that another one runs once, under their own names."""
        here = f"{prefix}{outputs[0] if outputs else self.count}/"
        self.add_shapes(raw, here)
        inner: dict[str, str] = {}
        given = outputs_of(sequence(raw.get("inputs"), "a graph"))
        for name, operand in zip(given, operands, strict=False):
            if isinstance(operand, Ref):
                inner[name] = str(operand)
        yield from self.parts(raw, here, inner, depth + 1)
        for outer, name in zip(
            outputs, outputs_of(sequence(raw.get("outputs"), "a graph")), strict=False
        ):
            if outer:
                names[outer.removeprefix(prefix)] = inner.get(name, f"{here}{name}")

    def add(self, part: _Part, alone: Mapping[str, int]) -> None:
        """The nodes that say what a node of the file does."""
        names = [name for name in part.outputs if name]
        name = names[0] if names else str(part.raw.get("name") or part.op)
        line = line_of(part.metadata)
        element = f"node {name}, {line}" if line else f"node {name}"
        place = Place(self.file, 1, 1, 0, element)
        arguments = {
            key: self.written.argument(value, self.nodes, name, place, part.origin.scope)
            for key, value in part.arguments.items()
        }
        weights = [
            self.constants[each].origin
            for each in _tensors(arguments)
            if each in self.constants and self.constants[each].learned
        ]
        form = form_of(
            part.origin, alone[part.origin.call] == 1, holds(part.origin, weights), part.metadata
        )
        node = Node("", (), (), {}, name, place, part.origin.scope, form)
        is_written = part.op.endswith("_") and not part.op.endswith("__")
        op = part.op.removesuffix("_") if is_written else part.op
        call = Call(op, arguments, part.outputs, self.shapes, self.constants, node, self.budget)
        self.nodes += _translated(call)
        self.written.follow(op, arguments.get("self"), names, is_written=is_written)


_STORED = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


def _translated(call: Call) -> list[Node]:
    """The nodes of a call; one without a rule keeps its name."""
    rule = RULES.get(call.op)
    try:
        if rule is not None:
            rule(call)
            return call.made
        reason = call.op
    except Untranslated as error:
        reason = f"{call.op} ({error})"
    except (ArithmeticError, IndexError, TypeError, ValueError) as error:
        reason = f"{call.op} (its arguments are damaged: {type(error).__name__})"
    inputs = tuple(_tensors(call.arguments))
    return [call.node._replace(op=reason, inputs=inputs, outputs=tuple(call.outputs))]


def _tensors(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The names of the tensors among arguments."""
    for value in arguments.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Ref):
                yield str(each)


def _renamed(value: Any, prefix: str, names: Mapping[str, str]) -> Any:
    """An argument whose names are those of the whole program."""
    if isinstance(value, list):
        return [_renamed(each, prefix, names) for each in value]
    if isinstance(value, Ref):
        return Ref(names.get(value, f"{prefix}{value}"))
    return value


def _op_of(target: str) -> str:
    """The name of an operator: ``torch.ops.aten.conv2d.default`` is conv2d."""
    if target.startswith("torch.ops.aten."):
        return target.split(".")[3]
    if target.startswith("_operator."):
        return f"operator.{target.removeprefix('_operator.')}"
    return target.removeprefix("torch.ops.")[:80]


def _runs_once(target: str) -> bool:
    """Whether a node only runs its graph, in another mode."""
    return target.startswith("torch.ops.higher_order.wrap_with")
