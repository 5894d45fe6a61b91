"""Writes a network file as one module of Keras code.

Each block is a function of a tensor and of the block's params; params of the file that it reads are
keyword arguments, handed on by its callers. The network is a function that returns a
``keras.Model``, and each variant one that calls it with other arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.expressions import literal, names_in
from convcalc.exporting.formulas import Formulas
from convcalc.exporting.keras.body import Body
from convcalc.exporting.keras.function import LOCALS, RESERVED, Argument, Function
from convcalc.exporting.keras.helpers import HELPERS
from convcalc.exporting.keras.walk import Walk
from convcalc.exporting.naming import Namespace, identifier, snake_case
from convcalc.exporting.references import blocks_below, wanted_results
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import Trace
from convcalc.language.parse.tree import Block, Param, Unit
from convcalc.language.syntax.evaluation import free_names
from convcalc.model.graph.steps import live_layers, steps_of

_MOST_ATTEMPTS = 4  # until the arguments of a block that calls itself stay


class Writer:
    """Writes the functions of one file."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.unit: Unit = trace.document.unit
        self.base = next(iter(trace.networks))
        self.names = Namespace((*RESERVED, *LOCALS))
        self.functions: dict[Block, Function] = {}
        self.formulas = Formulas(_definition, self.use)
        self.order: list[Function] = []
        self.helpers: dict[str, None] = {}
        self.modules: set[str] = set()
        network = trace.networks[self.base]
        self.outputs = self._outputs()
        paths = [path for path in self.outputs if path]
        blocks = blocks_below(trace.items)
        self.wanted = wanted_results(blocks, trace.items, paths)
        self.named = {block: self.names.fresh(snake_case(block.name)) for block in blocks}
        self.formulas_of = {
            snake_case(name.removesuffix("()")) for b in blocks for name in b.unit.functions
        }
        self.network = Function(
            self.names.fresh(snake_case(network.name)), self.unit, None, trace.items
        )
        self.reserve(self.network)

    def _outputs(self) -> list[str]:
        """The references of the outputs; empty where the file names none."""
        if "outputs" not in self.unit.root.keys:
            return [""]
        found = {tuple(network.output_names) for network in self.trace.networks.values()}
        if len(found) != 1:
            raise Refused("outputs", "its variants have other outputs", self.trace.items[0].place)
        return list(found.pop())

    def reserve(self, function: Function) -> None:
        """Keeps the names of other functions from being those of arguments and variables."""
        function.names.taken.update(self.names.taken, HELPERS, self.formulas_of)

    def use(self, name: str) -> str:
        """Notes that the code needs a helper."""
        self.helpers[name] = None
        return name

    # --- functions --------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes the network, and all functions that it needs."""
        self._refuse_dead_ends()
        function = self.network
        function.wanted = [path for path in self.outputs if path]
        body = Walk(self, function)
        network = self.trace.networks[self.base]
        names = list(network.inputs)
        variables = (
            ["inputs"] if len(names) == 1 else [function.names.fresh(identifier(n)) for n in names]
        )
        for name, variable in zip(names, variables, strict=True):
            body.vars[name] = variable
            body.do(f"{variable} = keras.Input({self._input_shape(name, len(names))})")
        if len(names) == 1:
            body.source = body.cur = "inputs"
        else:
            body.source = body.cur = variables[0]
        function.names.taken.update(LOCALS)
        body.items(function.items)
        given = variables[0] if len(variables) == 1 else f"[{', '.join(variables)}]"
        made = [body.cur if not path else self._found(body, path) for path in self.outputs]
        returned = made[0] if len(made) == 1 else f"[{', '.join(made)}]"
        body.do(f"return keras.Model({given}, {returned}, name={literal(network.name)})")
        self.order.append(function)

    def _refuse_dead_ends(self) -> None:
        """Raises Refused if weights lead to no output: Keras' functional models leave them out."""
        for network in self.trace.networks.values():
            live = live_layers(steps_of(network))
            for index, layer in enumerate(network.layers):
                if index not in live and layer.analysis.stored:
                    why = f"{layer.path} leads to no output, and a model of functions leaves it out"
                    raise Refused(layer.name, why, layer.place)

    @staticmethod
    def _found(body: Body, path: str) -> str:
        found = body.find(path, body.function.items[-1])
        if found is None:
            raise body.refused(f"the output '{path}' is not made by one layer in code")
        return found

    def _input_shape(self, name: str, count: int) -> str:
        shapes = set()
        for network in self.trace.networks.values():
            shape = network.inputs[name]
            shapes.add(
                (*(n if isinstance(n, int) else None for n in shape.spatial), shape.channels)
            )
        if len({len(shape) for shape in shapes}) > 1:
            raise Refused(
                "input", "its variants have inputs of other axes", self.trace.items[0].place
            )
        if count == 1:
            return "input_shape"
        if len(shapes) > 1:
            raise Refused("input", "its variants have other inputs", self.trace.items[0].place)
        return literal(shapes.pop())

    def input_shape(self, variant: str) -> str:
        """The sizes of the only input of a variant, channels last."""
        (shape,) = self.trace.networks[variant].inputs.values()
        sizes = [n if isinstance(n, int) else None for n in (*shape.spatial, shape.channels)]
        return literal(tuple(sizes))

    def function_of(self, block: Block) -> Function:
        """The function of a block; written if it was not yet."""
        found = self.functions.get(block)
        if found is not None:
            return found
        function = Function(self.named[block], block.unit, block, block.body)
        self.reserve(function)
        function.wanted = self.wanted.get(block, [])
        self.functions[block] = function
        for name, param in block.params.items():
            if param.kind in ("ref", "refs"):
                continue
            fixed = self._fixed(block, param)
            if fixed:
                function.fixed[name] = fixed
            else:
                function.params[name] = Argument(function.names.fresh(identifier(name)))
        calls_itself = block in blocks_below(block.body)
        outer: list[str] = []
        for _ in range(_MOST_ATTEMPTS if calls_itself else 1):
            self._fill(function, block)
            if list(function.outer) == outer:
                break
            outer = list(function.outer)
        self.order.append(function)
        return function

    def _fixed(self, block: Block, param: Param) -> str:
        """The value of a param that nobody sets otherwise, of a block in another file."""
        default = getattr(param.default, "value", None)
        if block.unit is self.unit or not isinstance(default, bool | int | float):
            return ""
        runs = [run for item in block.body for run in self.trace.runs.get(item, [])]
        if any(run.scope.get(param.name, default) != default for run in runs):
            return ""
        return literal(default)

    def _fill(self, function: Function, block: Block) -> None:
        function.lines.clear()
        body = Walk(self, function)
        body.start(block)
        for name in function.params:
            self._default(body, block, name)
        body.items(block.body)
        made = [body.cur, *(self._found(body, path) for path in function.wanted)]
        body.do(f"return {', '.join(made)}")
        ordered = sorted(
            function.params.items(), key=lambda pair: bool(pair[1].default or pair[1].late)
        )
        function.params = dict(ordered)

    def _default(self, body: Body, block: Block, name: str) -> None:
        """The default of a param: in the head if it is a number, else where it is missing."""
        param, argument = block.params[name], body.function.params[name]
        if param.default is None:
            return
        node = param.default
        scope = set(block.params) | set(body.function.unit.params)
        value = getattr(node, "value", None)
        if (
            isinstance(value, str)
            and not set(free_names(node)) & scope
            and param.evaluate is not None
        ):
            try:
                argument.default = literal(param.evaluate(dict(body.function.unit.scope)))
            except Exception:
                argument.default = ""
            if argument.default:
                return
        text = body.text(node)
        if not names_in(text) - {"math"}:
            argument.default = text
            return
        argument.late = text
        body.do(f"if {argument.name} is None:")
        body.depth += 1
        body.do(f"{argument.name} = {text}")
        body.depth -= 1

    # --- params -----------------------------------------------------------------------------------

    def param(self, function: Function, name: str) -> str:
        """A param of a block in its function."""
        return function.fixed.get(name) or function.params[name].name

    def file_param(self, function: Function, name: str) -> str:
        """A param of the file in a function: an argument, or its value in an imported file."""
        if function.unit is not self.unit:
            if name not in function.unit.params:  # handed on to a block of the network's own file
                return self._argument(function, name)
            return literal(function.unit.scope[name])
        return self._argument(function, name)

    def _argument(self, function: Function, name: str) -> str:
        if function.block is None:
            if name not in function.params:
                value = literal(self.trace.scopes[self.base][name])
                function.params[name] = Argument(function.names.fresh(identifier(name)), value)
            return function.params[name].name
        if name not in function.outer:
            function.outer[name] = Argument(function.names.fresh(identifier(name)))
        return function.outer[name].name


def _definition(name: str, arguments: Sequence[str], result: str) -> str:
    return f"def {name}({', '.join(arguments)}):\n    return {result}"
