"""Stack: tensors of one shape side by side along a new axis.

    out_size of the new axis = number of inputs

axis is the name that the new axis has in the output: of images, ``depth`` puts it before height,
``height`` between height and width, ``width`` last; ``channels`` puts it first, so that the
channels become positions. Of vectors it is ``length``. A move: no work, no parameters. Frames,
levels or branches that one layer takes together are stacked: a ``reduce`` over the new axis, or a
window.

Receptive fields are those of all inputs together, at each place of the new axis.

Source: PyTorch ``torch.stack``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.sizes import axis_names
from convcalc.model.operators import fields
from convcalc.model.operators.contract import NOTHING, Analysis, Operator, Problem, operator
from convcalc.model.ops.rearranging._axes import channels_of
from convcalc.model.quantities.shape import Shape


@operator
class Stack(Operator):
    """The stack; see the module's docstring."""

    arity = (1, None)
    ranks = (0, 2)
    keeps = NOTHING
    passes = True

    axis: str = fields.axis(doc="name of the new axis in the output")

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Equal shapes, and an axis of that name when there is one more."""
        first = inputs[0]
        names = axis_names(first.rank + 1)
        if self.axis not in names:
            message = f"axis {self.axis}, but a stack of {first} has {', '.join(names)}"
            yield Problem("wrong-rank", "axis", message, f"one of {', '.join(names)}", 0)
        for index, x in enumerate(inputs[1:], 1):
            differs = any(n != m for n, m in zip(first.dims, x.dims, strict=False))
            if differs or x.rank != first.rank:
                message = f"stack of {first} and {x}, which must be equal"
                yield Problem("shape-mismatch", "", message, "inputs of the same shape", index)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One more axis."""
        first = inputs[0]
        at = axis_names(first.rank + 1).index(self.axis)
        sizes = list(first.dims[1:])
        sizes.insert(at, len(inputs))
        arranged: list[tuple[int, ...]] = [(dim,) for dim in range(first.rank + 1)]
        arranged.insert(at, ())
        moved = tuple(arranged)
        return Analysis(
            Shape(first.batch, sizes[0], tuple(sizes[1:])),
            ((IDENTITY,) * first.rank,) * len(inputs),
            channels=(channels_of(moved),) * len(inputs),
            arranged=moved,
        )
