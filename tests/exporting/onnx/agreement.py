"""What a written file and its network differ in: by the onnx package, and read back."""

from __future__ import annotations

from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.importing.formats.onnx.reader import read_onnx
from convcalc.importing.mapper import map_graph
from convcalc.model.graph.network import Network
from convcalc.model.quantities.unknown import known

COUNTS = ("params", "buffers", "macs")


def checked(content: bytes) -> Any:
    """The message of a file that the checker, types and sizes included, accepts."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    return model


def stated(model: Any) -> dict[str, list[int]]:
    """The sizes that a file states of tensors that nodes make; 0 for one that is left open."""
    infos = (*model.graph.value_info, *model.graph.output, *model.graph.input)
    return {info.name: [d.dim_value for d in info.type.tensor_type.shape.dim] for info in infos}


def read_back(content: bytes, batch: int = 1) -> Network:
    """The network that a file is to convcalc."""
    return map_graph(read_onnx(content, "written.onnx"), "written.onnx", {}, batch)


def differences(network: Network, content: bytes) -> dict[str, Any]:
    """Problems, counts and sizes of outputs that are not those of the network."""
    batch = next(iter(network.inputs.values())).batch if network.inputs else 1
    back = read_back(content, batch)
    ours, theirs = (analyse(each).totals for each in (network, back))
    found: dict[str, Any] = {
        name: (getattr(ours, name), getattr(theirs, name))
        for name in COUNTS
        if not _same(getattr(ours, name), getattr(theirs, name))
    }
    shapes = [
        {name: str(each.shape(n)) for name, n in each.outputs.items()} for each in (network, back)
    ]
    if shapes[0] != shapes[1]:
        found["outputs"] = tuple(shapes)
    if back.problems:
        found["problems"] = [problem.message for problem in back.problems]
    return found


def fields_differ(network: Network, content: bytes) -> dict[str, Any]:
    """Receptive fields of outputs that are known in both, and differ."""
    back = read_back(content)
    found = {}
    for name, number in network.outputs.items():
        pair = [
            analyse(each).layers[each.index(n)].receptive_field
            for each, n in ((network, number), (back, back.outputs[name]))
        ]
        if all(field is not None and known(field.size) for field in pair) and pair[0] != pair[1]:
            found[name] = tuple(str(field) for field in pair)
    return found


def _same(one: int, other: int) -> bool:
    return one == other or not (known((one,)) or known((other,)))
