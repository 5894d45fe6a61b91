"""What written Keras code builds, beside what the network says."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.exporting.keras.write import keras_code
from convcalc.exporting.naming import snake_case
from convcalc.exporting.refusal import Refused
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.shipped import shipped_names
from convcalc.language.sources.target import Target


def written(name: str) -> str:
    """The code of a shipped network; raises Refused."""
    target = shipped_names()[name]
    document = NetworkSource(Target(target.file)).document
    assert document is not None
    return keras_code(document, target.variant)


def is_written(name: str) -> bool:
    """Whether a shipped network has a counterpart in Keras."""
    try:
        return bool(written(name))
    except Refused:
        return False


def built(name: str) -> Any:
    """The model that the code makes, without memory for its weights."""
    import keras
    import torch

    keras.utils.clear_session()
    sys.setrecursionlimit(max(20_000, sys.getrecursionlimit()))  # Keras walks deep graphs so
    space: dict[str, Any] = {"__name__": "written"}
    exec(compile(written(name), f"{name}.py", "exec"), space)
    target = shipped_names()[name]
    source = NetworkSource(Target(target.file))
    names = [target.variant, name, source.network(target.variant).name, source.network().name]
    function = next(space[snake_case(n)] for n in names if n and snake_case(n) in space)
    with torch.device("meta"):
        return function()


def differences(name: str) -> dict[str, tuple[Any, Any]]:
    """Sizes of outputs and numbers of weights that are not those of the network."""
    target = shipped_names()[name]
    network = NetworkSource(Target(target.file)).network(target.variant)
    totals, model = analyse(network).totals, built(name)
    shapes = [network.shape(number) for number in network.outputs.values()]
    pairs = {
        "outputs": (
            [(*s.spatial, s.channels) for s in shapes],
            [o.shape[1:] for o in model.outputs],
        ),
        "weights": (totals.params + totals.buffers, sum(prod(w.shape) for w in model.weights)),
    }
    return {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}
