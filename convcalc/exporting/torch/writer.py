"""Writes a network file as one module of PyTorch code.

The classes are the file's blocks, in the order in which they are needed; the bodies of loops that
hand over more than one tensor are classes too. Constructors take the params and ``in_channels``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.exporting.expressions import Names, literal, names_in, rendered, substituted, written
from convcalc.exporting.layout import laid_out
from convcalc.exporting.naming import Namespace, camel_case, identifier, snake_case
from convcalc.exporting.references import (
    blocks_below,
    head_of,
    own_texts,
    read_before_made,
    tensor_keys,
    wanted_results,
)
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch import joins, loops
from convcalc.exporting.torch.annotations import annotation
from convcalc.exporting.torch.body import Body, NotChain
from convcalc.exporting.torch.operators.table import made_of
from convcalc.exporting.torch.parts import LAST, Argument, Part, Var, inner_value, reads_input
from convcalc.exporting.torch.reserved import METHODS, MODULE_NAMES
from convcalc.exporting.torch.site import Made, Site
from convcalc.exporting.torch.tidying import tidied
from convcalc.exporting.trace import Run, Trace
from convcalc.language.expand.scopes import EVERY
from convcalc.language.parse.functions import Function
from convcalc.language.parse.tree import Block, Item, Param, Unit, inner_items
from convcalc.language.syntax.expressions import FUNCTIONS

_OWN = MODULE_NAMES | {"in_channels"}  # what no argument or variable of a constructor is called
_MOST_ATTEMPTS = 8  # until the signature of a block that calls itself stays


class Writer:
    """Writes the classes of one file."""

    methods = METHODS

    def __init__(self, trace: Trace, name: str) -> None:
        self.trace = trace
        self.unit: Unit = trace.document.unit
        self.classes = Namespace(MODULE_NAMES)
        self.parts: dict[object, Part] = {}
        self.order: list[Part] = []  # as they are finished
        self.helpers: dict[str, None] = {}
        self.functions: dict[str, str] = {}  # by name: the text of one of the file
        self.original: dict[Item, Item] = {}  # of items without their loops
        self.stripped: dict[Item, Item] = {}
        self.open: list[Part] = []
        base = next(iter(trace.networks))
        self.base = base
        network = trace.networks[base]
        self.outputs = self._outputs(network.output_names)
        self.wanted = wanted_results(blocks_below(trace.items), trace.items, self.outputs)
        self.name = name
        root = list(trace.roots.values())
        self.network = Part(
            self.classes.fresh(camel_case(name)), trace.items, self.unit, None, root
        )
        self.network.names, self.network.holders = Namespace(_OWN), Namespace(METHODS)

    def _outputs(self, names: Sequence[str]) -> list[str]:
        """The references of the outputs; LAST where the file names none."""
        if "outputs" not in self.unit.root.keys:
            return [LAST]
        return list(names)

    @property
    def loops(self) -> Any:
        """The module that writes loops."""
        return loops

    @property
    def joins(self) -> Any:
        """The module that writes residuals and branches."""
        return joins

    @staticmethod
    def operator(site: Site, lists: Sequence[bool]) -> Made:
        """What an operator is in code."""
        return made_of(site, lists)

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

    def block_part(self, block: Block, place: Place) -> Part:
        """The class of a block; written if it was not yet."""
        found = self.parts.get(block)
        if found is None:
            instances = self.instances(block)
            found = Part(
                self.classes.fresh(camel_case(block.name)), block.body, block.unit, block, instances
            )
            found.names, found.holders = Namespace(_OWN), Namespace(METHODS)
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
            items = one.body if one.kind == "seq" else [one]
            stem = camel_case(item.id) if item.id else f"{body.part.name}Step"
            found = Part(self.classes.fresh(stem), items, body.part.unit, None, body.runs(item))
            found.names, found.holders = Namespace(_OWN), Namespace(METHODS)
            self.parts[item] = found
            inside = {each.id for each in inner_items(item) if each.id}
            outside = self._texts_outside(body.part, item)
            read = [text for text in outside if head_of(text) in inside]
            early = [name for name in read_before_made(items) if name not in item.carry]
            found.wanted = list(
                dict.fromkeys([*(n for n in item.carry if n in inside), *early, *read, LAST])
            )
            if item.id:
                start = f"{item.id}["
                behind = (
                    t[t.index("]") + 2 :] for t in outside if t.startswith(start) and "]." in t
                )
                found.wanted = list(dict.fromkeys([*behind, *found.wanted]))
            for text in own_texts(items):
                head = head_of(text)
                is_inner = head in inside and head not in item.carry and head not in early
                if text != "prev" and not is_inner:
                    found.tensors.setdefault(text, "")
            found.outer = body.lookup
            self.fill(found)
        found.outer = body.lookup
        return found

    def _texts_outside(self, part: Part, item: Item) -> list[str]:
        inner = {id(each) for each in (item, *inner_items(item))}
        found: list[str] = []

        def walk(items: Sequence[Item]) -> None:
            for each in items:
                if id(each) in inner:
                    continue
                shallow = [each]
                found.extend(t for t in own_texts(shallow) if t not in found)

        walk(part.items)
        own = set(own_texts([item]))
        texts = [*found, *filter(None, part.wanted)]
        if part.block is not None or part.is_network:
            # items around the loop may hold it: what they name besides is outside too
            texts = [
                t
                for t in texts
                if t not in own or _count(part.items, t) > _count([item], t) or t in part.wanted
            ]
        return texts

    def fill(self, part: Part) -> None:
        """Writes the body of a class, as a chain of modules if it is one."""
        self.open.append(part)
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
        self.open.pop()
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
        self._late(part)

    def _body(self, part: Part, *, chain: bool) -> Body:
        part.is_chain = chain
        body = Body(self, part, chain=chain)
        body.part = part
        self._start(body, part)
        body.items(part.items)
        part.results = {}
        for want in part.wanted:
            part.results[want] = body.cur if want == LAST else body.resolve(want)
        if not chain:
            self._return(body, part)
        return body

    def _start(self, body: Body, part: Part) -> None:
        """The tensors that forward is given."""
        if part.is_network:
            network = self.trace.networks[self.base]
            for name, variable in zip(network.inputs, part.inputs, strict=True):
                key = name if len(network.inputs) > 1 else "input"
                width = "in_channels" if len(network.inputs) == 1 else self._input_width(name)
                body.vars[key] = body.vars[name] = Var(variable, width)
                if len(network.inputs) > 1:
                    body.variables.fresh(variable)
            first = next(iter(network.inputs))
            body.cur = body.vars[first]
        else:
            body.cur = Var("x", "in_channels")
            body.vars["input"] = body.cur
        body.variables.taken.add("x")
        if (
            "input" in body.read_ids
            or (part.is_network and len(part.inputs) > 1)
            or any(n in body.read_ids for n in body.vars)
        ):
            body.running = body.variables.fresh("y")
        for key in part.tensors:
            if not part.tensors[key]:
                name = body.variables.fresh(
                    snake_case(
                        key.removesuffix(EVERY).replace("[", "_").replace("]", "").replace(".", "_")
                    )
                )
                part.tensors[key] = name
                part.widths[key] = part.names.fresh(f"{name.rstrip('_')}_channels")
            else:
                body.variables.taken.add(part.tensors[key])
            is_list = key.endswith(EVERY)
            body.vars[key] = Var(part.tensors[key], part.widths[key], is_list=is_list)

    def _input_width(self, name: str) -> str:
        values = {network.inputs[name].channels for network in self.trace.networks.values()}
        if len(values) > 1:
            raise Refused(
                "inputs", f"the channels of input {name} differ", Place(self.unit.file, 1, 1)
            )
        return literal(values.pop())

    def _return(self, body: Body, part: Part) -> None:
        tensors = [part.results[want].tensor for want in part.wanted]
        if len(tensors) == 1:
            self._declare(body, part, tensors[0])
        body.do(f"return {', '.join(tensors)}")

    @staticmethod
    def _declare(body: Body, part: Part, name: str) -> None:
        """Says that the variable that is returned is a tensor, where it is first made."""
        given = part.inputs if part.is_network or reads_input(body.forward) else []
        if name in given or name in part.tensors.values() or not name.isidentifier():
            if not name.isidentifier():
                body.do(f"result: Tensor = {name}")
                part.results[part.wanted[0]] = part.results[part.wanted[0]]._replace(
                    tensor="result"
                )
            return
        for k, (depth, text) in enumerate(body.forward):
            if text.startswith(f"{name} = "):
                body.forward[k] = depth, f"{name}: Tensor = {text[len(name) + 3 :]}"
                return

    # --- params -------------------------------------------------------------------------------

    def param(self, part: Part, name: str) -> str:
        """A param as a name in the constructor of a class, or its value; empty for no param."""
        if part.block is not None and name in part.block.params:
            return self._own(part, name)
        if part.outer is not None:
            return self._from_outside(part, name)
        if name not in part.unit.params:
            return ""
        if part.unit is not self.unit:
            return literal(part.unit.scope[name])
        if part.is_network:
            return self._use(part.used, part, name)
        return self._use(part.extras, part, name)

    def _use(self, used: dict[str, str], part: Part, name: str) -> str:
        if name not in used:
            used[name] = part.names.fresh(identifier(name))
        return used[name]

    def _own(self, part: Part, name: str) -> str:
        assert part.block is not None
        param = part.block.params[name]
        if name in part.used:
            return part.used[name]
        if part.unit is not self.unit:
            fixed = self._fixed(part, param)
            if fixed:
                return fixed
        return self._use(part.used, part, name)

    def _fixed(self, part: Part, param: Param) -> str:
        """The value of a param that is its default in all calls; empty if it is not."""
        values: list[Any] = []
        for value in part.values(param.name):
            if value not in values:
                values.append(value)
        if len(values) != 1 or param.default is None or param.evaluate is None:
            return ""
        default = getattr(param.default, "value", None)
        if isinstance(values[0], bool) or (
            type(default) is type(values[0]) and default == values[0]
        ):
            return literal(values[0])
        return ""

    def _from_outside(self, part: Part, name: str) -> str:
        assert part.outer is not None
        if name in part.used:
            return part.used[name]
        try:
            text = part.outer(name)
        except Refused:
            return ""
        if not names_in(text):
            return text
        return self._use(part.used, part, name)

    def function(
        self, part: Part, lookup: Callable[[str], str]
    ) -> Callable[[str], tuple[str, list[str]]]:
        """How functions are written in the constructor of a class."""

        def named(name: str) -> tuple[str, list[str]]:
            if name in FUNCTIONS:
                if name == "make_divisible":
                    self.use(("make_divisible",))
                return (f"math.{name}" if name in ("ceil", "floor") else name), []
            own = part.unit.functions.get(f"{name}()")
            assert isinstance(own, Function)
            return snake_case(name), [lookup(param) for param in self._function(own)]

        return named

    def _function(self, own: Function) -> list[str]:
        """The params of the file that a function reads; writes it if it was not yet."""
        params = self._params_of(own)
        if own.name not in self.functions:
            arguments = [*own.arguments, *params]

            def called(name: str) -> tuple[str, list[str]]:
                if name in FUNCTIONS:
                    if name == "make_divisible":
                        self.use(("make_divisible",))
                    return (f"math.{name}" if name in ("ceil", "floor") else name), []
                other = own.unit.functions[f"{name}()"]
                return snake_case(name), self._function(other)

            text = written(own.code.text, Names(lambda name: name, called))
            listed = ", ".join(f"{name}: float" for name in arguments)
            is_int = (
                all(text.startswith(start) for start in ("math.",))
                and "/" not in text.rpartition(")")[2]
            )
            result = text if is_int else f"int({text})"
            name = snake_case(own.name)
            lines = laid_out(f"def {name}({listed}) -> int:", 0)
            lines += [f'    """The function {name} of the network file."""']
            self.functions[own.name] = "\n".join([*lines, *laid_out(f"return {result}", 1)])
        return params

    def _params_of(self, own: Function) -> list[str]:
        found: dict[str, None] = {}
        for name in sorted(own.code.names):
            if name.endswith("()"):
                other = own.unit.functions[name]
                found |= dict.fromkeys(self._params_of(other))
            elif name not in own.arguments:
                found[name] = None
        return list(found)

    def use(self, helpers: Sequence[str]) -> None:
        """Notes classes and functions of ``modules/`` that the code needs."""
        for name in helpers:
            self.helpers[name] = None

    # --- calls --------------------------------------------------------------------------------

    def values(self, body: Body, item: Item, part: Part) -> dict[str, str]:
        """The arguments of a call, by name."""
        found: dict[str, str] = {}
        for key, width in part.widths.items():
            if self._needs(part, width):
                found[width] = body.resolve(self._outer_key(item, part, key)).channels
        given = {argument.name: argument for argument in item.arguments}
        for name, argument in part.used.items():
            if name.startswith("<file> "):
                found[argument] = self._file_param(body, name.removeprefix("<file> "))
            elif part.block is None:
                found[argument] = body.lookup(name)
            elif name in given:
                text = self._argument(body, item, part, name)
                declared = next((a for a in part.arguments if a.name == argument), None)
                if declared is None or declared.default != text or declared.late:
                    found[argument] = text
        for name, argument in part.extras.items():
            found[argument] = self._file_param(body, name)
        for number in part.numbers:
            of = partial(inner_value, number=number)
            found[number.name] = body.number(number.name, of, item)
        order = {argument.name: k for k, argument in enumerate(part.arguments)}
        return dict(sorted(found.items(), key=lambda pair: order.get(pair[0], -1)))

    def widths(self, body: Body, item: Item, part: Part) -> dict[str, str]:
        """The channels of the further tensors that a class reads."""
        return {
            width: body.resolve(self._outer_key(item, part, key)).channels
            for key, width in part.widths.items()
        }

    def _argument(self, body: Body, item: Item, part: Part, name: str) -> str:
        argument = next(a for a in item.arguments if a.name == name)
        assert part.block is not None
        kind = part.block.params[name].kind
        text = getattr(argument.node, "text", "")
        words = (text,) if kind == "str" and text not in part.unit.params else ()
        if words:
            own = self.param(body.part, words[0])
            if own:
                return own
        text = body.text(argument.node, words)
        if kind in ("int", "size") and argument.evaluate is not None:
            values = [argument.evaluate(run.scope) for run in body.runs(item)]
            if any(isinstance(value, float) for value in values):
                return f"int({text})"
        return text

    def _file_param(self, body: Body, name: str) -> str:
        """A param of the file in the constructor of a class that may have one of the same name."""
        part = body.part
        if part.is_network:
            return self._use(part.used, part, name)
        if part.outer is not None:
            key = f"<file> {name}"
            if key not in part.used:
                part.used[key] = part.names.fresh(identifier(name))
            return part.used[key]
        return self._use(part.extras, part, name)

    def tensor_argument(self, body: Body, item: Item, part: Part, key: str) -> str:
        """A further tensor that a class reads, in the forward of its caller."""
        found = body.resolve(self._outer_key(item, part, key))
        return found.tensor

    @staticmethod
    def _outer_key(item: Item, part: Part, key: str) -> str:
        if part.block is None:
            return key
        head, dot, rest = key.partition(".")
        for argument in item.arguments:
            if argument.name == head and argument.reference is not None:
                return argument.reference.text + dot + rest
        raise Refused("ref", f"'{key}' of {part.name} is not one layer", item.place)

    def _needs(self, part: Part, name: str) -> bool:
        pattern = re.compile(rf"\b{re.escape(name)}\b")
        texts = [text for _, text in part.init]
        texts += [r.channels for want, r in part.results.items() if part.closed(want) is None]
        texts += [argument.late for argument in part.arguments]
        return any(pattern.search(text) for text in texts) or part in self.open

    # --- signatures ---------------------------------------------------------------------------

    def _late(self, part: Part) -> None:
        """The arguments of a class's constructor: those without a default first."""
        required: list[Argument] = []
        optional: list[Argument] = []
        body = Body(self, part, chain=True)
        body.reading = "in_channels"
        done: set[str] = set()
        while set(part.used) - done:
            for name in list(part.used):
                if name in done:
                    continue
                done.add(name)
                made = self._declared(body, part, name)
                (optional if made.default or made.late else required).append(made)
        order = self._order(part)
        required.sort(key=lambda a: order.get(a.name, 0))
        optional.sort(key=lambda a: order.get(a.name, 0))
        for name, argument in part.extras.items():
            values = [scope[name] for scope in self.trace.scopes.values()]
            required.append(Argument(argument, annotation(values)))
        for number in part.numbers:
            values = [number.of(run) for run in self.trace.runs.get(number.item, [])]
            default = ""
            if part.is_network:
                default = literal(inner_value(self.trace.roots[self.base], number))
                optional.append(Argument(number.name, annotation(values), default))
            else:
                required.append(Argument(number.name, annotation(values)))
        part.arguments = [*required, *optional]

    @staticmethod
    def _order(part: Part) -> dict[str, int]:
        params = part.block.params if part.block is not None else part.unit.params
        names = list(params)
        return {arg: names.index(name) for name, arg in part.used.items() if name in names}

    def _declared(self, body: Body, part: Part, name: str) -> Argument:
        argument = part.used[name]
        if part.is_network:
            values = [scope[name] for scope in self.trace.scopes.values()]
            return Argument(argument, annotation(values), self._network_default(part, name))
        if part.block is None:
            values = list(part.values(name.removeprefix("<file> ")))
            return Argument(argument, annotation(values))
        values = list(part.values(name))
        param = part.block.params[name]
        if param.default is None:
            return Argument(argument, annotation(values))
        words = (
            (param.default.text,) if param.kind == "str" and hasattr(param.default, "text") else ()
        )
        text = body.text(param.default, words)
        if (
            param.kind == "int"
            and param.evaluate is not None
            and names_in(text)
            and "/" in text.replace("//", "")
        ):
            text = f"int({text})"
        if names_in(text):
            return Argument(argument, annotation(values), "None", text)
        return Argument(argument, annotation([*values]), text)

    def _network_default(self, part: Part, name: str) -> str:
        return literal(self.trace.scopes[self.base][name])


def _count(items: Sequence[Item], text: str) -> int:
    return sum(each == text for each in own_texts(items))


__all__ = ["Made", "Site", "Writer", "rendered", "substituted"]
