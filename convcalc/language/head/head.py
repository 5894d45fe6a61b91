"""The top of a file, as one of its variants has it."""

from __future__ import annotations

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.parse.files import Units
from convcalc.language.parse.tree import OF_VARIANT, Unit
from convcalc.language.sources.target import TargetError
from convcalc.language.syntax import nodes

BASE = "base"  # a word for the file's own network, unless a variant is called so


class Head:
    """The top-level keys of a parsed file; ``variant`` is None for the file's own network."""

    def __init__(self, unit: Unit, units: Units, variant: str | None) -> None:
        self.unit = unit
        self.units = units
        self.root = unit.root
        self.name = self.text("name") or units.files.stem(unit.file)
        is_base = variant == BASE and BASE not in unit.variants
        self.variant = None if is_base or variant in (None, self.name) else variant

    def problem(self, name: str, message: str, place: Place, advice: str = "") -> None:
        """Collects one problem."""
        self.report(Diagnostic(name, message, place, advice))

    def report(self, *diagnostics: Diagnostic) -> None:
        """Collects problems."""
        self.units.report(*diagnostics)

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

    def own(self, key: str) -> nodes.Node | None:
        """The node that the variant itself has under a key; at the top for the base."""
        if self.variant is None:
            return self.root.get(key)
        variant = self.unit.variants.get(self.variant)
        return None if variant is None or key in self.unit.params else variant.get(key)

    def sets_inputs(self, variant: nodes.Mapping) -> bool:
        """Whether a variant says itself what comes in, with 'input' or 'inputs'."""
        return any(k in variant.keys and k not in self.unit.params for k in OF_VARIANT[:2])

    def text(self, key: str) -> str:
        """The text under a top-level key; empty if there is none."""
        node = self.root.get(key)
        if node is None:
            return ""
        if not isinstance(node, nodes.Scalar):
            self.problem("wrong-type", f"'{key}' must be a text", node.place)
            return ""
        return node.text

    def year(self) -> int | None:
        """The publication year; None if the file does not give one."""
        node = self.root.get("year")
        value = getattr(node, "value", None)
        if node is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.problem("wrong-type", "'year' must be a number such as 2015", node.place)
            return None
        return value

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
