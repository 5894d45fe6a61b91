"""numpy, which only sweeps use: the extra ``convcalc[sweep]``; None where it is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
else:
    Array = Any
    try:
        import numpy as np
    except ImportError:  # sweeps go on without lanes
        np = None

HAS_NUMPY = np is not None

__all__ = ["HAS_NUMPY", "Array", "np"]
