"""Writes a network file as one module of PyTorch code.

The classes are the file's blocks, in the order in which they are needed; the bodies of loops that
hand over more than one tensor are classes too. Constructors take the params and ``in_channels``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.exporting.expressions import literal
from convcalc.exporting.formulas import Formulas
from convcalc.exporting.layout import laid_out
from convcalc.exporting.naming import Namespace, camel_case, identifier, snake_case
from convcalc.exporting.references import blocks_below, tensor_keys, wanted_results
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.body import Body
from convcalc.exporting.torch.loop_classes import loop_class
from convcalc.exporting.torch.params import Params
from convcalc.exporting.torch.parts import LAST, Part, Var, reads_input
from convcalc.exporting.torch.reserved import MODULE_NAMES
from convcalc.exporting.torch.signatures import signature
from convcalc.exporting.torch.statements import NotChain
from convcalc.exporting.torch.tidying import tidied
from convcalc.exporting.torch.walk import Walk
from convcalc.exporting.trace import Run, Trace
from convcalc.language.expand.tensors import EVERY
from convcalc.language.file_facts import NetworkFile
from convcalc.language.parse.tree import Block, Item, Unit

_MOST_ATTEMPTS = 8  # until the signature of a block that calls itself stays


class Writer:
    """Writes the classes of one file."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.unit: Unit = trace.document.unit
        self.classes = Namespace(MODULE_NAMES)
        self.parts: dict[object, Part] = {}
        self.order: list[Part] = []  # as they are finished
        self.helpers: dict[str, None] = {}
        self.params = Params(self.unit)
        self.formulas = Formulas(_definition, self.use)
        self.original: dict[Item, Item] = {}  # of items without their loops
        self.stripped: dict[Item, Item] = {}
        self.unfinished: list[Part] = []
        base = next(iter(trace.networks))
        self.base = base
        network = trace.networks[base]
        self.outputs = self._outputs(network.output_names)
        blocks = blocks_below(trace.items)
        self.wanted = wanted_results(blocks, trace.items, self.outputs)
        root = list(trace.roots.values())
        self.network = Part(
            self.classes.fresh(_class_name(network, blocks)),
            trace.items,
            self.unit,
            None,
            root,
        )
        self.network.reserve()

    def _outputs(self, names: Sequence[str]) -> list[str]:
        """The references of the outputs; LAST where the file names none."""
        if "outputs" not in self.unit.root.keys:
            return [LAST]
        return list(names)

    # --- classes ------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes the network, and all classes that it needs."""
        part = self.network
        part.wanted = list(self.outputs)
        network = self.trace.networks[self.base]
        part.inputs = [identifier(name) for name in network.inputs]
        if len(part.inputs) == 1:
            part.inputs = ["x"]
        self.fill(part)

    def block_part(self, block: Block) -> Part:
        """The class of a block; written if it was not yet."""
        found = self.parts.get(block)
        if found is None:
            instances = self.instances(block)
            found = Part(
                self.classes.fresh(camel_case(block.name)), block.body, block.unit, block, instances
            )
            found.reserve()
            self.parts[block] = found
            found.wanted = [*self.wanted.get(block, []), LAST]
            for key in tensor_keys(block):
                found.tensors[key] = ""
            self.fill(found)
        return found

    def instances(self, block: Block) -> list[Run]:
        """All calls of a block."""
        if not hasattr(self, "_calls"):
            self._calls: dict[Block, list[Run]] = {}
            for item, runs in list(self.trace.runs.items()):
                if item.block is not None:
                    self._calls.setdefault(item.block, []).extend(runs)
        return self._calls.get(block, [])

    def loop_part(self, body: Body, item: Item, one: Item) -> Part:
        """The class of a loop's body."""
        found = self.parts.get(item)
        if found is None:
            found = self.parts[item] = loop_class(self.classes, body, item, one)
            found.outer = body.lookup
            self.fill(found)
        found.outer = body.lookup
        return found

    def use(self, *helpers: str) -> None:
        """Notes classes and functions of ``modules/`` that the code needs."""
        for name in helpers:
            self.helpers[name] = None

    def fill(self, part: Part) -> None:
        """Writes the body of a class, as a chain of modules if it is one."""
        self.unfinished.append(part)
        last = part.items[-1].id if part.items else ""
        several = LAST in part.wanted and len(part.wanted) > 1 and last in part.wanted
        if last and several and part.items[-1].condition is None and not part.items[-1].indexed:
            part.wanted.remove(LAST)
            part.last_is = last
        calls_itself = part.block is not None and part.block in blocks_below(part.items)
        before: Any = None
        for _ in range(_MOST_ATTEMPTS if calls_itself else 1):
            self._fill_once(part)
            part.settle()
            now = [dict(part.used), dict(part.extras), list(part.numbers), dict(part.stored_widths)]
            if now == before:
                break
            before = now
        self.unfinished.pop()
        self.order.append(part)

    def _fill_once(self, part: Part) -> None:
        names, holders = part.names.copy(), part.holders.copy()
        try:
            if part.is_network or part.wanted != [LAST] or part.tensors:
                raise NotChain
            body = self._body(part, chain=True)
        except NotChain:
            part.names, part.holders = names, holders
            part.lists.clear()
            part.carried.clear()
            part.width_lists.clear()
            body = self._body(part, chain=False)
        part.init, part.forward = body.init, tidied(body.forward, pure=True)
        for made in part.width_lists.values():
            part.init.insert(0, (2, f"{made}: list[int] = []"))
        part.arguments = signature(self.trace, Walk(self, part, chain=True), part)

    def _body(self, part: Part, *, chain: bool) -> Body:
        part.is_chain = chain
        body = Walk(self, part, chain=chain)
        self._start(body, part)
        body.items(part.items)
        part.results = {}
        for want in part.wanted:
            part.results[want] = body.cur if want == LAST else body.resolve(want)
        if not chain:
            _return(body, part)
        return body

    def _start(self, body: Body, part: Part) -> None:
        """The tensors that forward is given."""
        if part.is_network:
            self._start_network(body, part)
        else:
            body.vars["input"] = body.cur
        body.variables.taken.add("x")
        several = part.is_network and len(part.inputs) > 1
        if several or "input" in body.read_ids or any(n in body.read_ids for n in body.vars):
            body.running = body.variables.fresh("y")
        for key in part.tensors:
            if not part.tensors[key]:
                name = part.tensors[key] = body.variables.fresh(_tensor_name(key))
                part.widths[key] = part.names.fresh(f"{name.rstrip('_')}_channels")
            else:
                body.variables.taken.add(part.tensors[key])
            is_list = key.endswith(EVERY)
            body.vars[key] = Var(part.tensors[key], part.widths[key], is_list=is_list)

    def _start_network(self, body: Body, part: Part) -> None:
        inputs = self.trace.networks[self.base].inputs
        is_only = len(inputs) == 1
        for name, variable in zip(inputs, part.inputs, strict=True):
            width = "in_channels" if is_only else self._input_width(name)
            body.vars["input" if is_only else name] = body.vars[name] = Var(variable, width)
            if not is_only:
                body.variables.fresh(variable)
        body.cur = body.vars[next(iter(inputs))]

    def _input_width(self, name: str) -> str:
        values = {network.inputs[name].channels for network in self.trace.networks.values()}
        if len(values) > 1:
            raise Refused(
                "inputs", f"the channels of input {name} differ", Place(self.unit.file, 1, 1)
            )
        return literal(values.pop())


def _class_name(network: NetworkFile, blocks: Sequence[Block]) -> str:
    """The network's class, in the capitals of the description unless a block is called so."""
    spelled = camel_case(network.name, network.description)
    is_taken = spelled in {camel_case(block.name) for block in blocks}
    return camel_case(network.name) if is_taken else spelled


def _definition(name: str, arguments: Sequence[str], result: str) -> str:
    """A function of the file."""
    is_int = result.startswith("math.") and "/" not in result.rpartition(")")[2]
    value = result if is_int else f"int({result})"
    listed = ", ".join(f"{each}: float" for each in arguments)
    lines = laid_out(f"def {name}({listed}) -> int:", 0)
    lines += [f'    """The function {name} of the network file."""']
    return "\n".join([*lines, *laid_out(f"return {value}", 1)])


def _tensor_name(key: str) -> str:
    """A variable for a tensor that is given, by the reference that it stands for."""
    plain = key.removesuffix(EVERY).replace("[", "_").replace("]", "").replace(".", "_")
    return snake_case(plain)


def _return(body: Body, part: Part) -> None:
    tensors = [part.results[want].tensor for want in part.wanted]
    if len(tensors) == 1:
        _declare(body, part, tensors[0])
    body.do(f"return {', '.join(tensors)}")


def _declare(body: Body, part: Part, name: str) -> None:
    """Says that the variable that is returned is a tensor, where it is first made."""
    if not name.isidentifier():
        body.do(f"result: Tensor = {name}")
        want = part.wanted[0]
        part.results[want] = part.results[want]._replace(tensor="result")
        return
    given = part.inputs if part.is_network or reads_input(body.forward) else []
    if name in given or name in part.tensors.values():
        return
    for k, (depth, text) in enumerate(body.forward):
        if text.startswith(f"{name} = "):
            body.forward[k] = depth, f"{name}: Tensor = {text[len(name) + 3 :]}"
            return
