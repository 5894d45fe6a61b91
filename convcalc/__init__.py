"""Shapes, parameters, MACs and receptive fields of convolutional networks.

    >>> import convcalc
    >>> network = convcalc.load("resnet50", inputs=[3, 320, 320])
    >>> report = convcalc.analyse(network)
    >>> report.totals.params, report.totals.macs
    (25557032, 8343641088)

:func:`load` reads a network file or a shipped network, :func:`analyse` computes its
:class:`Report`, :func:`study` the receptive field of one tensor, :func:`verify` says whether a
design and a model are the same network. Counts are exact integers for the whole batch; FLOPs are
2 × MACs. Whatever cannot be done is an
:class:`Error` with ``message``, ``help`` and ``diagnostics``. A call that takes too much work
raises :class:`TooMuchWork`; :func:`limits` allows more, or less.
"""

from __future__ import annotations

from convcalc._version import __version__

# Not from typing: the less is imported before the command line is ready, the sooner it can be
# interrupted without a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from convcalc.analysis.agreement.agreement import Agreement
    from convcalc.analysis.analyse import analyse
    from convcalc.analysis.receptive_field.axis_study import StudyError
    from convcalc.analysis.receptive_field.study import Study, study
    from convcalc.analysis.report.report import (
        LayerReport,
        OutputReport,
        ReceptiveField,
        Report,
        Totals,
    )
    from convcalc.diagnostics.diagnostic import Diagnostic, NetworkError
    from convcalc.diagnostics.work import TooMuchWork, limits
    from convcalc.errors import Error
    from convcalc.language.sources.target import TargetError
    from convcalc.model.graph.builder import Builder
    from convcalc.model.graph.network import Network

__all__ = [
    "Agreement",
    "Builder",
    "Diagnostic",
    "Error",
    "LayerReport",
    "Network",
    "NetworkError",
    "OutputReport",
    "ReceptiveField",
    "Report",
    "Study",
    "StudyError",
    "TargetError",
    "TooMuchWork",
    "Totals",
    "__version__",
    "analyse",
    "limits",
    "load",
    "study",
    "verify",
]

_HOMES = {
    "Agreement": "analysis.agreement.agreement",
    "Builder": "model.graph.builder",
    "Diagnostic": "diagnostics.diagnostic",
    "Error": "errors",
    "LayerReport": "analysis.report.report",
    "Network": "model.graph.network",
    "NetworkError": "diagnostics.diagnostic",
    "OutputReport": "analysis.report.report",
    "ReceptiveField": "analysis.report.report",
    "Report": "analysis.report.report",
    "Study": "analysis.receptive_field.study",
    "StudyError": "analysis.receptive_field.axis_study",
    "TargetError": "language.sources.target",
    "TooMuchWork": "diagnostics.work",
    "Totals": "analysis.report.report",
    "analyse": "analysis.analyse",
    "limits": "diagnostics.work",
    "study": "analysis.receptive_field.study",
}


def load(
    path_or_name: str,
    *,
    variant: str | None = None,
    inputs: Mapping[str, Sequence[int | None]] | Sequence[int | None] | None = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    root: str = "",
    allow_outside: bool = False,
) -> Network:
    """The network of a file (``path``, ``path::variant``, ``REV:path``) or of a shipped name.

    ``inputs`` are sizes without the batch, channels first, None where a spatial size is not
    known: one list, or a mapping by name for a network with several inputs. ``params``
    overrides params of the file. Links and imports lead to no file outside the project, which is
    the nearest folder upward with ``.git``, ``pyproject.toml`` or ``convcalc.toml``; ``root``
    names another, and ``allow_outside`` lifts this. Raises NetworkError with every problem of the
    content, and TargetError if the file cannot be read or has no such variant, param or input.
    """
    from convcalc.diagnostics.diagnostic import NetworkError
    from convcalc.importing.addressing import target_at
    from convcalc.importing.opening import read_target
    from convcalc.language.sources.project import opened

    with opened(root, allow_outside=allow_outside):
        network = read_target(
            target_at(path_or_name), variant=variant, inputs=inputs, params=params, batch=batch
        )
    errors = [problem for problem in network.problems if problem.severity == "error"]
    if errors:
        raise NetworkError(errors)
    return network


def verify(
    design: str | Network,
    model: str | Network,
    *,
    inputs: Mapping[str, Sequence[int | None]] | Sequence[int | None] | None = None,
    params: Mapping[str, Any] | None = None,
    fold_norms: str = "auto",
    root: str = "",
    allow_outside: bool = False,
) -> Agreement:
    """Whether a design and a model are the same network, and where they part.

    Both are what :func:`load` reads, or what it returned. ``inputs`` are the sizes for both;
    without them a design that is read here gets those of the model. ``params`` are the design's.
    ``fold_norms`` is "yes", "no" or "auto": whether batch norms that can be folded are looked
    through. The result says whether it ``agrees``. Raises what :func:`load` raises.
    """
    from convcalc.analysis.agreement.agreement import agreement
    from convcalc.importing.pairing import common_sizes

    more: dict[str, Any] = {"root": root, "allow_outside": allow_outside}
    new = load(model, inputs=inputs, **more) if isinstance(model, str) else model
    old = load(design, inputs=inputs, params=params, **more) if isinstance(design, str) else design
    if inputs is None:
        for_old, for_new = common_sizes(old, new)
        if for_old and isinstance(design, str):
            old = load(design, inputs=for_old, params=params, **more)
        if for_new and isinstance(model, str):
            new = load(model, inputs=for_new, **more)
    return agreement(old, new, fold_norms=fold_norms)


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    # Names are imported on first use, to keep the start of the command short.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"convcalc.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")
