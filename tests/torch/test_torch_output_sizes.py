"""Transposed convolutions to a size, and those of Keras and TensorFlow, against PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from against import Case, agreed, operator_of, per_rank
from torch import nn
from torch.nn import functional

from convcalc.model.geometry.axis_maps import Nothing
from convcalc.model.quantities.shape import Shape

STAMPS = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@pytest.mark.parametrize(("rank", "stamp"), per_rank(STAMPS))
@pytest.mark.parametrize("by_input", [False, True])
def test_a_size_is_taken_or_refused_as_by_pytorch(rank: int, stamp: Any, by_input: bool) -> None:
    class Sized(nn.Module):
        def __init__(self, window: dict[str, int], size: int) -> None:
            super().__init__()
            made = stamp(2, 3, **window)
            self.weight, self.bias, self.size = made.weight, made.bias, [size] * rank
            self.made = [made]

        def forward(self, x: torch.Tensor, other: torch.Tensor | None = None) -> torch.Tensor:
            size = self.size if other is None else other.shape[2:]
            (made,) = self.made
            found: torch.Tensor = made(x, output_size=size)
            return found

    def cases() -> Iterator[Case]:
        for n, k, s, p, d, more in product(
            (1, 2, 4), (1, 2, 3), (1, 2, 3), (0, 1), (1, 2), range(5)
        ):
            least = (n - 1) * s - 2 * p + d * (k - 1) + 1
            size = least + more - 1
            if size < 1:
                continue
            window = {"kernel_size": k, "stride": s, "padding": p, "dilation": d}
            x, fields = (2, 2, *[n] * rank), {"out": 3, **window}
            if by_input:
                sizes: tuple[tuple[int, ...], ...] = (x, (2, 1, *[size] * rank))
            else:
                sizes, fields = (x,), {**fields, "output_size": size}
            yield Case("conv_transpose", fields, sizes, lambda a=(window, size): Sized(*a))

    agreed(cases(), working=150, refused=150)


def tensorflows_pads(m: int, k: int, s: int, d: int) -> tuple[int, int]:
    """What TensorFlow's ``same`` adds to m positions before a convolution."""
    total = max((-(-m // s) - 1) * s + d * (k - 1) + 1 - m, 0)
    return total // 2, total - total // 2


def test_same_is_the_gradient_of_tensorflows_convolution() -> None:
    tried = 0
    for n, k, s, d in product(range(1, 6), range(1, 6), range(1, 5), (1, 2)):
        for m in range((n - 1) * s + 1, n * s + 1):
            before, after = tensorflows_pads(m, k, s, d)
            x = torch.zeros(1, 1, m, requires_grad=True)
            padded = functional.pad(x, (before, after))
            y = functional.conv1d(padded, torch.ones(1, 1, k), stride=s, dilation=d)
            # With k < s windows may not reach the end of what TensorFlow convolves either.
            assert y.shape[2] == n
            fields: dict[str, Any] = {"out": 1, "k": k, "s": s, "d": d, "p": "same"}
            if m != n * s:
                fields["output_size"] = m
            operator = operator_of("conv_transpose", 1, fields)
            shapes = [Shape(1, 1, (n,))]
            assert not [p for p in operator.check(shapes) if p.is_error]
            analysis = operator.analyse(shapes)
            assert analysis.output.spatial == (m,)
            reads: dict[int, set[int]] = {at: set() for at in range(m)}
            for i in range(n):
                gradient = torch.autograd.grad(y[0, 0, i], x, retain_graph=True)[0]
                for at in gradient[0, 0].nonzero().flatten().tolist():
                    reads[at].add(i)
            ((axis,),) = analysis.axes
            assert {at: {t for t in axis.taps(at) if 0 <= t < n} for at in range(m)} == reads
            tried += 1
    assert tried > 400


def test_valid_has_keras_sizes() -> None:
    """keras.src.backend.common.backend_utils: n·s + max(e - s, 0)."""
    for n, k, s, d in product(range(1, 5), range(1, 5), range(1, 5), (1, 2)):
        operator = operator_of(
            "conv_transpose", 1, {"out": 1, "k": k, "s": s, "d": d, "p": "valid"}
        )
        extent = d * (k - 1) + 1
        analysis = operator.analyse([Shape(1, 1, (n,))])
        assert analysis.output.spatial == (n * s + max(extent - s, 0),)
        if extent >= s:
            stamped = functional.conv_transpose1d(
                torch.zeros(1, 1, n), torch.zeros(1, 1, k), stride=s, dilation=d
            )
            assert tuple(stamped.shape[2:]) == analysis.output.spatial


def test_of_a_second_input_only_the_size_is_read() -> None:
    operator = operator_of("conv_transpose", 2, {"out": 3, "k": 3, "s": 2, "p": 1})
    analysis = operator.analyse([Shape(1, 2, (4, 4)), Shape(1, 7, (8, 7))])
    assert analysis.output == Shape(1, 3, (8, 7))
    assert all(isinstance(axis, Nothing) for axis in analysis.axes[1])
