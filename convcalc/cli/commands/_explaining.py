"""Writes the explanations of ``convcalc explain``: formulas, totals, other tools' rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.cli.console import Failure, Settings

if TYPE_CHECKING:
    from convcalc.analysis.conventions import Convention, Count
    from convcalc.analysis.report.report import Report
    from convcalc.language.expand.origins import Origins
    from convcalc.model.graph.network import Network
    from convcalc.model.graph.paths import Part
    from convcalc.output.table import Style, Table

SCHEMA = "convcalc/explanation-v1"


class Explaining(NamedTuple):
    """Explains one network.

    A path names a layer or a block; it is empty for the whole network, and None for the only
    layer of an operator without a file.
    """

    network: Network
    report: Report
    origins: Origins
    form: str
    settings: Settings
    in_full: bool = False  # every layer, not the totals

    def text(self, path: str | None, convention: str, versus: str) -> str:
        """The explanation that the command line asks for."""
        if versus:
            return self.of_difference(path, convention, versus)
        if convention:
            return self.of_rules(path, convention)
        index = self.layer(path)
        if index is not None:
            return self.of_layers([index], lambda payloads: {"layer": payloads[0]})
        return self.of_each(path or "") if self.in_full else self.of_totals(path or "")

    # --- which layers -------------------------------------------------------------------------

    def layer(self, path: str | None) -> int | None:
        """The layer that is meant; None for a block, the copies of a repeat, or the network."""
        if not path:
            return 0 if path is None else None
        part = self.part(path)
        return part.output if part.is_layer else None

    def part(self, path: str) -> Part:
        """The layer, the block or the copies of a repeat that a path means."""
        from convcalc.model.graph.paths import paths_of

        return paths_of(self.report).part(path)

    def inside(self, path: str | None) -> list[int]:
        """The indices of the layers that a path means."""
        if path is None:
            return [0]
        return [*self.part(path).layers] if path else [*range(len(self.report.layers))]

    # --- layers -------------------------------------------------------------------------------

    def of_each(self, path: str) -> str:
        """Every layer of a block in full."""
        return self.of_layers(
            self.inside(path), lambda found: {"path": path or None, "layers": found}
        )

    def of_layers(self, indices: Sequence[int], payload: Callable[[list[Any]], Any]) -> str:
        """The fields and formulas of some layers, one after another."""
        from convcalc.analysis.explanation import layer_explanation
        from convcalc.output.table import render
        from convcalc.output.views.explanation import layer_text
        from convcalc.output.views.explanation_data import layer_payload, layer_table

        found = [
            layer_explanation(self.network, self.report, index, self.origins.found)
            for index in indices
        ]
        if self.form == "json":
            return self.json(**payload([layer_payload(each) for each in found]))
        if self.form == "table":
            return "\n\n".join(layer_text(each, self.folder, self.style) for each in found)
        tables = (layer_table(each, self.folder) for each in found)
        return "\n\n".join(render(self.form, table, None, self.style) for table in tables)

    # --- totals -------------------------------------------------------------------------------

    def of_totals(self, path: str) -> str:
        """Return what makes up each total of a block, and how the sums lead to each other."""
        from convcalc.analysis.explanation.totals import total_lines
        from convcalc.output.markdown import code_block
        from convcalc.output.table import render
        from convcalc.output.views.explanation import listing, worked_lines
        from convcalc.output.views.explanation_data import worked_payload
        from convcalc.output.views.shares import share_payload, share_tables

        layers = [self.report.layers[index] for index in self.inside(path)]
        depth = self.part(path).depth if path else 0
        tables = share_tables(self.report, layers, depth + 1, path)
        lines = total_lines(self.network, self.report, layers)
        if self.form == "json":
            totals = [worked_payload(line) for line in lines]
            return self.json(path=path or None, totals=totals, **share_payload(tables))
        texts = [render(self.form, table, None, self.style) for table in tables]
        listed = "\n".join(listing(worked_lines(lines), self.style))
        texts.append(listed if self.form == "table" else code_block(listed))
        return "\n\n".join(texts)

    # --- other tools --------------------------------------------------------------------------

    def of_rules(self, path: str | None, name: str) -> str:
        """The rules by which another tool counts, with their results."""
        from convcalc.analysis.conventions.listing import group_by_rule, rule_lines
        from convcalc.output.views.conventions import rules_payload, rules_table

        single = self.layer(path) is not None
        paths = {self.report.layers[index].path for index in self.inside(path)}
        chosen, count = self.number(name, "--convention")
        lines = [line for line in rule_lines(self.network, chosen, count) if line.path in paths]
        lines = lines if single else group_by_rule(lines)
        table = rules_table(self.title(path, name), chosen, count, lines, single=single)
        return self.table_text(table, path, rules_payload(name, chosen, count, lines))

    def of_difference(self, path: str | None, name: str, other: str) -> str:
        """The differences between two tools' numbers, with their reasons."""
        from convcalc.analysis.conventions.versus import differences
        from convcalc.output.views.conventions import versus_payload, versus_table

        paths = {self.report.layers[index].path for index in self.inside(path)}
        for word, option in ((name, "--convention"), (other, "--versus")):
            self.number(word, option)
        found = differences(self.network, name, other, paths, self.report.counted)
        table = versus_table(self.title(path, f"{name} - {other}"), found)
        return self.table_text(table, path, versus_payload(found))

    def number(self, name: str, option: str) -> tuple[Convention, Count]:
        """A convention and its number by the word on the command line."""
        from convcalc.analysis.conventions import number
        from convcalc.diagnostics.suggestion import UnknownName

        try:
            return number(name, self.report.counted)
        except UnknownName as error:
            raise Failure(f"{option} '{name}' is not a convention", error.help) from None

    # --- writing ------------------------------------------------------------------------------

    def title(self, path: str | None, what: str) -> str:
        """A table's title: the network or operator, the layer, and what is shown."""
        name = self.report.network
        name = self.report.layers[0].operator if name.startswith("<") else name
        return " · ".join(filter(None, (name, path, what)))

    @property
    def folder(self) -> str:
        """The folder of the network's file, which is left out of places."""
        head, slash, _ = self.report.source.rpartition("/")
        return head + slash

    @property
    def style(self) -> Style:
        """The output style, with exact numbers."""
        return self.settings.style(exact=True)

    def table_text(self, table: Table, path: str | None, payload: dict[str, Any]) -> str:
        """The text of one table, or of its payload in JSON."""
        from convcalc.output.table import render

        if self.form == "json":
            return self.json(path=path or None, **payload)
        return render(self.form, table, None, self.style)

    def json(self, **more: Any) -> str:
        """An explanation as JSON: the common head, then ``more``."""
        from convcalc._version import __version__
        from convcalc.output.table import Table, render

        payload = {
            "schema": SCHEMA,
            "tool": {"name": "convcalc", "version": __version__},
            "network": None if self.report.source.startswith("<") else self.report.network,
            "variant": self.report.variant,
            **more,
        }
        return render("json", Table("", (), ()), payload, self.style)
