"""What reads regions of a map."""

from __future__ import annotations

from convcalc.exporting.torch.site import Made, Site

TABLE: dict[str, object] = {}


__all__ = ["TABLE", "Made", "Site"]
