"""What a model that Keras wrote is held to: the numbers of Keras itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.importing.opening import read_target
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target

# Outputs whose axes are in another order: those that a norm or softmax works on come first.
MOVED = ("batch_norm_second", "layer_softmax_rows", "permute")


def read(content: Any, size: Sequence[int] | None = None) -> NetworkFile:
    """The network of a model; ``size`` is that of its input, if it leaves it open."""
    if isinstance(content, dict):
        content = json.dumps(content)
    given = (size[-1], *size[:-1]) if size else None
    return read_target(Target("model.json", None, content, format="keras"), inputs=given)


def errors(network: NetworkFile) -> list[str]:
    """What went wrong; not the remarks on layers that a person should look at."""
    wrong = ("unmapped-operator", "contradicts-file", "damaged-model")
    return [p.message for p in network.problems if p.name in wrong or p.severity == "error"]


def agree(
    name: str, content: str | bytes, wanted: Mapping[str, Any], size: Sequence[int] | None
) -> None:
    """Hold a model against its numbers: weights, multiplications, sizes of outputs."""
    found = read(content, size)
    assert errors(found) == []
    report = analyse(found)
    layers = zip(found.layers, report.layers, strict=True)
    fixed = sum(row.params for layer, row in layers if not layer.trainable)
    # Normalization counts its batches, as PyTorch's norms do, in a number that is left out.
    counters = name.startswith("EfficientNetB")
    assert report.totals.params - fixed == wanted["trainable"]
    assert report.totals.buffers + fixed == wanted["frozen"] - counters
    assert report.totals.macs == wanted["macs"]
    sizes = [found.shape(number).dims[1:] for number in found.outputs.values()]
    outputs = [first(each, name) for each in wanted["outputs"]]
    if name in MOVED:
        sizes, outputs = ([tuple(sorted(each)) for each in one] for one in (sizes, outputs))
    assert sizes == outputs


def first(sizes: Sequence[int], name: str) -> tuple[int, ...]:
    """Sizes with channels first."""
    return tuple(sizes) if name.endswith("_first") else (sizes[-1], *sizes[:-1])
