"""One change in a PyTorch module, exported twice: that it is named, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch
from edited import KINDS, Edit, edited, onnx, perturbed, pt2
from test_torch_networks import MODELS

import convcalc
from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.analysis.agreement.differing import Difference
from convcalc.importing.opening import read_target
from convcalc.importing.pairing import at_size_of
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

assert MODELS  # torchvision is imported in a way that works with any PyTorch
from torchvision import models  # noqa: E402

BUILT: dict[str, Callable[[], torch.nn.Module]] = {
    "resnet18": lambda: models.resnet18(weights=None),
    "mobilenet_v2": lambda: models.mobilenet_v2(weights=None),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(weights=None),
    "shufflenet_v2_x0_5": lambda: models.shufflenet_v2_x0_5(weights=None),
    "regnet_y_400mf": lambda: models.regnet_y_400mf(weights=None),
    "efficientnet_b0": lambda: models.efficientnet_b0(weights=None),
    "mnasnet0_5": lambda: models.mnasnet0_5(weights=None),
}
FORMATS = {"onnx": onnx, "pt2": pt2}
SIZE = (1, 3, 64, 64)


def model_of(module: torch.nn.Module, form: str) -> Network:
    """The network of a module by way of a file."""
    content = FORMATS[form](module, torch.rand(SIZE))
    return read_target(Target(f"model.{form}", None, content, format=form))


def held(name: str, model: Network) -> Agreement:
    """A shipped network against it, at its size."""
    ours = convcalc.load(name)
    sizes = at_size_of(ours, model)
    return agreement(convcalc.load(name, inputs=sizes) if sizes else ours, model)


def differences(found: Agreement) -> list[Difference]:
    return [each for finding in found.findings for each in finding.differences]


def names_only(found: list[Difference], edit: Edit, form: str) -> bool:
    """Whether a change is told, and nothing else; at each call of a module that is called twice."""
    if not found or any(each.changes != found[0].changes for each in found):
        return False
    each = found[0]
    if len(found) > 1 and edit.kind not in ("activation", "dropped"):
        return False
    keys = [change.key for change in each.changes]
    if edit.kind == "dropped":
        return each.kind == "missing" and len(each.old) == 1
    wanted = {"width": ["out_channels"], "stride": ["stride"]}.get(edit.kind, ["operator"])
    where = each.new[0].path if each.new else ""
    is_there = where.startswith(edit.path) or form == "onnx"  # which names folded norms otherwise
    return each.kind == "changed" and keys[:1] == wanted[:1] and is_there


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["resnet18"])
def test_an_unchanged_module_agrees(name: str, form: str) -> None:
    found = held(name, model_of(perturbed(BUILT[name]()), form))
    assert found.agrees
    assert found.folded == (form == "onnx")


def missed(count: int, first: int) -> tuple[int, list[str]]:
    """How many changes were made, and those that were not told alone."""
    wrong, made, seed = [], 0, first
    while made < count:
        seed += 1
        kind = KINDS[seed % len(KINDS)]
        name = list(BUILT)[seed * 3 % len(BUILT)]
        form = "onnx" if seed // 5 % 2 else "pt2"
        found = edited(BUILT[name], torch.rand(SIZE), kind, seed)
        if found is None:
            continue
        made += 1
        edit, module = found
        told = differences(held(name, model_of(module, form)))
        if not names_only(told, edit, form):
            shown = [
                (each.kind, [unit.path for unit in each.units][:3], each.changes)
                for each in told[:3]
            ]
            wrong.append(f"{seed} {name}.{form} {edit.kind} {edit.path}: {shown}")
    return made, wrong


def test_a_few_changes_in_modules() -> None:
    """A norm in a file that has folded the others, a stride, a layer that is dropped."""
    _, wrong = missed(3, 8)
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not os.environ.get("CONVCALC_ALL"), reason="takes minutes: CONVCALC_ALL=1")
@pytest.mark.parametrize("first", [100, 200, 300])
def test_more_changes_in_modules(first: int) -> None:
    _, wrong = missed(30, first)
    assert len(wrong) <= 3, "\n".join(wrong)
