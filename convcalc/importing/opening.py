"""Opens whatever a target names: a network file of the language, or a model of another program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from convcalc.diagnostics.work import limited
from convcalc.language.expand.scopes import Witness
from convcalc.language.file_facts import NetworkFile
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import LIMITS, Limits
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.files import Files
from convcalc.language.sources.target import Target, unreadable

if TYPE_CHECKING:
    from convcalc.importing.source import ModelSource

_OURS = (".yaml", ".yml", "-", "<text>")


class Source(Protocol):
    """A file that was read once, from which networks are made one after another."""

    target: Target

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts that places point into, by file."""

    def network(
        self,
        variant: str | None = None,
        inputs: Inputs = None,
        params: Mapping[str, Any] | None = None,
        *,
        batch: int = 1,
        witness: Witness | None = None,
    ) -> NetworkFile:
        """The network of a variant at some inputs; problems of its content are in it.

        Raises TargetError for a variant, param or input that is not there.
        """

    def values(self, file: str, key: str = "") -> Mapping[str, Any]:
        """The params that a file of another program gives by their names, below ``key`` in it."""


def open_source(target: Target, limits: Limits = LIMITS) -> Source:
    """The source of the networks of a target.

    A file that is called like YAML is read as such first, and looked at again only if it is not a
    network. Raises TargetError if it cannot be read.
    """
    if target.format or not (target.root is not None or target.file.endswith(_OURS)):
        found = _model(target, limits)
        if found is not None:
            return found
    source = NetworkSource(target, limits, _read_beside)
    if source.problems and target.root is None and not target.format:
        return _model(target, limits) or source
    return source


def is_model(file: str) -> bool:
    """Whether a file on the disk is a model of another program that is read where it is needed,
    by its first bytes. OSError if it cannot be read."""
    if file.endswith(_OURS):
        return False
    from convcalc.importing.formats import HEAD, detect
    from convcalc.language.sources.gate import read

    return bool(detect(read(file, HEAD - 1), file))


def _read_beside(files: Files, path: str, variant: str, inputs: Inputs, batch: int) -> NetworkFile:
    """The network of a model file that a network file names; OSError if it cannot be read."""
    from convcalc.importing.source import model_beside

    return model_beside(files, path).network(variant or None, inputs, batch=batch)


@limited
def read_target(
    target: Target,
    *,
    variant: str | None = None,
    inputs: Inputs = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    limits: Limits = LIMITS,
) -> NetworkFile:
    """The network of a target; problems of its content are in ``problems``.

    ``variant`` overrides the target's; ``inputs`` gives the sizes (channels, then spatial, None
    where unknown) of the only input or of inputs by name; ``params`` overrides params of a network
    file. Raises TargetError if the file cannot be read or has no such variant, param or input.
    """
    source = open_source(target, limits)
    return source.network(variant, inputs, params, batch=batch)


def _model(target: Target, limits: Limits) -> ModelSource | None:
    """The source of a model file; None if it is none."""
    from convcalc.importing.source import model_source

    try:
        return model_source(target, limits)
    except OSError as error:
        raise unreadable(target.file, error) from None
