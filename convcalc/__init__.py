"""Shapes, parameters, MACs and receptive fields of convolutional networks.

    >>> import convcalc
    >>> network = convcalc.load("resnet50", inputs=[3, 320, 320])
    >>> report = convcalc.analyse(network)
    >>> report.totals.params, report.totals.macs
    (25557032, 8343641088)

:func:`load` reads a network file or a shipped network, :func:`analyse` computes its
:class:`Report`, :func:`study` what one of its tensors sees. Counts are exact
integers for the whole batch; FLOPs are 2 × MACs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convcalc._version import __version__

if TYPE_CHECKING:
    from convcalc.analysis import analyse
    from convcalc.diagnostics import Diagnostic, NetworkError
    from convcalc.graph import Network
    from convcalc.library import TargetError
    from convcalc.receptive_field.study import Study, study
    from convcalc.report import LayerReport, ReceptiveField, Report, Totals

__all__ = [
    "Diagnostic",
    "LayerReport",
    "Network",
    "NetworkError",
    "ReceptiveField",
    "Report",
    "Study",
    "TargetError",
    "Totals",
    "__version__",
    "analyse",
    "load",
    "study",
]

_HOMES = {
    "Diagnostic": "diagnostics",
    "LayerReport": "report",
    "Network": "graph",
    "NetworkError": "diagnostics",
    "ReceptiveField": "report",
    "Report": "report",
    "Study": "receptive_field.study",
    "TargetError": "library",
    "Totals": "report",
    "analyse": "analysis",
    "study": "receptive_field.study",
}


def load(
    path_or_name: str,
    *,
    variant: str | None = None,
    inputs: Mapping[str, Sequence[int | None]] | Sequence[int | None] | None = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
) -> Network:
    """The network of a file (``path``, ``path::variant``, ``REV:path``) or of a shipped name.

    ``inputs`` are sizes without the batch, channels first, None where a spatial size is not
    known: one list, or a mapping by name for a network with several inputs. ``params``
    overrides params of the file. Raises NetworkError with every problem of the content, and
    TargetError if the file cannot be read or has no such variant, param or input.
    """
    from convcalc.diagnostics import NetworkError
    from convcalc.library import is_dated
    from convcalc.network import read_network

    if is_dated(path_or_name):
        from convcalc.history import resolve
    else:
        from convcalc.library import resolve
    network = read_network(
        resolve(path_or_name), variant=variant, inputs=inputs, params=params, batch=batch
    )
    errors = [problem for problem in network.problems if problem.severity == "error"]
    if errors:
        raise NetworkError(errors)
    return network


def __getattr__(name: str) -> Any:
    # Names are imported when they are used: start-up is what the user of the command feels.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"convcalc.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")
