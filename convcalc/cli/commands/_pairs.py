"""Reads the two sides of ``convcalc verify``: the design at the size of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.cli.console import Failure, Settings
from convcalc.cli.loading import Reading, input_shapes
from convcalc.cli.problems import print_problems
from convcalc.importing.addressing import CODE
from convcalc.importing.pairing import common_sizes
from convcalc.language.file_facts import Verified
from convcalc.language.head.inputs import Inputs
from convcalc.model.graph.network import Network


class Pair(NamedTuple):
    """Both networks, and what the model is called."""

    design: Network
    model: Network
    name: str


def opened(design: str, model: str, reading: Reading, settings: Settings) -> Pair | None:
    """Both sides; None after printing errors of their content.

    Without a model it is the one that the design names. Values for params are those of the design.
    Without sizes that are given, the design is read at the model's, or a model that leaves them
    open at the design's, if both have as many inputs and channels.
    """
    (old,) = reading.networks([design])
    held: Verified | None = getattr(old, "verified", None)
    if not model and held is None:
        raise Failure(f"{design} names no model", "write: convcalc verify TARGET MODEL")
    new = _model(model, held, reading)
    if not reading.inputs:
        for_old, for_new = common_sizes(old, new)
        if for_old:
            (old,) = reading._replace(inputs=_words(for_old)).networks([design])
        if for_new:
            new = _model(model, held, reading._replace(inputs=_words(for_new)), for_new)
    code = print_problems([old, new], settings, warnings=False)
    return None if code else Pair(old, new, model or (held.target if held else ""))


def _words(sizes: Mapping[str, Sequence[int]]) -> list[str]:
    """Sizes as the command line gives them."""
    return [f"{name}={'x'.join(map(str, each))}" for name, each in sizes.items()]


def _model(model: str, held: Verified | None, reading: Reading, sizes: Inputs = None) -> Network:
    """The network of a model, or of the one that a file names."""
    named = held is not None and held.target.partition(":")[0] in CODE
    if not model and held is not None and not named:
        from convcalc.diagnostics.rejection import Rejected

        try:
            return held.read(sizes or (input_shapes(reading.inputs) or [None])[0])
        except Rejected as error:
            problem = error.diagnostics[0]
            raise Failure(problem.message, problem.help) from None
    word = model or (held.target if held is not None else "")
    (found,) = reading._replace(params=()).networks([word])
    return found
