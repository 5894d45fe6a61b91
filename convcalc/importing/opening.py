"""Opens whatever a target names: a network file of the language, or a model of another program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.language.limits import LIMITS, Limits
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.target import Target, unreadable

if TYPE_CHECKING:
    from convcalc.importing.source import ModelSource

_OURS = (".yaml", ".yml", "-")


def open_source(target: Target, limits: Limits = LIMITS) -> NetworkSource | ModelSource:
    """The source of the networks of a target.

    A file that is called like YAML is read as such first, and looked at again only if it is no
    network. Raises TargetError if it cannot be read.
    """
    if target.format or not (target.root is not None or target.file.endswith(_OURS)):
        found = _model(target, limits)
        if found is not None:
            return found
    source = NetworkSource(target, limits)
    if source.problems and target.root is None and not target.format:
        return _model(target, limits) or source
    return source


def _model(target: Target, limits: Limits) -> ModelSource | None:
    """The source of a model file; None if it is none."""
    from convcalc.importing.source import model_source

    try:
        return model_source(target, limits)
    except OSError as error:
        raise unreadable(target.file, error) from None
