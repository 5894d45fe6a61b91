"""Permute: the axes of a sample in another order.

    output axis i = input axis dims[i]

dims counts as PyTorch does: 1 the channels, 2 and more the spatial axes; the batch, 0, stays first
and may be left out. [2, 1] makes channels of the positions of a token tensor and back (N×C and
C×N), [2, 3, 1] puts channels last, [1, 3, 2] exchanges height and width. A move: no work, no
parameters.

A layer after it takes for channels what now stands first: a ``linear`` after [2, 1] mixes
positions, as in MLP-Mixer, and then every position sees all. Receptive fields follow the axes
through it, there and back.

Common mistake: an import of a channels-last network permutes before each norm and back; here
``layer_norm`` acts on the channels of a channels-first tensor, and needs neither.

Source: PyTorch ``torch.permute``; Tolstikhin et al., "MLP-Mixer", arXiv 2105.01601.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.rearranging._axes import arranged_analysis
from convcalc.model.quantities.shape import Shape


@operator
class Permute(Operator):
    """The permutation; see the module's docstring."""

    view = True
    keeps = NOTHING
    passes = True

    dims: tuple[int, ...] = fields.field(
        "ints", "input axes in the order of the output, 1 the channels", minimum=0
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Each axis once."""
        (x,) = inputs
        if sorted(self._axes) != list(range(1, x.rank + 2)):
            every = ", ".join(map(str, range(1, x.rank + 2)))
            message = f"dims {list(self.dims)} does not name each axis of {x} once"
            yield Problem("shape-mismatch", "dims", message, f"{every} in some order", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """The sizes in another order."""
        (x,) = inputs
        channels, *spatial = (x.dims[dim] for dim in self._axes)
        output = Shape(x.batch, channels, tuple(spatial))
        return arranged_analysis(x, output, tuple((dim - 1,) for dim in self._axes))

    @property
    def _axes(self) -> tuple[int, ...]:
        """Without the batch, if it is named and stays first."""
        return self.dims[1:] if self.dims[:1] == (0,) else self.dims
