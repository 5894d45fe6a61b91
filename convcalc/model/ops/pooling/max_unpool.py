"""Max unpooling: each value goes back to where a max pooling found it, among zeros.

    out_size = input size of the pooling                  with indices
    out_size = output_size                                 if that is given
    out_size = (n - 1)·s - p_before - p_after + k          else, per axis

n input size, k kernel_size, s stride, p padding. indices names the ``max_pool`` above whose
positions are used: its kernel_size, stride and padding hold here too and may be left out, and its
input size is restored exactly, which the last formula cannot do for odd sizes (k = s = 2 pools
7 to 3, and 3 gives 6). The input must have the shape of that pooling's output. Unpooling knows no
dilation: what a dilated pooling made shorter than a dense one by a stride or more cannot come
back, as in PyTorch. Without indices
kernel_size is needed, stride defaults to it, and an output_size must differ from the last
formula by less than the stride, as PyTorch demands.

A move: no work, no parameters. The price is memory: indices_bytes shows the positions that must
be kept from the pooling on, 8 bytes (int64, PyTorch's) per element of the input.

An output reads the positions whose window covers it, of the input for the value and of the
pooling for the place; through the latter it sees all that the pooling sees.

Common mistakes: a network with odd sizes needs the pooling's indices and its size, or skip
connections no longer fit. The indices are often forgotten in the memory: they take twice that
of the pooled float32 tensor. All but one position in k^rank stay zero, so a convolution
follows, at full size and full cost.

Source: PyTorch ``torch.nn.MaxUnpool2d``; Badrinarayanan et al., "SegNet", arXiv 1511.00561.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcalc.model.geometry.axis_maps import Stamp
from convcalc.model.geometry.sizes import Padding, Sides, axis_name, resolve_padding, stamp_size
from convcalc.model.operators import fields
from convcalc.model.operators.contract import (
    NOTHING,
    Analysis,
    Operator,
    Problem,
    Recorded,
    operator,
)
from convcalc.model.operators.work import OWNS
from convcalc.model.ops.pooling._pooling import INDEX_BYTES
from convcalc.model.ops.pooling.max_pool import MaxPool
from convcalc.model.quantities.shape import Shape


class _Window(NamedTuple):
    """The windows of the pooling that is undone."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]

    def resolve_padding(self, spatial: tuple[int, ...]) -> Sides:
        """The padding in numbers; ``spatial`` are the sizes that were pooled."""
        return resolve_padding(self.padding, spatial, self.kernel_size, self.stride, self.dilation)

    def empty_axes(self, spatial: tuple[int, ...]) -> set[int]:
        """The axes on which some window reads padding alone.

        A padding in numbers is at most half of kernel_size, so that only the first windows can,
        those that begin in the padding and step over the whole input.
        """
        if isinstance(self.padding, str):
            return set()
        rows = zip(spatial, self.stride, self.dilation, self.padding, strict=True)
        return {
            axis
            for axis, (n, s, d, (before, _)) in enumerate(rows)
            if n < d and any(start % d >= n for start in range(-before, 0, s))
        }


@operator
class MaxUnpool(Operator):
    """A max unpooling; see the module's docstring."""

    arity = (1, 2)
    ranks = (1, 3)
    keeps = NOTHING
    indices_of = 1

    kernel_size: tuple[int, ...] | None = fields.kernel_size(
        None, "taps of the pooling per axis; needed without indices"
    )
    stride: tuple[int, ...] | None = fields.stride(
        None, "stride of the pooling per axis; kernel_size if not given"
    )
    padding: Padding | None = fields.padding(
        None, "padding of the pooling, per axis [h, w] or per side [[top, bottom], [left, right]]"
    )
    output_size: tuple[int, ...] | None = fields.axes(
        "size before the pooling, per axis", None, minimum=1
    )
    indices: Recorded | None = fields.layer("the max_pool whose positions are used", None)

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """The pooling must be one, must fit the input, and must not be described differently."""
        x = inputs[0]
        if self.indices is not None:
            yield from self._pool_problems(x, self.indices)
        elif len(inputs) > 1:
            message = "max_unpool has two inputs; that of the positions belongs in 'indices'"
            yield Problem("missing-key", "indices", message, "indices: the id of the max_pool", 1)
        elif self.kernel_size is None:
            message = "max_unpool needs kernel_size or the indices of a pooling"
            yield Problem("missing-key", "kernel_size", message, "for instance 'kernel_size: 2'")
        elif isinstance(self.padding, str):
            message = f"padding '{self.padding}' needs the size before the pooling"
            yield Problem("unsupported-combination", "padding", message, "numbers, or indices")
        else:
            yield from self._size_problems(x)

    def _pool_problems(self, x: Shape, pool: Recorded) -> Iterator[Problem]:
        """Yields a problem if the named layer's positions do not belong to this input."""
        operator = pool.operator
        if not isinstance(operator, MaxPool):
            message = f"'{pool.name}' is not a max_pool, so it has no positions"
            yield Problem("wrong-type", "indices", message, "the id of a max_pool")
            return
        sizes = zip(x.dims, pool.output.dims, strict=False)
        if x.rank != pool.output.rank or any(n != m for n, m in sizes):
            message = f"the input is {x}, but '{pool.name}' recorded positions for {pool.output}"
            yield Problem("shape-mismatch", "indices", message, f"an input of {pool.output}", 0)
            return
        spatial = pool.inputs[0].spatial
        own, theirs = self._window(None), self._window(operator)
        yield from _difference_problems(
            "kernel_size", self.kernel_size, theirs.kernel_size, pool.name
        )
        yield from _difference_problems("stride", self.stride, theirs.stride, pool.name)
        if self.padding is not None:
            numbers = theirs._replace(padding=own.padding).resolve_padding(spatial)
            yield from _difference_problems(
                "padding", numbers, theirs.resolve_padding(spatial), pool.name
            )
        yield from _difference_problems("output_size", self.output_size, spatial, pool.name)
        yield from self._dilation_problems(x, spatial, theirs, pool.name)

    @staticmethod
    def _dilation_problems(
        x: Shape, spatial: tuple[int, ...], window: _Window, name: str
    ) -> Iterator[Problem]:
        """Yields a problem for each axis that a dilated pooling made shorter than a dense one."""
        plain = _smallest_sizes(x, window, window.resolve_padding(spatial))
        rows = zip(spatial, plain, window.stride, window.dilation, strict=True)
        for axis, (size, n, s, d) in enumerate(rows):
            if d > 1 and axis in window.empty_axes(spatial):
                where = axis_name(axis, x.rank)
                message = f"a window of '{name}' reads nothing but padding of {where} {size}"
                advice = "dilation 1 there; what finds no maximum has no position"
                yield Problem("unsupported-combination", "indices", message, advice, 0)
            elif d > 1 and abs(size - n) >= s:
                low, high = max(1, n - s + 1), n + s - 1
                where = axis_name(axis, x.rank)
                message = f"'{name}' pooled {where} {size} with dilation {d}, which is lost here"
                allowed = f"{low} to {high}" if low < high else f"{low}"
                advice = f"dilation 1 there; {where} {allowed} can come back from {x}"
                yield Problem("unsupported-combination", "indices", message, advice, 0)

    def _size_problems(self, x: Shape) -> Iterator[Problem]:
        """Yields a problem for each axis whose output size is empty or does not fit."""
        window = self._window(None)
        plain = self._default_sizes(x)
        wanted = self.output_size or plain
        for axis, (size, n, s) in enumerate(zip(wanted, plain, window.stride, strict=True)):
            name = axis_name(axis, x.rank)
            if self.output_size is not None and abs(size - n) >= s:
                low, high = max(1, n - s + 1), n + s - 1
                message = f"output_size {size} cannot be {name} before the pooling to {x}"
                yield Problem("out-of-range", "output_size", message, f"from {low} to {high}", 0)
            elif size < 1:
                message = f"padding leaves none of {name}'s positions"
                yield Problem("empty-output", "padding", message, "less padding", 0)

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """One stamp per input position, of which a single tap holds the value."""
        x = inputs[0]
        pool = self.indices
        if pool is not None and isinstance(pool.operator, MaxPool):
            window, spatial = self._window(pool.operator), pool.inputs[0].spatial
        else:
            window, spatial = self._window(None), self.output_size or self._default_sizes(x)
        befores = (before for before, _ in window.resolve_padding(spatial))
        axes = tuple(map(Stamp, window.kernel_size, window.stride, befores, window.dilation))
        facts = {"indices_bytes": INDEX_BYTES * x.numel}
        maps, channels = (axes,) * len(inputs), OWNS * len(inputs)
        return Analysis(x.with_spatial(spatial), maps, facts=facts, channels=channels)

    def _window(self, pool: MaxPool | None) -> _Window:
        """The pooling's windows: those of ``pool``, or as the fields describe them."""
        if pool is not None:
            stride = pool.stride or pool.kernel_size
            return _Window(pool.kernel_size, stride, pool.padding, pool.dilation)
        kernel_size = self.kernel_size or ()
        padding = ((0, 0),) * len(kernel_size) if self.padding is None else self.padding
        return _Window(kernel_size, self.stride or kernel_size, padding, (1,) * len(kernel_size))

    def _default_sizes(self, x: Shape) -> tuple[int, ...]:
        """The smallest sizes that pooling turns into the input's."""
        window = self._window(None)
        assert not isinstance(window.padding, str)
        return _smallest_sizes(x, window, window.padding)


def _smallest_sizes(x: Shape, window: _Window, padding: Sides) -> tuple[int, ...]:
    """The smallest sizes that pooling with a dense window turns into those of ``x``."""
    rows = zip(x.spatial, window.kernel_size, window.stride, padding, strict=True)
    return tuple(stamp_size(n, k, s, before, after, 0) for n, k, s, (before, after) in rows)


def _difference_problems(
    field: str, given: Sequence[object] | None, theirs: Sequence[object], name: str
) -> Iterator[Problem]:
    """Yields a problem if a field is given and differs from that of the pooling."""
    if given is not None and any(a != b for a, b in zip(given, theirs, strict=True)):
        message = f"{field} is {_text(given)}, but {_text(theirs)} in '{name}'"
        yield Problem("stated-differently", field, message, f"leave {field} out")


def _text(values: Sequence[object]) -> str:
    """The text of a per-axis value; a single number if all axes are equal."""
    values = [v[0] if isinstance(v, tuple) and v[0] == v[1] else v for v in values]
    if len(set(values)) == 1:
        return str(values[0])
    return "×".join("+".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in values)
