"""Windows that fit, and all that a layer costs and sees: what the identities compare."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from convcalc.analysis.report.report import LayerReport
from convcalc.model.quantities.counts import COUNTS

few = st.integers(1, 4)


channels = st.sampled_from([1, 2, 3, 4, 6, 8])


@st.composite
def windows(draw: st.DrawFn, rank: int | None = None) -> tuple[list[int], dict[str, Any]]:
    """Spatial sizes, and a window in fields that fits into them, anisotropic."""
    axes = draw(st.integers(1, 3)) if rank is None else rank
    kernel = [draw(few) for _ in range(axes)]
    dilation = [draw(st.integers(1, 2)) for _ in range(axes)]
    padding = [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in range(axes)]
    stride = [draw(st.integers(1, 3)) for _ in range(axes)]
    sizes = [
        d * (k - 1) + 1 + draw(st.integers(0, 6)) for k, d in zip(kernel, dilation, strict=True)
    ]
    fields = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return sizes, fields


def numbers(layer: LayerReport) -> dict[str, Any]:
    """All that a layer costs and sees."""
    kept = {key: getattr(layer, key) for key in COUNTS}
    return kept | {
        "output": layer.output,
        "weights": dict(layer.weights),
        "terms": layer.terms,
        "receptive_field": layer.receptive_field,
    }
