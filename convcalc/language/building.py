"""Builds the networks of a parsed file: gives params their values and expands the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.suggestion import nearest
from convcalc.diagnostics.work import TooMuchWork, current
from convcalc.language.expand.expansion import Expansion
from convcalc.language.expand.scopes import Witness
from convcalc.language.expand.state import Kept
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.head import Head
from convcalc.language.head.inputs import Inputs, InputShapes, declared_inputs
from convcalc.language.head.outputs import outputs
from convcalc.language.head.pins import Pins, read_pins
from convcalc.language.limits import Limits
from convcalc.language.parse.files import Units
from convcalc.language.parse.tree import TOP_KEYS, Item, Unit
from convcalc.language.syntax import nodes
from convcalc.model.graph.assembly import TooLarge, Value
from convcalc.model.graph.network import Layer
from convcalc.model.graph.output_checks import missing_flattens
from convcalc.model.quantities.shape import Shape

if TYPE_CHECKING:
    from convcalc.language.assertions.vocabulary import Budget
    from convcalc.language.head.model import Models

NO_LAYERS = "the network has no 'layers'"  # which is fine for a file that only defines blocks


class Document:
    """A parsed file, and what all its networks have in common; ``models`` reads model files."""

    def __init__(
        self, unit: Unit, units: Units, limits: Limits, models: Models | None = None
    ) -> None:
        self.models = models
        self.unit = unit
        self.units = units
        self.limits = limits
        self.problems = tuple(units.problems)  # those of the text
        self.variants = tuple(unit.variants)
        self.kept = Kept()
        self.items: dict[frozenset[str], tuple[list[Item], list[Diagnostic]]] = {}
        self.pins: Pins | None = None


class Building:
    """Builds one network of a document."""

    expansion: type[Expansion] = Expansion  # what writes out the items

    def __init__(self, document: Document, variant: str | None, batch: int) -> None:
        self.document = document
        self.unit = unit = document.unit
        self.units = units = document.units
        current().spend(100 + len(document.problems) // 8, "variants and inputs")
        self.sources = dict(units.sources)
        units.problems = list(document.problems)
        unit.forget_values()
        self.head = Head(unit, units, variant)
        self.inputs = InputShapes(self.head, batch, self.sources)

    def network(
        self, inputs: Inputs, params: Mapping[str, Any] | None, witness: Witness | None = None
    ) -> NetworkFile:
        """The network, expanded as far as its problems allow."""
        head, unit = self.head, self.unit
        self.units.bind(unit, head.overrides(), self.settings(params))
        self.sources.update(self.units.sources)  # files of values, read just now
        shapes = self.inputs.shapes(inputs)
        if head.top("model") is not None:
            return self.of_model(shapes)
        items = self.items(shapes)
        most = self.document.limits.layers
        expansion = self.expansion(unit, shapes, most, witness, kept=self.document.kept)
        last = self.expand(expansion, items) if shapes and not unit.is_broken else None
        found = outputs(head, expansion, last, shapes) if shapes else {}
        made = {name: number for name, number in found.items() if number is not None}
        layers = expansion.layering.layers
        return self.file(
            inputs=shapes,
            outputs=made,
            layers=tuple(layers),
            more=[
                *expansion.layering.problems,
                *missing_flattens(layers, len(shapes), made.values()),
            ],
            skipped=expansion.layering.skipped,
            recovered=dict.fromkeys(expansion.layering.recovered),
            output_names=tuple(found),
        )

    def of_model(self, shapes: Mapping[str, Shape]) -> NetworkFile:
        """The network whose layers a model file holds."""
        from convcalc.language.head.model import model_network  # few files name one

        model = model_network(self.head, self.document.models, shapes, self.inputs.batch)
        if model is None:
            return self.file(
                inputs=shapes, outputs={}, layers=(), more=[], skipped=0, output_names=()
            )
        self.sources.update(model.sources)
        return self.file(
            inputs=model.inputs,
            outputs=model.outputs,
            layers=model.layers,
            more=model.problems,
            skipped=model.skipped,
            output_names=model.output_names,
        ).replace(remark=getattr(model, "remark", ""))

    def file(
        self,
        *,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, int],
        layers: tuple[Layer, ...],
        more: Iterable[Diagnostic],
        skipped: int,
        output_names: tuple[str, ...],
        recovered: Iterable[str] = (),
    ) -> NetworkFile:
        """A network with all that the file says besides its layers."""
        head = self.head
        pins, budgets = self.pins(), self.budgets()
        held = None
        if head.own("verify") is not None:
            from convcalc.language.head.model import verified  # few files name one

            held = verified(head, self.document.models)
        description, origin, note = map(head.text, ("description", "source", "note"))
        year = head.year()
        return NetworkFile(
            name=head.variant or head.name,
            variant=head.variant,
            description=description,
            file=self.unit.file,
            inputs=inputs,
            outputs=outputs,
            layers=layers,
            problems=self.problems(more),
            skipped=skipped,
            sources=self.sources,
            output_names=output_names,
            recovered=tuple(recovered),
            origin=origin,
            year=year,
            note=note,
            base=head.name,
            variants=self.document.variants,
            expect=pins.numbers,
            pinned_at=pins.places,
            budgets=budgets,
            verified=held,
        )

    def settings(self, params: Mapping[str, Any] | None) -> dict[str, nodes.Node]:
        """The params that the caller sets, as nodes; TargetError if there is no such param."""
        if not params:
            return {}
        from convcalc.language.head.settings import settings  # few runs set any

        return settings(self.head, params, self.sources)

    def expand(self, expansion: Expansion, items: list[Item]) -> Value:
        """Expands the layers and returns the last tensor; reports a network that is too large."""
        try:
            return expansion.run(items)
        except TooMuchWork as error:
            error.place = error.place or self.costliest(expansion)
            raise
        except TooLarge as error:
            # A file that was refused already, for endless imports say, is one problem.
            if all(problem.name != "too-large" for problem in self.units.problems):
                self.units.report(*error.diagnostics)
        except RecursionError:
            place = self.unit.root.keys["layers"].place
            self.head.problem("too-large", "the layers are nested too deeply", place)
        return None

    def problems(self, more: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """All problems of the text, and those of the layers, in the order of their places."""
        found = [*self.units.problems, *more]
        return tuple(capped(found, self.document.limits.document.problems))

    def costliest(self, expansion: Expansion) -> Place:
        """The place of the item that most layers were made of."""
        from collections import Counter

        made = Counter(layer.place for layer in expansion.layering.layers)
        return made.most_common(1)[0][0] if made else self.unit.root.keys["layers"].place

    def items(self, shapes: Mapping[str, Shape]) -> list[Item]:
        """The items of ``layers``; reports a file without layers or without an input."""
        problem, keys = self.head.problem, self.unit.root.keys
        layers = self.unit.root.get("layers")
        if isinstance(layers, nodes.Sequence) and not layers.items:
            problem("missing-key", "'layers' is empty", layers.place)
        elif isinstance(layers, nodes.Scalar) and layers.value is None:
            problem("missing-key", "'layers' is empty", keys["layers"].place)
        top = Place(self.unit.file, 1, 1)
        if any(nearest(key, ("layers",)) for key in keys if key not in TOP_KEYS):
            pass  # 'layers' was misspelt, which is reported already
        elif "layers" not in keys:
            blocks = "it only defines blocks, for 'imports'" if self.unit.blocks else ""
            problem("missing-key", NO_LAYERS, top, blocks)
        elif not declared_inputs(self.head) and not shapes:
            problem("missing-key", "the network has no 'input'", top, "input: [3, 224, 224]")
        return self.parsed_items(frozenset(shapes) | {"input"})

    def parsed_items(self, names: frozenset[str]) -> list[Item]:
        """The items of ``layers`` where inputs have these names; parsed once, and so are the
        problems."""
        found = self.document.items.get(names)
        if found is None:
            before = len(self.units.problems)
            items = self.units.layers(self.unit, names)
            found = self.document.items[names] = items, self.units.problems[before:]
        else:
            self.units.report(*found[1])
        return found[0]

    def pins(self) -> Pins:
        """The numbers under ``expect``; read once if none of them uses a param."""
        kept = self.document.pins
        if kept is not None:
            self.units.report(*kept.problems)
            return kept
        pins, of_all = read_pins(self.head)
        if of_all:
            self.document.pins = pins
        return pins

    def budgets(self) -> Budget | None:
        """The ``budgets`` of the file, in which params may be used; None if it has none."""
        node = self.unit.root.get("budgets")
        if not self.units.entries(node, "budgets") or not isinstance(node, nodes.Mapping):
            return None
        from convcalc.language.assertions.reading import Assertions  # few files have them

        reader = Assertions(self.unit.scope, self.units.report)
        return reader.read_budget(node, self.unit.root.keys["budgets"].place)


def capped(problems: Iterable[Diagnostic], most: int) -> list[Diagnostic]:
    """The problems in the order of their places; of very many errors the first, and how many more
    there are."""
    found = sort_diagnostics(problems)
    errors = [problem for problem in found if problem.severity == "error"]
    if len(errors) <= most:
        return found
    message = f"and {len(errors) - most:,} more problems"
    rest = Diagnostic("too-large", message, errors[most].place, "fix the first ones")
    others = (problem for problem in found if problem.severity != "error")
    return sorted([*errors[:most], rest, *others], key=lambda each: (each.place, each.name))
