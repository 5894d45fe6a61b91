"""Shared by the commands that try many configurations: how a target is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convcalc.cli.console import Failure, choose
from convcalc.cli.loading import assignment, counted_kinds
from convcalc.cli.naming import target_of
from convcalc.cli.options import default
from convcalc.model.quantities.number_text import DTYPES

if TYPE_CHECKING:
    from convcalc.analysis.sweeps.running import Runner


def runner_of(
    word: str,
    metrics: Sequence[str],
    variant: str,
    batch: int,
    count: str,
    dtype: str,
    fixed: Mapping[str, Any],
) -> Runner:
    """Return what measures a target's configurations; Failure if it is not a network file."""
    from convcalc.analysis.sweeps.arrays import HAS_NUMPY
    from convcalc.analysis.sweeps.measuring import Assumptions
    from convcalc.analysis.sweeps.metrics import require_metrics
    from convcalc.analysis.sweeps.running import Runner
    from convcalc.importing.opening import open_source
    from convcalc.language.reading import NetworkSource

    if not HAS_NUMPY:
        raise Failure("this needs numpy, which is not installed", "pip install numpy")
    require_metrics(metrics)
    target = target_of(word)
    source = open_source(target)
    if not isinstance(source, NetworkSource):
        raise Failure(f"'{word}' has no params", "convcalc import writes it as a network file")
    counted = counted_kinds(count or default("count") or "weights,dynamic")
    kind = choose(dtype or default("dtype") or "float32", DTYPES, "--dtype")
    how = Assumptions(counted, kind)
    chosen = variant or target.variant
    return Runner(
        lambda: NetworkSource(target), metrics, how, variant=chosen, batch=batch, fixed=fixed
    )


def fixed_values(words: Sequence[str]) -> dict[str, Any]:
    """The params that --set gives, which stay what they are."""
    return dict(assignment(word) for word in words)
