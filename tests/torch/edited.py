"""PyTorch's modules with one change, and the files that they are exported to."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import nn
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

# The package onnx is asked for only to add functions of onnxscript, of which there are none here.
onnx_proto_utils._add_onnxscript_fn = lambda content, _: content

ACTIVATIONS = (nn.ReLU, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.Tanh)
KINDS = ("width", "stride", "dropped", "activation", "norm")


class Edit(NamedTuple):
    """A change: its kind, the path of the module, and what makes it."""

    kind: str
    path: str
    make: Callable[[nn.Module], None]


def perturbed(model: nn.Module) -> nn.Module:
    """The model with numbers as after training, so that exporters find no two tensors equal."""
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) * 0.1)
    return model.eval()


def pt2(model: nn.Module, x: torch.Tensor) -> bytes:
    """What torch.export saves."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(model, (x,)), file)
    return file.getvalue()


def onnx(model: nn.Module, x: torch.Tensor) -> bytes:
    """What the exporter on TorchScript writes, which folds norms."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), file, dynamo=False)
    return file.getvalue()


def edits(model: nn.Module, kind: str) -> Iterator[Edit]:
    """All changes of a kind that may be possible in a model."""
    modules = dict(model.named_modules())
    names = list(modules)
    for at, (path, module) in enumerate(modules.items()):
        if kind == "stride" and isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1):
            yield Edit(kind, path, lambda each, path=path: strided(each.get_submodule(path)))
        elif kind == "activation" and isinstance(module, ACTIVATIONS):
            for other in ACTIVATIONS:
                if not isinstance(module, other):
                    yield Edit(kind, path, exchange(path, other))
        elif kind == "norm" and isinstance(module, nn.BatchNorm2d):
            groups = next(n for n in (16, 8, 4, 3, 2, 1) if module.num_features % n == 0)
            channels = module.num_features
            yield Edit(kind, path, exchange(path, lambda g=groups, c=channels: nn.GroupNorm(g, c)))
        elif kind == "dropped" and isinstance(module, (*ACTIVATIONS, nn.BatchNorm2d)):
            yield Edit(kind, path, exchange(path, nn.Identity))
        elif kind == "width" and isinstance(module, nn.Conv2d) and module.groups == 1:
            after = [modules[name] for name in names[at + 1 : at + 6]]
            norm = next((each for each in after if isinstance(each, nn.BatchNorm2d)), None)
            read = next((each for each in after if isinstance(each, nn.Conv2d)), None)
            if norm is not None and read is not None and read.groups == 1:
                ends = names[at + 1 + after.index(norm)], names[at + 1 + after.index(read)]
                yield Edit(kind, path, widen(path, *ends))


def exchange(path: str, made: Callable[[], nn.Module]) -> Callable[[nn.Module], None]:
    """Puts a new module at a path."""

    def make(model: nn.Module) -> None:
        above, _, name = path.rpartition(".")
        setattr(model.get_submodule(above), name, perturbed(made()))

    return make


def strided(conv: nn.Module) -> None:
    """The other stride."""
    assert isinstance(conv, nn.Conv2d)
    conv.stride = (1, 1) if conv.stride == (2, 2) else (2, 2)


def widen(path: str, norm: str, reader: str) -> Callable[[nn.Module], None]:
    """Makes a convolution wider, and what follows it."""

    def make(model: nn.Module) -> None:
        one, two = model.get_submodule(path), model.get_submodule(reader)
        assert isinstance(one, nn.Conv2d)
        assert isinstance(two, nn.Conv2d)
        width = one.out_channels + 8
        new = nn.Conv2d(
            one.in_channels,
            width,
            one.kernel_size,  # type: ignore[arg-type]
            one.stride,  # type: ignore[arg-type]
            one.padding,  # type: ignore[arg-type]
            bias=one.bias is not None,
        )
        then = nn.Conv2d(
            width,
            two.out_channels,
            two.kernel_size,  # type: ignore[arg-type]
            two.stride,  # type: ignore[arg-type]
            two.padding,  # type: ignore[arg-type]
            bias=two.bias is not None,
        )
        for where, module in ((path, new), (norm, nn.BatchNorm2d(width)), (reader, then)):
            above, _, name = where.rpartition(".")
            setattr(model.get_submodule(above), name, perturbed(module))

    return make


def edited(
    build: Callable[[], nn.Module], x: torch.Tensor, kind: str, seed: int
) -> tuple[Edit, nn.Module] | None:
    """A change of a kind that runs, chosen by a number; None if there is none."""
    possible = list(edits(build(), kind))
    random.Random(f"{kind} {seed}").shuffle(possible)
    for edit in possible[:10]:
        model = perturbed(build())
        edit.make(model)
        try:
            with torch.no_grad():
                model(x)
        except (RuntimeError, ValueError):
            continue
        return edit, model
    return None
