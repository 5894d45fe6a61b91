"""Embedding: each index is replaced by a learned vector.

    weight = (num_embeddings, embedding_dim)
    params = num_embeddings · embedding_dim
    out_channels = embedding_dim;   positions stay

The input holds one index per position: 1×length of a text, 1×H×W of a map of labels. A vector of C
indices is taken for a text of C positions. A look-up: no MACs and no work, though the weight may be
most of a network's parameters. The output of an index depends on it alone, without a gradient.

Common mistake: a look-up written as a product with one-hot vectors has positions · num_embeddings ·
embedding_dim MACs; nothing computes it so.

Source: PyTorch ``torch.nn.Embedding``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.model.geometry.axis_maps import IDENTITY
from convcalc.model.geometry.channel_maps import MIXED, Hidden
from convcalc.model.operators import fields
from convcalc.model.operators.contract import LEARNED, Analysis, Operator, Problem, operator
from convcalc.model.ops.rearranging._axes import MOVED
from convcalc.model.quantities.shape import Shape


@operator
class Embedding(Operator):
    """The look-up; see the module's docstring."""

    keeps = LEARNED
    detached = 0

    num_embeddings: int = fields.integer("number of different indices", minimum=1)
    embedding_dim: int = fields.integer("numbers of each vector", minimum=1)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """One index per position."""
        (x,) = inputs
        if x.rank and x.channels != 1:
            message = f"{x} has {x.channels} indices per position, but one is looked up"
            yield Problem("shape-mismatch", "", message, "one channel", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One vector per position."""
        (x,) = inputs
        weights = {"weight": (self.num_embeddings, self.embedding_dim)}
        if x.rank:
            output = x.with_channels(self.embedding_dim)
            return Analysis(output, ((IDENTITY,) * x.rank,), (), weights, channels=(MIXED,))
        output = Shape(x.batch, self.embedding_dim, (x.channels,))
        arranged: tuple[tuple[int, ...], ...] = ((), (0,))
        return Analysis(output, ((),), (), weights, channels=(Hidden(MOVED),), arranged=arranged)
