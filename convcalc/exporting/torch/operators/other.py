"""What computes nothing, and learned tensors."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporting.torch.site import Made, Site


def _identity(site: Site, _: Sequence[bool]) -> Made:
    return Made(call="{0}", channels=site.channels)


def _dropout(site: Site, _: Sequence[bool]) -> Made:
    rate = site.text("rate")
    if site.is_always("rate", 0.0) or all(v == 0 for v in site.values("rate")):
        return Made(call="{0}", channels=site.channels)
    return Made(f"nn.Dropout({rate})", channels=site.channels)


TABLE = {"identity": _identity, "dropout": _dropout}
