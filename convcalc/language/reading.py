"""Reads a target into a network: parses the file, applies variant and inputs, expands layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics.diagnostic import Diagnostic, Place, sort_diagnostics
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import TooMuchWork, limited
from convcalc.errors import Error
from convcalc.language.building import Building, Document
from convcalc.language.declared_sizes import declares_sizes, kept_sizes
from convcalc.language.expand.scopes import Witness
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import LIMITS, Limits, with_allowed
from convcalc.language.parse.files import Units
from convcalc.language.parse.tree import Unit
from convcalc.language.sources.files import Files
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target, TargetError, unreadable
from convcalc.language.syntax import nodes

if TYPE_CHECKING:
    from convcalc.language.head.model import Models


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
    it, one after another. ``models`` reads model files that it names."""

    def __init__(
        self, target: Target, limits: Limits = LIMITS, models: Models | None = None
    ) -> None:
        self.target = target
        self.limits = with_allowed(limits)
        self.units = Units(_files(target, self.limits), self.limits.document)
        self.stopped: TooMuchWork | None = None
        self.document: Document | None = None
        try:
            unit = self._parse()
        except TooMuchWork as error:
            error.place = error.place or Place(target.file, 1, 1)
            self.stopped = error
        else:
            if unit is not None:
                self.document = Document(unit, self.units, self.limits, models)
        self.problems = tuple(self.units.problems)  # those of the text

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts that places point into, by file."""
        return self.units.sources

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
        if self.document is None:
            return self._empty(*self.problems)
        try:
            return self._network(self.document, variant, inputs, params, batch, witness)
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

        names = self.document.unit.params if self.document else {}
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
        document: Document,
        variant: str | None,
        inputs: Inputs,
        params: Mapping[str, Any] | None,
        batch: int,
        witness: Witness | None,
    ) -> NetworkFile:
        building = Building(document, variant or self.target.variant, batch)
        network = building.network(inputs, params, witness)
        if (inputs or params or network.variant) and declares_sizes(network):
            own = Building(document, None, batch).network(None, None)
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
