"""Reads a target into a network: parses the file, applies variant and inputs, expands layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise, nearest
from convcalc.diagnostics.work import MOST_WORK, TooMuchWork, current, limited
from convcalc.errors import Error
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.declared_sizes import declares_sizes, kept_sizes
from convcalc.language.expand.expansion import Expansion
from convcalc.language.expand.loops import condition_holds
from convcalc.language.expand.scopes import Witness
from convcalc.language.file_facts import NetworkFile
from convcalc.language.input_order import misordered
from convcalc.language.parse.arguments import require_names
from convcalc.language.parse.files import Units
from convcalc.language.parse.tree import OF_VARIANT, TOP_KEYS, Item, Unit
from convcalc.language.sources.files import Files
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target, TargetError, unreadable
from convcalc.language.syntax import nodes, reader
from convcalc.language.syntax.evaluation import evaluator, suffixed_number, value_of
from convcalc.model.graph.assembly import MOST_LAYERS, Shared, Tensor, TooLarge, Value
from convcalc.model.graph.output_checks import missing_flattens
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.record import Record
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

Size = int | None
Inputs = Mapping[str, Sequence[Size]] | Sequence[Size] | None

AT_OUTPUTS = ("output", "receptive_field", "jump")  # metrics that every output has
EXPECTED = (*COUNTS, "layers", *AT_OUTPUTS)


_NO_OUTPUT = -1  # the number of a tensor that is not there
NO_LAYERS = "the network has no 'layers'"  # which is fine for a file that only defines blocks


class Limits(NamedTuple):
    """The largest network that is read: size of each file; layers, and iterations of loops; and the
    work of all that is done with it."""

    document: reader.Limits = reader.Limits()
    layers: int = MOST_LAYERS
    work: int = MOST_WORK


LIMITS = Limits()


def with_allowed(limits: Limits) -> Limits:
    """The limits with those in place of them that the user has set for this run."""
    allowed = current().allowed
    if not allowed:
        return limits
    values = {**limits._asdict(), **limits.document._asdict(), **allowed}
    document = reader.Limits(*(values[name] for name in reader.Limits._fields))
    return Limits(document, values["layers"], values["work"])


@limited
def read_network(
    target: Target,
    *,
    variant: str | None = None,
    inputs: Inputs = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    limits: Limits = LIMITS,
    witness: Witness | None = None,
) -> NetworkFile:
    """The network of a target; problems of its content are in ``problems``.

    ``variant`` overrides the target's; ``inputs`` gives the sizes (channels, then spatial,
    None where unknown) of the only input or of inputs by name; ``params`` overrides params of
    the file; ``witness`` is called for each layer while its scope is available. Raises
    TargetError if the file cannot be read or has no such variant, param or input.
    """
    source = NetworkSource(target, limits)
    return source.network(variant, inputs, params, batch=batch, witness=witness)


class NetworkSource:
    """The file of a target, parsed once; the networks of all its variants and inputs are read from
    it, one after another."""

    def __init__(self, target: Target, limits: Limits = LIMITS) -> None:
        self.target = target
        self.limits = with_allowed(limits)
        self.unit: Unit | None = None
        self.units = Units(_files(target, self.limits), self.limits.document)
        self.shared = Shared()
        self.stopped: TooMuchWork | None = None
        try:
            self.unit = self._parse()
        except TooMuchWork as error:
            error.place = error.place or Place(target.file, 1, 1)
            self.stopped = error
        self.problems = tuple(self.units.problems)  # those of the text
        self.items: dict[frozenset[str], tuple[list[Item], list[Diagnostic]]] = {}
        self.pins: _Pins | None = None
        self.variants: tuple[str, ...] = ()
        if self.unit is not None:
            self.variants = tuple(self.unit.variants)

    def _parse(self) -> Unit | None:
        target, units = self.target, self.units
        if target.root is not None:
            units.sources[target.file] = str(target.text or "")
            units.problems += target.problems
            return units.read_unit(target.file, target.root)
        content = target.text if target.text is not None else _content(units.files, target.file)
        return units.parse(target.file, content)

    def network(
        self,
        variant: str | None = None,
        inputs: Inputs = None,
        params: Mapping[str, Any] | None = None,
        *,
        batch: int = 1,
        witness: Witness | None = None,
    ) -> NetworkFile:
        """The network as :func:`read_network` reads it; problems of its content are in it."""
        if self.unit is None or self.stopped is not None:
            return self._empty(*self.problems)
        try:
            return self._network(self.unit, variant, inputs, params, batch, witness)
        except TooMuchWork as error:
            file = self.target.file
            error.place = error.place or Place(file, 1, 1)
            return self._empty(*self.problems, error.diagnostic(file))

    def values(self, file: str, key: str = "") -> dict[str, nodes.Node]:
        """The params that a file of another program gives by their names, below ``key`` in it.

        Raises TargetError if it cannot be read or has none of them.
        """
        from convcalc.language.sources.gate import read_all
        from convcalc.language.syntax.foreign import read_values, values_of

        names = self.unit.params if self.unit else {}
        try:
            content = read_all(file, self.limits.document.bytes)
            root, self.units.sources[file] = read_values(content, file)
            found = values_of(root, key, names)
        except OSError as error:
            raise unreadable(file, error) from None
        except Error as error:
            raise TargetError(f"cannot read {file}: {error.message}", error.help) from None
        if names and not found:
            where = f"'{key}' of {file}" if key else file
            raise TargetError(
                f"{where} has no param of {self.target.file}", advise("", names, "params:")
            )
        return found

    def _network(
        self,
        unit: Unit,
        variant: str | None,
        inputs: Inputs,
        params: Mapping[str, Any] | None,
        batch: int,
        witness: Witness | None,
    ) -> NetworkFile:
        reading = _Reading(self, unit, variant or self.target.variant, batch)
        network = reading.network(inputs, params, witness)
        if (inputs or params or network.variant) and declares_sizes(network):
            own = _Reading(self, unit, None, batch).network(None, None)
            if own.inputs != network.inputs:
                found = sort_diagnostics([*network.problems, *kept_sizes(network, own)])
                return network.replace(problems=tuple(found))
        return network

    def _empty(self, *problems: Diagnostic) -> NetworkFile:
        """The network of a file that cannot be read."""
        stopped = [self.stopped.diagnostic(self.target.file)] if self.stopped else []
        found = tuple(sort_diagnostics([*problems, *stopped]))
        file, sources = self.target.file, self.units.sources
        return NetworkFile("", None, "", file, {}, {}, (), found, 0, sources)


def _files(target: Target, limits: Limits) -> Files:
    """The files from which a target's imports are read."""
    return target.files or Files(target.file, str(shipped_folder()), limits.document.bytes)


def _content(files: Files, file: str) -> bytes:
    """The bytes of a file; TargetError if it cannot be read."""
    try:
        return files.read(file)
    except OSError as error:
        raise unreadable(file, error) from None


class _Pins(Record):
    """The numbers that a file pins, by variant and metric, the place of each, and the problems."""

    numbers: dict[str, dict[str, Any]]
    places: dict[tuple[str, str], Place]
    problems: tuple[Diagnostic, ...] = ()


class _Reading:
    """Builds one network of a parsed file."""

    def __init__(self, source: NetworkSource, unit: Unit, variant: str | None, batch: int) -> None:
        self.source = source
        self.unit = unit
        self.units = units = source.units
        self.root = unit.root
        self.batch = batch
        self.limits = source.limits
        current().spend(100 + len(source.problems) // 8, "variants and inputs")
        self.sources = dict(units.sources)
        units.problems = list(source.problems)
        unit.forget_values()
        self.name = self.text("name") or units.files.stem(unit.file)
        self.variant = None if variant in (None, self.name) else variant

    def network(
        self, inputs: Inputs, params: Mapping[str, Any] | None, witness: Witness | None = None
    ) -> NetworkFile:
        """The network, expanded as far as its problems allow."""
        self.units.bind(self.unit, self.overrides(), self.settings(params or {}))
        self.sources.update(self.units.sources)  # files of values, read just now
        shapes = self.shapes(inputs)
        items = self.items(shapes)
        expansion = Expansion(
            self.unit, shapes, self.limits.layers, witness, shared=self.source.shared
        )
        last: Value = None
        if shapes and not self.unit.is_broken:
            try:
                last = expansion.run(items)
            except TooMuchWork as error:
                error.place = error.place or self.costliest(expansion)
                raise
            except TooLarge as error:
                # A file that was refused already, for endless imports say, is one problem.
                if all(problem.name != "too-large" for problem in self.units.problems):
                    self.units.report(*error.diagnostics)
            except RecursionError:
                place = self.root.keys["layers"].place
                self.problem("too-large", "the layers are nested too deeply", place)
        outputs = self.outputs(expansion, last, shapes) if shapes else {}
        made = {name: number for name, number in outputs.items() if number is not None}
        expect = self.expect()
        budgets = self.budgets()
        description, origin, note = map(self.text, ("description", "source", "note"))
        year = self.year()
        layers = expansion.layering.layers
        problems = capped(
            [
                *self.units.problems,
                *expansion.layering.problems,
                *missing_flattens(layers, len(shapes), made.values()),
            ],
            self.limits.document.problems,
        )
        return NetworkFile(
            name=self.variant or self.name,
            variant=self.variant,
            description=description,
            file=self.unit.file,
            inputs=shapes,
            outputs=made,
            layers=tuple(layers),
            problems=tuple(problems),
            skipped=expansion.layering.skipped,
            sources=self.sources,
            output_names=tuple(outputs),
            origin=origin,
            year=year,
            note=note,
            base=self.name,
            variants=self.source.variants,
            expect=expect.numbers,
            pinned_at=expect.places,
            budgets=budgets,
        )

    def costliest(self, expansion: Expansion) -> Place:
        """The place of the item that most layers were made of."""
        from collections import Counter

        made = Counter(layer.place for layer in expansion.layering.layers)
        return made.most_common(1)[0][0] if made else self.root.keys["layers"].place

    def top(self, key: str) -> nodes.Node | None:
        """The node under a top-level key; for an input or output, the variant's comes first."""
        if self.variant is not None and key in OF_VARIANT and key not in self.unit.params:
            variant = self.unit.variants.get(self.variant)
            own = variant and variant.get(key)
            if own is not None:
                return own
            if variant is not None and key.startswith("input") and self.sets_inputs(variant):
                return None
        return self.root.get(key)

    def sets_inputs(self, variant: nodes.Mapping) -> bool:
        """Whether a variant says itself what comes in, with 'input' or 'inputs'."""
        return any(k in variant.keys and k not in self.unit.params for k in OF_VARIANT[:2])

    def problem(self, name: str, message: str, place: Place, advice: str = "") -> None:
        """Collects one problem."""
        self.units.report(Diagnostic(name, message, place, advice))

    def text(self, key: str) -> str:
        """The text under a top-level key; empty if there is none."""
        node = self.root.get(key)
        if node is None:
            return ""
        if not isinstance(node, nodes.Scalar):
            self.problem("wrong-type", f"'{key}' is a text", node.place)
            return ""
        return node.text

    def year(self) -> int | None:
        """The publication year; None if the file does not give one."""
        node = self.root.get("year")
        value = getattr(node, "value", None)
        if node is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.problem("wrong-type", "'year' is a number such as 2015", node.place)
            return None
        return value

    # --- params -------------------------------------------------------------------------------

    def overrides(self) -> dict[str, nodes.Node]:
        """The params that the chosen variant sets; TargetError if there is no such variant."""
        if self.variant is None:
            return {}
        node = self.unit.variants.get(self.variant)
        if node is None:
            names = [self.name, *self.unit.variants]
            message = f"{self.unit.file} has no variant '{self.variant}'"
            raise TargetError(message, advise(self.variant, names, "variants:"))
        return {key.text: value for key, value in node.entries if key.text in self.unit.params}

    def settings(self, params: Mapping[str, Any]) -> dict[str, nodes.Node]:
        """The params that the caller sets, as nodes; TargetError if there is no such param."""
        found: dict[str, nodes.Node] = {}
        for name, value in params.items():
            if name not in self.unit.params:
                advice = advise(name, self.unit.params, "params:")
                raise TargetError(f"{self.name} has no param '{name}'", advice)
            if isinstance(value, nodes.Scalar | nodes.Sequence):
                found[name] = value
                continue
            source = f"<{name}={value if isinstance(value, str) else format_value(value)}>"
            self.sources[source] = source[len(name) + 2 : -1]
            if isinstance(value, str):
                found[name] = self.parse_setting(name, value, source)
            else:
                found[name] = nodes.node_of(value, Place(source, 1, 1, len(source) - len(name) - 2))
        return found

    @staticmethod
    def parse_setting(name: str, text: str, source: str) -> nodes.Node:
        """The node of a param's value given as text; TargetError if it cannot be read."""
        node, problems = reader.read(text, source)
        if node is None or problems:
            reason = problems[0].message if problems else "no value"
            raise TargetError(f"cannot read {name}={text}: {reason}")
        return node

    # --- inputs -------------------------------------------------------------------------------

    def shapes(self, given: Inputs) -> dict[str, Shape]:
        """The shapes of the inputs, from the caller or the file; empty if one is wrong."""
        declared = self.declared_inputs()
        if given is None:
            wanted: Mapping[str, Sequence[Size]] = {}
        elif isinstance(given, Mapping):
            wanted = given
        elif len(declared) > 1:
            names = ", ".join(declared)
            raise TargetError("the network has several inputs", f"name them: {names}")
        else:
            wanted = {next(iter(declared), "input"): given}
        shapes: dict[str, Shape] = {}
        for name in [*declared, *wanted]:
            if name in shapes:
                continue
            if declared and name not in declared:
                advice = advise(name, declared, "inputs:")
                raise TargetError(f"no input is called '{name}'", advice)
            node = declared.get(name)
            try:
                shape = self.file_shape(name, node) if node is not None else None
            except Rejected as error:
                shape = None
                if name not in wanted:
                    self.units.report(*error.diagnostics)
                    continue
            if name in wanted:
                shapes[name] = self.given_shape(name, wanted[name], shape)
            elif shape is not None:
                shapes[name] = shape
            self.check_order(name, shapes[name], wanted.get(name), node, shape)
        return {} if len(shapes) < len(declared) else shapes

    def check_order(
        self,
        name: str,
        shape: Shape,
        given: Sequence[Size] | None,
        node: nodes.Node | None,
        declared: Shape | None,
    ) -> None:
        """Warns of an input whose sizes look as if they stood in another order."""
        found = misordered(shape.dims[1:], declared if given is not None else None)
        if found is None:
            return
        meant = ", ".join("null" if not known(size) else str(size) for size in found.meant)
        place, advice = node.place if node else Place(self.unit.file, 1, 1), f"[{meant}]"
        if given is not None or place.file.startswith("<"):
            advice = meant.replace(", ", "x").replace("null", "?")
        if given is not None:
            text = "x".join("?" if size is None else str(size) for size in given)
            source = f"<{name} {text}>"
            self.sources[source] = text
            place = Place(source, 1, 1, len(text) + 1)
        advice = f"channels come first, and no batch: {advice}"
        self.problem(found.rule, found.message, place, advice)

    def declared_inputs(self) -> dict[str, nodes.Node]:
        """The nodes of ``input: [...]`` or ``inputs: {name: [...]}``, by name."""
        single, several = self.top("input"), self.top("inputs")
        if single is not None and several is not None:
            place = several.place
            self.problem("duplicate-key", "both 'input' and 'inputs' are given", place)
        if several is not None:
            return {key.text: node for key, node in self.units.entries(several, "inputs")}
        if single is not None:
            return {"input": single}
        return {}

    def file_shape(self, name: str, node: nodes.Node) -> Shape:
        """The shape of an input that the file declares; Rejected if it is not a list of sizes."""
        what = "input" if name == "input" else f"input '{name}'"
        sizes = value_of(node, self.unit.scope) if not isinstance(node, nodes.Mapping) else None
        if not isinstance(sizes, list) or not 1 <= len(sizes) <= 4:
            message = f"{what} needs a list: channels, then up to 3 spatial sizes"
            raise rejected("wrong-type", message, node.place, "for instance [3, 224, 224]")
        items = node.items if isinstance(node, nodes.Sequence) else [node] * len(sizes)
        for k, size in enumerate(sizes):
            sizes[k] = self.file_size(what, k, size, items[k].place)
        return Shape(self.batch, sizes[0], tuple(sizes[1:]))

    @staticmethod
    def file_size(what: str, index: int, size: Any, place: Place) -> int:
        """One size of an input, at least 1; null is an unknown spatial size."""
        if size is None and index > 0:
            return UNKNOWN
        if isinstance(size, float) and size.is_integer():
            size = int(size)
        if isinstance(size, bool) or not isinstance(size, int):
            part = "channels" if index == 0 else "a size"
            message = f"{what} has {format_value(size)} as {part}, but an integer is expected"
            raise rejected("wrong-type", message, place)
        if size < 1:
            raise rejected("out-of-range", f"{what} has size {size}, but must be at least 1", place)
        return size

    def given_shape(self, name: str, sizes: Sequence[Size], declared: Shape | None) -> Shape:
        """The shape of an input that the caller gives; TargetError if it does not fit."""
        text = "x".join("?" if size is None else str(size) for size in sizes)
        if declared is not None and len(sizes) != declared.rank + 1:
            axes = "channels" if declared.rank == 0 else "channels and spatial sizes"
            message = (
                f"input {text} has {len(sizes)} sizes, but the network's has {declared.rank + 1}"
            )
            raise TargetError(
                message, f"give {axes}, for instance {'x'.join(map(str, declared.dims[1:]))}"
            )
        if not 1 <= len(sizes) <= 4 or sizes[0] is None:
            message = f"input {text} needs channels and up to 3 spatial sizes"
            raise TargetError(message, "for instance 3x224x224")
        if any(size is not None and size < 1 for size in sizes):
            raise TargetError(f"input {text} has a size below 1")
        spatial = tuple(UNKNOWN if size is None else size for size in sizes[1:])
        return Shape(self.batch, sizes[0], spatial)

    # --- layers and outputs -------------------------------------------------------------------

    def items(self, shapes: Mapping[str, Shape]) -> list[Item]:
        """The items of ``layers``; reports a file without layers or without an input."""
        top = Place(self.unit.file, 1, 1)
        layers = self.root.get("layers")
        if isinstance(layers, nodes.Sequence) and not layers.items:
            self.problem("missing-key", "'layers' is empty", layers.place)
        elif isinstance(layers, nodes.Scalar) and layers.value is None:
            self.problem("missing-key", "'layers' is empty", self.root.keys["layers"].place)
        if any(nearest(key, ("layers",)) for key in self.root.keys if key not in TOP_KEYS):
            pass  # 'layers' was misspelt, which is reported already
        elif "layers" not in self.root.keys:
            blocks = "it only defines blocks, for 'imports'" if self.unit.blocks else ""
            self.problem("missing-key", NO_LAYERS, top, blocks)
        elif not self.declared_inputs() and not shapes:
            self.problem("missing-key", "the network has no 'input'", top, "input: [3, 224, 224]")
        return self.parsed_items(frozenset(shapes) | {"input"})

    def parsed_items(self, names: frozenset[str]) -> list[Item]:
        """The items of ``layers`` where inputs have these names; parsed once, and so are the
        problems."""
        found = self.source.items.get(names)
        if found is None:
            before = len(self.units.problems)
            items = self.units.layers(self.unit, names)
            found = self.source.items[names] = items, self.units.problems[before:]
        else:
            self.units.report(*found[1])
        return found[0]

    def outputs(
        self, expansion: Expansion, last: Value, shapes: Mapping[str, Shape]
    ) -> dict[str, int | None]:
        """The numbers of the tensors that the network returns, by name; the last one by default.

        None for a tensor that could not be made.
        """
        node = self.top("outputs")
        if node is None:
            return {last.label: last.number} if last else {}
        found: dict[str, int | None] = {}
        parts = node.items if isinstance(node, nodes.Sequence) else [node]
        if not parts:
            self.problem(
                "missing-key", "'outputs' is empty", node.place, "leave it out, or name ids"
            )
        others: list[tuple[str, Place]] = []
        for each in parts:
            part = self.present_output(each)
            if part is None:
                continue
            text = part.text if isinstance(part, nodes.Scalar) else ""
            tensor = expansion.tensor(text)
            if isinstance(tensor, Tensor):
                found[text] = tensor.number
            elif expansion.failed(text):
                found[text] = None
            else:
                found[text] = None  # in its place among the others
                others.append((text, part.place))
        found.update(self.by_path(others, expansion, shapes))
        return {name: number for name, number in found.items() if number != _NO_OUTPUT}

    def present_output(self, node: nodes.Node) -> nodes.Node | None:
        """The node that names an output; of ``{id: aux, if: train}``, None where that is false."""
        if not isinstance(node, nodes.Mapping):
            return node
        name, condition = node.get("id"), node.get("if")
        unknown = [key for key, _ in node.entries if key.text not in ("id", "if")]
        if unknown or name is None:
            place = unknown[0].place if unknown else node.place
            message = "an output is an id, or {id: aux, if: train}"
            self.problem("unknown-key" if unknown else "missing-key", message, place)
            return None
        try:
            if condition is None:
                return name
            require_names(condition, self.unit.names)
            holds = condition_holds((evaluator(condition), condition), dict(self.unit.scope))
        except Rejected as error:
            self.units.report(*error.diagnostics)
            return None
        return name if holds else None

    def by_path(
        self, named: Sequence[tuple[str, Place]], expansion: Expansion, shapes: Mapping[str, Shape]
    ) -> dict[str, int]:
        """The numbers of tensors by paths that are no top-level ids; reports unknown paths."""
        if not named:
            return {}
        from convcalc.model.graph.paths import PathError, Paths  # few files need them

        paths = Paths(expansion.layering.layers, shapes)
        found: dict[str, int] = {}
        for text, place in named:
            try:
                found[text] = paths.tensor(text)
            except PathError:
                found[text] = _NO_OUTPUT
                error = paths.no_such_path(text, [*shapes, *expansion.failures()])
                self.problem("unknown-name", error.message, place, error.help)
        return found

    # --- expect -------------------------------------------------------------------------------

    def expect(self) -> _Pins:
        """The numbers under ``expect``; read once if none of them uses a param."""
        if self.source.pins is not None:
            self.units.report(*self.source.pins.problems)
            return self.source.pins
        before = len(self.units.problems)
        pins = self.read_expect()
        if not any(map(_uses_names, self.pinned_nodes())):
            self.source.pins = pins.replace(problems=tuple(self.units.problems[before:]))
        return pins

    def pinned_nodes(self) -> Iterator[nodes.Node]:
        """Every node of a pinned number."""
        for _, pinned in getattr(self.root.get("expect"), "entries", ()):
            yield from (node for _, node in getattr(pinned, "entries", ()))

    def read_expect(self) -> _Pins:
        """Reads the numbers pinned under ``expect``, by variant and metric."""
        pins = _Pins({}, {})
        for key, node in self.units.entries(self.root.get("expect"), "expect"):
            if key.text != self.name and key.text not in self.unit.variants:
                names = [self.name, *self.unit.variants]
                advice = advise(key.text, names, "variants:")
                message = f"expect names '{key.text}', which is no variant"
                self.problem("unknown-name", message, key.place, advice)
                continue
            pins.numbers[key.text] = {}
            for metric, value in self.units.entries(node, f"expect of {key.text}"):
                current().spend(4, "pinned numbers")
                if metric.text not in EXPECTED:
                    advice = advise(metric.text, EXPECTED, "one of:")
                    message = f"unknown metric '{metric.text}'"
                    self.problem("unknown-key", message, metric.place, advice)
                    continue
                pins.places[key.text, metric.text] = value.place
                try:
                    pins.numbers[key.text][metric.text] = self.pinned_metric(metric.text, value)
                except Rejected as error:
                    self.units.report(*error.diagnostics)
        return pins

    def pinned_metric(self, metric: str, node: nodes.Node) -> Any:
        """The pinned value of a metric; a mapping by output for what every output has."""
        if not isinstance(node, nodes.Mapping) or metric not in AT_OUTPUTS:
            return self.pinned_value(node)
        return {key.text: self.pinned_value(value) for key, value in node.entries}

    def pinned_value(self, node: nodes.Node) -> Any:
        """A pinned number, or a list of them."""
        if isinstance(node, nodes.Scalar) and isinstance(node.value, str):
            number = suffixed_number(node.text)
            if number is not None:
                return number
        return value_of(node, self.unit.scope)

    # --- budgets ------------------------------------------------------------------------------

    def budgets(self) -> Budget | None:
        """The ``budgets`` of the file, in which params may be used; None if it has none."""
        node = self.root.get("budgets")
        if not self.units.entries(node, "budgets") or not isinstance(node, nodes.Mapping):
            return None
        from convcalc.language.assertions.reading import Assertions  # few files have them

        reader = Assertions(self.unit.scope, self.units.report)
        return reader.read_budget(node, self.root.keys["budgets"].place)


def _uses_names(node: nodes.Node) -> bool:
    """Whether the value of a node may depend on params."""
    if isinstance(node, nodes.Mapping):
        return any(_uses_names(value) for _, value in node.entries)
    if isinstance(node, nodes.Sequence):
        return any(map(_uses_names, node.items))
    return isinstance(node.value, str) and suffixed_number(node.text) is None


def capped(problems: Iterable[Diagnostic], most: int) -> list[Diagnostic]:
    """The problems in the order of their places; of very many errors the first, and how many more
    there are."""
    found = sort_diagnostics(problems)
    errors = [problem for problem in found if problem.severity == "error"]
    if len(errors) <= most:
        return found
    message = f"and {len(errors) - most:,} more problems"
    rest = Diagnostic("too-large", message, errors[most].place, "mend the first ones")
    others = (problem for problem in found if problem.severity != "error")
    return sorted([*errors[:most], rest, *others], key=lambda each: (each.place, each.name))
