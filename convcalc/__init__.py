"""Shapes, parameters, MACs and receptive fields of convolutional networks.

    >>> import convcalc
    >>> network = convcalc.load("resnet50", inputs="3x320x320")
    >>> report = convcalc.analyse(network)
    >>> report.totals.params, report.totals.macs
    (25557032, 8343142400)

:func:`load` reads a network file or a built-in network, :func:`loads` the text of one, and
:class:`Builder` makes one without a file. :func:`analyse` computes its :class:`Report`,
:func:`study` the receptive field of one tensor, :func:`diff` what changed between two networks,
:func:`check` the findings in files, :func:`verify` says whether a design and a model are the
same network, and :func:`sweep` computes many configurations of one. Every result has a short
``repr``, shows itself in a notebook and in ``rich``, and has ``to_text``, ``to_dict`` and
``to_json``; a report and a sweep also ``to_pandas`` and ``to_polars``. Counts are exact integers
for the whole batch; FLOPs are 2 × MACs. Whatever cannot be done is an
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
    from os import PathLike
    from typing import Any

    from convcalc.analysis.agreement.agreement import Agreement
    from convcalc.analysis.analyse import analyse
    from convcalc.analysis.analyse import analyse as analyze
    from convcalc.analysis.comparison.compare import Comparison, Difference
    from convcalc.analysis.receptive_field.axis_study import StudyError
    from convcalc.analysis.receptive_field.study import Study, study
    from convcalc.analysis.report.report import (
        LayerReport,
        Memory,
        OutputReport,
        ReceptiveField,
        Report,
        Totals,
    )
    from convcalc.analysis.sweeps.result import SweepResult
    from convcalc.analysis.sweeps.space import SpaceError
    from convcalc.checking.outcome import Outcome
    from convcalc.diagnostics.diagnostic import Diagnostic, NetworkError, Place
    from convcalc.diagnostics.suggestion import UnknownName
    from convcalc.diagnostics.work import TooMuchWork, limits
    from convcalc.errors import Error
    from convcalc.language.sources.target import Target, TargetError
    from convcalc.model.graph.builder import Builder
    from convcalc.model.graph.network import Layer, Network
    from convcalc.model.quantities.shape import Shape
    from convcalc.model.quantities.sizes_text import Given, WrongSizes
    from convcalc.output.packages import MissingPackage

__all__ = [
    "Agreement",
    "Builder",
    "Comparison",
    "Diagnostic",
    "Difference",
    "Error",
    "Layer",
    "LayerReport",
    "Memory",
    "MissingPackage",
    "Network",
    "NetworkError",
    "Outcome",
    "OutputReport",
    "Place",
    "ReceptiveField",
    "Report",
    "Shape",
    "SpaceError",
    "Study",
    "StudyError",
    "SweepResult",
    "TargetError",
    "TooMuchWork",
    "Totals",
    "UnknownName",
    "WrongSizes",
    "__version__",
    "analyse",
    "analyze",
    "check",
    "diff",
    "limits",
    "load",
    "loads",
    "study",
    "sweep",
    "verify",
]

_HOMES = {
    "Agreement": "analysis.agreement.agreement",
    "Builder": "model.graph.builder",
    "Comparison": "analysis.comparison.compare",
    "Diagnostic": "diagnostics.diagnostic",
    "Difference": "analysis.comparison.compare",
    "Error": "errors",
    "Layer": "model.graph.network",
    "LayerReport": "analysis.report.report",
    "Memory": "analysis.report.report",
    "MissingPackage": "output.packages",
    "Network": "model.graph.network",
    "NetworkError": "diagnostics.diagnostic",
    "Outcome": "checking.outcome",
    "OutputReport": "analysis.report.report",
    "Place": "diagnostics.diagnostic",
    "ReceptiveField": "analysis.report.report",
    "Report": "analysis.report.report",
    "Shape": "model.quantities.shape",
    "SpaceError": "analysis.sweeps.space",
    "Study": "analysis.receptive_field.study",
    "StudyError": "analysis.receptive_field.axis_study",
    "SweepResult": "analysis.sweeps.result",
    "TargetError": "language.sources.target",
    "TooMuchWork": "diagnostics.work",
    "Totals": "analysis.report.report",
    "UnknownName": "diagnostics.suggestion",
    "WrongSizes": "model.quantities.sizes_text",
    "analyse": "analysis.analyse",
    "limits": "diagnostics.work",
    "study": "analysis.receptive_field.study",
}
_ALIASES = {"analyze": "analyse"}


def load(
    path_or_name: str | PathLike[str],
    *,
    variant: str | None = None,
    inputs: Given = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> Network:
    """The network of a file (``path``, ``path::variant``, ``REV:path``) or of a built-in name.

    ``inputs`` are sizes without the batch, channels first, None where a spatial size is not
    known: one list or a text such as ``"3x320x320"`` (``?`` for an unknown size), or a mapping by
    name for a network with several inputs. ``params``
    overrides params of the file. Links and imports lead to no file outside the project, which is
    the nearest folder upward with ``.git``, ``pyproject.toml`` or ``convcalc.toml``; ``root``
    names another, and ``allow_outside`` lifts this. Raises NetworkError with every problem of the
    content, TargetError if the file cannot be read or has no such variant, param or input, and
    WrongSizes for a text that is not a list of sizes.
    """
    from os import fspath

    from convcalc.importing.addressing import target_at

    target = target_at(fspath(path_or_name))
    return _load(target, variant, inputs, params, batch, fspath(root), allow_outside=allow_outside)


def loads(
    text: str | bytes,
    *,
    variant: str | None = None,
    inputs: Given = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> Network:
    """The network of a text in the language of network files.

    Imports count from the current folder, and problems are in ``<text>``; all else is as in
    :func:`load`.

        >>> text = "convcalc: 1\\ninput: [3, 32, 32]\\nlayers: [conv: {out: 8, k: 3}]"
        >>> convcalc.analyse(convcalc.loads(text)).totals.params
        224
    """
    from os import fspath

    from convcalc.language.sources.target import Target

    target = Target("<text>", text=text)
    return _load(target, variant, inputs, params, batch, fspath(root), allow_outside=allow_outside)


def _load(
    target: Target,
    variant: str | None,
    inputs: Given,
    params: Mapping[str, Any] | None,
    batch: int,
    root: str,
    *,
    allow_outside: bool,
) -> Network:
    """The network of a target; NetworkError if it has errors."""
    from convcalc.diagnostics.diagnostic import NetworkError
    from convcalc.importing.opening import read_target
    from convcalc.language.sources.project import opened
    from convcalc.model.quantities.sizes_text import given_sizes

    sizes = given_sizes(inputs)
    with opened(root, allow_outside=allow_outside):
        network = read_target(target, variant=variant, inputs=sizes, params=params, batch=batch)
    errors = [problem for problem in network.problems if problem.severity == "error"]
    if errors:
        raise NetworkError(errors)
    return network


def diff(
    old: str | PathLike[str] | Network | Report,
    new: str | PathLike[str] | Network | Report,
    *,
    inputs: Given = None,
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> Difference:
    """Compare two networks; layers are matched by path.

    Each side is what :func:`load` reads or returned, or a report. ``inputs`` are the sizes for
    both sides that are read here. ``is_same`` says whether nothing changed, ``comparison`` what
    did: ``comparison.total("params").delta`` is an exact increase. Numbers are compared as they
    are, so two reports should count the same kinds of work at the same dtype. Raises what
    :func:`load` raises.
    """
    from os import fspath

    from convcalc.analysis.analyse import analyse
    from convcalc.analysis.comparison.compare import difference
    from convcalc.analysis.report.report import Report
    from convcalc.model.graph.network import Network

    def report(side: str | PathLike[str] | Network | Report) -> Report:
        if isinstance(side, Report):
            return side
        if isinstance(side, Network):
            return analyse(side)
        return analyse(load(side, inputs=inputs, root=root, allow_outside=allow_outside))

    def title(side: str | PathLike[str] | Network | Report) -> str:
        if isinstance(side, Report):
            return side.network
        return side.name if isinstance(side, Network) else fspath(side)

    return difference(f"{title(old)} → {title(new)}", report(old), report(new))


def check(
    *paths: str | PathLike[str],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    variant: str = "",
    policy: str = "",
    config: str | PathLike[str] = "",
    isolated: bool = False,
    strict: bool = False,
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> Outcome:
    """Return what ``convcalc check`` finds in files and folders, by default in the current folder.

    ``select`` and ``ignore`` are codes of rules or prefixes of them, such as ``"CC2"``; ``variant``
    is the name of one variant, by default the settings decide; ``policy`` is a git revision that
    says what files are held to; ``config`` names a file of settings, and ``isolated`` ignores all
    others. With ``strict``, warnings count as errors. The :class:`Outcome` has ``passed``, the
    ``findings`` as :class:`Diagnostic` and the ``verdicts`` on budgets. Raises TargetError if
    there is nothing to check or a setting is wrong; a file that cannot be read is a finding.
    """
    from os import fspath

    from convcalc.checking.outcome import checked
    from convcalc.language.sources.project import opened

    with opened(fspath(root), allow_outside=allow_outside):
        return checked(
            [fspath(path) for path in paths],
            select=select,
            ignore=ignore,
            variant=variant,
            policy=policy,
            config=fspath(config),
            isolated=isolated,
            strict=strict,
        )


def verify(
    design: str | PathLike[str] | Network,
    model: str | PathLike[str] | Network,
    *,
    inputs: Given = None,
    params: Mapping[str, Any] | None = None,
    fold_norms: str = "auto",
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> Agreement:
    """Whether a design and a model are the same network, and where they differ.

    Both are what :func:`load` reads, or what it returned. ``inputs`` are the sizes for both;
    without them a design that is read here gets those of the model. ``params`` are the design's.
    ``fold_norms`` is "yes", "no" or "auto": whether batch norms that can be folded are looked
    through. The result says whether it ``agrees``. Raises what :func:`load` raises.
    """
    from convcalc.analysis.agreement.agreement import agreement
    from convcalc.importing.pairing import common_sizes
    from convcalc.model.graph.network import Network

    more: dict[str, Any] = {"root": root, "allow_outside": allow_outside}
    new = model if isinstance(model, Network) else load(model, inputs=inputs, **more)
    old = (
        design
        if isinstance(design, Network)
        else load(design, inputs=inputs, params=params, **more)
    )
    if inputs is None:
        for_old, for_new = common_sizes(old, new)
        if for_old and not isinstance(design, Network):
            old = load(design, inputs=for_old, params=params, **more)
        if for_new and not isinstance(model, Network):
            new = load(model, inputs=for_new, **more)
    return agreement(old, new, fold_norms=fold_norms)


def sweep(
    target: str | PathLike[str],
    over: Mapping[str, Any],
    *,
    where: Sequence[str] | str = (),
    metrics: Sequence[str] = (),
    pareto: Sequence[str] = (),
    by: str = "",
    top: int | None = 20,
    sample: int | None = None,
    seed: int = 0,
    variant: str | None = None,
    batch: int = 1,
    dtype: str = "float32",
    counted: Sequence[str] = ("weights", "dynamic"),
    root: str | PathLike[str] = "",
    allow_outside: bool = False,
) -> SweepResult:
    """The numbers of many configurations of a network file: every combination of ``over``.

    ``over`` maps ``"input"`` or a param to its values: a list, or a text as on the command line
    such as ``"0.35:1.4:0.01"``. ``where`` are conditions such as ``"params <= 5M"`` that rows must
    satisfy. ``metrics`` are the numbers of each row, ``pareto`` the columns of the front (``"-a"``:
    more of a is better), ``by`` sorts what is shown, ``top`` says how much of it, None for all.
    ``sample`` draws so many different configurations, the same ones for the same ``seed``.

        >>> found = convcalc.sweep("mobilenet_v2", {"width": [0.5, 1.0], "input": [128, 224]})
        >>> [row["macs"] for row in found.rows()]
        [32578560, 97131840, 99074048, 300774272]

    Raises SpaceError or UnknownName for what makes no sense, and what :func:`load` raises. It is
    fast with numpy, ``pip install 'convcalc[sweep]'``, and slower without it.
    """
    from os import fspath

    from convcalc.analysis.sweeps.result import swept
    from convcalc.importing.addressing import target_at
    from convcalc.language.sources.project import opened

    with opened(fspath(root), allow_outside=allow_outside):
        return swept(
            target_at(fspath(target)),
            over,
            where=where,
            metrics=metrics,
            pareto=pareto,
            by=by,
            top=top,
            sample=sample,
            seed=seed,
            variant=variant,
            batch=batch,
            dtype=dtype,
            counted=counted,
        )


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    # Names are imported on first use, to keep the start of the command short.
    home = _ALIASES.get(name, name)
    if home in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"convcalc.{_HOMES[home]}"), home)
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")
