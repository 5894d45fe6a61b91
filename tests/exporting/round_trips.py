"""A network that ships, written to a file of another tool and read again."""

from __future__ import annotations

import contextlib
import io
import sys
import types
from pathlib import Path
from typing import Any

import shipped

from convcalc.analysis.agreement.agreement import Agreement, agreement
from convcalc.errors import Error
from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.write import torch_code
from convcalc.importing.opening import read_target
from convcalc.language.sources.target import Target
from convcalc.model.ops.region._roi import RoiOperator


class Refused(Exception):
    """A network that is not written in a format, and why."""


def onnx_bytes(name: str) -> bytes:
    """A network as an ONNX file."""
    from convcalc.exporting.onnx.model import onnx_file
    from convcalc.exporting.onnx.nodes import Unwritable

    try:
        return onnx_file(shipped.network(name))
    except Unwritable as error:
        raise Refused(str(error)) from error


def module_of(name: str) -> Any:
    """The module of PyTorch that the exported code of a network makes, without memory for it."""
    import torch

    network = shipped.network(name)
    document = shipped.source(network.file).document
    assert document is not None
    try:
        text = torch_code(document, network.variant)
    except Error as error:
        raise Refused(error.message) from error
    made = types.ModuleType(f"code_of_{Path(network.file).name.partition('.')[0]}")
    sys.modules[made.__name__] = made
    exec(compile(text, network.file, "exec"), made.__dict__)
    with torch.device("meta"):
        module = getattr(made, snake_case(name))()
    return module.eval().requires_grad_(requires_grad=False)


def inputs_of(name: str) -> tuple[Any, ...]:
    """Tensors of the sizes of a network's inputs, and boxes for what reads regions."""
    import torch

    network = shipped.network(name)
    sizes = [tuple(shape.dims) for shape in network.inputs.values()]
    operators = [layer.operator for layer in network.layers]
    sizes += [(1, each.rois, 4) for each in operators if isinstance(each, RoiOperator)]
    return tuple(torch.zeros(size, device="meta") for size in sizes)


def pt2_bytes(name: str) -> bytes:
    """The exported code of a network, as torch.export stores it."""
    import torch

    module, content = module_of(name), io.BytesIO()
    with contextlib.redirect_stdout(io.StringIO()):
        program = torch.export.export(module, inputs_of(name))
        torch.export.save(program, content)
    return content.getvalue()


def verified(name: str, content: bytes, form: str) -> Agreement:
    """A network held against a file that was written of it."""
    ours = shipped.network(name)
    model = read_target(Target(f"{name}.{form}", None, content, format=form))
    return agreement(ours, model)


def differences_of(name: str, content: bytes, form: str) -> list[str]:
    """What ``verify`` tells of a network and a file that was written of it, in words."""
    found = verified(name, content, form)
    told = [
        f"{each.kind} {[unit.path for unit in each.units][:3]} {each.changes} {each.why}"
        for finding in found.findings
        for each in finding.differences
    ]
    told += [
        f"{each.name}: {each.message}" for each in found.new.problems if each.severity == "error"
    ]
    sums = [*found.unexplained, *(each for each in found.totals if each.key == "params")]
    return told + [
        f"{each.key}: {each.old} {each.new}" for each in sums if not each.is_same and not each.why
    ]
