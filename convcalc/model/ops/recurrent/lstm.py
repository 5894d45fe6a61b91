"""Long short-term memory along one axis: a state of two vectors, and four gates.

    i, f, o = sigmoid(W x + b + U h + c)      in, forget, out: a block of rows each
    g       = tanh(W x + b + U h + c)
    cell    = f · cell + i · g;   h = o · tanh(cell)
    weight_ih = (4·hidden_size, in_channels), weight_hh = (4·hidden_size, hidden_size),
    bias_ih, bias_hh = (4·hidden_size,) each if bias;   per layer and direction
    MACs    = batch · positions · (4·hidden_size · (in_channels + hidden_size))
    out_channels = hidden_size · directions

Layers after the first read hidden_size · directions channels. With proj_size the state that is
handed on is shorter: h is multiplied by weight_hr = (proj_size, hidden_size), and takes the place
of hidden_size in weight_hh and in the output. axis says along which one it walks; each position of
the others is a sequence of its own, as in a batch. The output is the whole sequence; ``crop`` with
keep: last takes its end.

Elementwise work per hidden number and position: 4 sums of the two products, 2·4 of the biases if
there are any, 4 activations, and 5 for cell and h.

Every position sees all before it, so the field is the whole axis; of one direction it ends at the
position itself, which is not told apart. The two biases are one number too many, but PyTorch stores
both.

Common mistakes: hidden_size is that of one direction. A layer that reads both directions has twice
the channels. Counting one product of (in_channels + hidden_size) forgets the gates, a factor 4.

Source: PyTorch ``torch.nn.LSTM``; Hochreiter & Schmidhuber 1997; Sak et al., arXiv 1402.1128
(projections).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from convcalc.model.operators import fields
from convcalc.model.operators.contract import Problem, operator
from convcalc.model.ops.recurrent._recurrent import Recurrent
from convcalc.model.quantities.shape import Shape


@operator
class Lstm(Recurrent):
    """The recurrence; see the module's docstring."""

    gates: ClassVar[int] = 4
    operations: ClassVar[int] = 4 + 4 + 5

    proj_size: int = fields.integer(
        "numbers of the state that is handed on; 0 for all", 0, minimum=0
    )

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """A projection makes the state shorter."""
        yield from super().check(inputs)
        if self.proj_size >= self.hidden_size:
            message = f"proj_size {self.proj_size} is not below hidden_size {self.hidden_size}"
            yield Problem("out-of-range", "proj_size", message, f"at most {self.hidden_size - 1}")

    @property
    def _made(self) -> int:
        return self.proj_size or self.hidden_size
