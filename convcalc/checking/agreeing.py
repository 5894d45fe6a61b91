"""Holds a network against the model that its file names under ``verify``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.analysis.agreement.differing import Difference
from convcalc.analysis.agreement.explaining import explanations
from convcalc.analysis.agreement.words import place, sentence
from convcalc.diagnostics.diagnostic import Diagnostic, Related
from convcalc.diagnostics.rejection import Rejected
from convcalc.importing.addressing import CODE, target_at
from convcalc.importing.opening import read_target
from convcalc.importing.pairing import common_sizes
from convcalc.importing.schemes import refuse_code
from convcalc.language.file_facts import NetworkFile, Verified
from convcalc.language.head.inputs import Inputs
from convcalc.language.sources.target import TargetError
from convcalc.model.graph.network import Network

RULE = "model-differs"
MOST = 8  # differences that a finding lists


def model_findings(
    network: NetworkFile, read: Callable[[Inputs], NetworkFile], *, allow_code: bool = False
) -> Iterator[Diagnostic]:
    """Yield a finding if a network and its model differ, and the problems of the model.

    ``read`` gives the network at other inputs, those of the model. Models that have to be built by
    running code are read only if ``allow_code`` says so.
    """
    held = network.verified
    if held is None:
        return
    try:
        model = _model(held, None, allow_code=allow_code)
        sizes, open_sizes = common_sizes(network, model)
        if open_sizes:
            model = _model(held, open_sizes, allow_code=allow_code)
    except Rejected as error:
        yield from error.diagnostics
        return
    except TargetError as error:
        yield Diagnostic("unreadable-import", error.message, held.place, error.help)
        return
    wrong = [problem for problem in model.problems if problem.severity == "error"]
    if wrong:
        message = f"{held.target} cannot be compared: {wrong[0].message}"
        yield Diagnostic("unreadable-import", message, held.place, wrong[0].help)
        return
    found = agreement(read(sizes) if sizes else network, model)
    if not found.agrees:
        yield _finding(held, found)


def _model(held: Verified, inputs: Inputs, *, allow_code: bool) -> Network:
    """The network of the model; Rejected or TargetError if it cannot be read."""
    if held.target.partition(":")[0] not in CODE:
        return held.read(inputs)
    target = target_at(held.target)
    if not allow_code:
        refuse_code(target)
    return read_target(target, inputs=inputs)


def _finding(held: Verified, found: Agreement) -> Diagnostic:
    count = len(found.findings) + len(found.unexplained)
    of = max(found.layers)
    message = (
        f"{held.target} is another network: {count} difference{'s' * (count != 1)}, "
        f"{found.agreeing:,} of {of:,} layers agree"
    )
    name = f"{found.old.file}::{found.old.variant}" if found.old.variant else found.old.file
    advice = f"'convcalc verify {name}' shows both sides"
    shown = [each.first for each in found.findings[:MOST]]
    related = [*_places(shown[0])] if shown else []
    notes = [
        *(_note(each.first, each.more) for each in found.findings[:MOST]),
        *[f"and {count - MOST} more"][: count > MOST],
        *explanations(found.findings),
        *(f"{total.key} {total.old} ↔ {total.new}" for total in found.unexplained),
    ]
    return Diagnostic(RULE, message, held.place, advice, tuple(related), notes=tuple(notes))


def _note(first: Difference, more: int) -> str:
    where = place(first.old) if first.old else place(first.new)
    again = f", the same in {more} more" if more else ""
    return f"{where}: {sentence(first)}{again}"


def _places(found: Difference) -> Iterator[Related]:
    """Where the first layer that differs stands on both sides."""
    for units, word in ((found.old, "in the design"), (found.new, "in the model")):
        if units:
            yield Related(units[0].layer.place, f"{word}: {units[0].path}")
