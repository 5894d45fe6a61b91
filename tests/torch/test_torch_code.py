"""Exported code runs: shapes, tensors and FLOPs are those of the network file.

A sample of the networks that ship runs here, chosen by their names; all of them with
``CONVCALC_ALL=1``, which takes some minutes and prints what runs and what is refused.
"""

from __future__ import annotations

import os
import sys
import types
import zlib
from collections import Counter
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import pytest
import shipped
import torch
from test_torch_networks import MODELS
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis.analyse import analyse
from convcalc.errors import Error
from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.reserved import METHODS
from convcalc.exporting.torch.write import torch_code
from convcalc.importing.addressing import target_at
from convcalc.importing.opening import read_target
from convcalc.model.ops.region._roi import RoiOperator

assert MODELS  # torchvision is imported in a way that works with any PyTorch

EVERY = bool(os.environ.get("CONVCALC_ALL"))
# Factors of samples are work in a network file, and no product of PyTorch's.
UNREAD = ("centernet.convcalc.yaml", "resnet_dcn.convcalc.yaml")
UNSEEN = ("modulation",)  # products of elements, which PyTorch's counter does not see


def sample(one_of: int) -> list[str]:
    """One of so many networks, by what its name hashes to."""
    return [name for name in shipped.NAMES if EVERY or not zlib.crc32(name.encode()) % one_of]


@cache
def code(file: str, variant: str | None = None) -> types.ModuleType | Error:
    """The module of a file that ships, or why it is refused."""
    document = shipped.source(file).document
    assert document is not None
    try:
        text = torch_code(document, variant)
    except Error as error:
        return error
    module = types.ModuleType(f"code_of_{Path(file).name.partition('.')[0]}")
    sys.modules[module.__name__] = module
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def code_of(name: str) -> types.ModuleType | Error:
    """The module with a network: that of all variants, or one of its own."""
    network = shipped.network(name)
    found = code(network.file)
    if not hasattr(found, snake_case(name)):
        found = code(network.file, network.variant)
    return found


def built(name: str) -> nn.Module:
    """A network on the meta device; skipped if it is refused."""
    module = code_of(name)
    if isinstance(module, Error):
        pytest.skip(module.message)
    with torch.device("meta"):
        made: nn.Module = getattr(module, snake_case(name))()
    return made.eval().requires_grad_(requires_grad=False)


def inputs_of(name: str) -> list[torch.Tensor]:
    """Tensors of the sizes of a network's inputs, and boxes for what reads regions."""
    network = shipped.network(name)
    sizes = [tuple(shape.dims) for shape in network.inputs.values()]
    operators = [layer.operator for layer in network.layers]
    sizes += [(1, each.rois, 4) for each in operators if isinstance(each, RoiOperator)]
    return [torch.zeros(size, device="meta") for size in sizes]


@pytest.mark.parametrize("name", sample(16))
def test_exported_code_has_the_numbers_of_its_file(name: str) -> None:
    network, model = shipped.network(name), built(name)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        outputs = model(*inputs_of(name))
    given = outputs if isinstance(outputs, tuple) else (outputs,)
    shapes = [network.shape(tensor).dims for tensor in network.outputs.values()]
    assert [tuple(each.shape) for each in given] == shapes
    own: Counter[int] = Counter()
    buffers: Counter[int] = Counter()
    unseen = 0
    for layer in network.layers:
        own.update(prod(s) for n, s in layer.analysis.weights.items() if layer.is_own(n))
        buffers.update(prod(s) for n, s in layer.analysis.buffers.items() if layer.is_own(n))
        unseen += sum(term.amount for term in layer.analysis.terms if term.name in UNSEEN)
    assert Counter(each.numel() for each in model.parameters()) == own
    stored = (b for n, b in model.named_buffers() if not n.endswith("num_batches_tracked"))
    assert Counter(each.numel() for each in stored) == buffers
    macs = shipped.report(name).totals.macs
    assert counter.get_total_flops() == 2 * (macs - unseen)


@pytest.mark.parametrize("name", sample(90) if not EVERY else sample(6))
def test_exported_code_survives_torch_export(name: str, tmp_path: Path) -> None:
    network, model = shipped.network(name), built(name)
    if len(inputs_of(name)) > len(network.inputs) or shipped.file_of(name) in UNREAD:
        pytest.skip("the reader of .pt2 files has no rule for what samples regions, or miscounts")
    path = tmp_path / "model.pt2"
    program = torch.export.export(model, tuple(inputs_of(name)))
    torch.export.save(program, path)
    found = read_target(target_at(str(path)))
    assert [p.message for p in found.problems if p.severity == "error"] == []
    ours, theirs = analyse(network).totals, analyse(found).totals
    assert (theirs.params, theirs.macs) == (ours.params, ours.macs)


def test_names_of_modules_are_reserved() -> None:
    found = {n for n in dir(nn.Sequential()) if not n.startswith("_")}
    assert found <= METHODS | {"extra_repr"}


@pytest.mark.skipif(not EVERY, reason="the table of a whole run")
def test_most_networks_are_exported(capsys: pytest.CaptureFixture[str]) -> None:
    refused: Counter[str] = Counter()
    for name in shipped.NAMES:
        found: Any = code_of(name)
        if isinstance(found, Error):
            refused[getattr(found, "what", found.message)] += 1
    with capsys.disabled():
        run = len(shipped.NAMES) - refused.total()
        sys.stdout.write(f"{run} run; refused: {dict(refused.most_common())}\n")
    assert refused.total() <= len(shipped.NAMES) // 10
