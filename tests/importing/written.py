"""Programs of torch.export written by hand: nodes, and the sizes of their tensors."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Graph
from convcalc.importing.formats.pt2.reader import open_model
from convcalc.importing.mapper import map_graph
from convcalc.model.graph.network import Network

VERSION = {"major": 8, "minor": 20}
Sizes = Sequence[int | None]


class T(str):
    """The name of a tensor."""

    __slots__ = ()


def argument(value: Any) -> dict[str, Any]:
    """A value as the file writes it."""
    if value is None:
        return {"as_none": True}
    if isinstance(value, T):
        return {"as_tensor": {"name": value}}
    if isinstance(value, list) and any(isinstance(each, T) for each in value):
        if None in value:
            return {"as_optional_tensors": [argument(each) for each in value]}
        return {"as_tensors": [{"name": each} for each in value]}
    kind = type(value[0] if isinstance(value, list) and value else value)
    name = {bool: "bool", int: "int", float: "float", str: "string", list: "int"}[kind]
    return {f"as_{name}s" if isinstance(value, list) else f"as_{name}": value}


def node(
    op: str, outputs: str | list[str], modules: str = "", trace: str = "", **inputs: Any
) -> dict[str, Any]:
    """A node of an ATen operator; ``modules`` is ``path=class;…``, from the outermost."""
    stack = ";".join(f"k{each},{each.replace('=', ',')}" for each in modules.split(";") if each)
    made = T(outputs) if isinstance(outputs, str) else [T(each) for each in outputs]
    return {
        "target": f"torch.ops.aten.{op}" if "." in op else f"torch.ops.aten.{op}.default",
        "inputs": [{"name": key, "arg": argument(value)} for key, value in inputs.items()],
        "outputs": [argument(made)],
        "metadata": {"nn_module_stack": stack, "stack_trace": trace},
    }


def program(
    nodes: list[dict[str, Any]],
    sizes: Mapping[str, Sizes],
    output: str,
    *,
    version: Any = VERSION,
    stored: Mapping[str, str] | None = None,
) -> bytes:
    """A program: ``x`` is given, ``p_…`` are parameters, ``b_…`` buffers, the rest is computed.

    ``stored`` are the names of parameters that are called otherwise than their tensor.
    """
    specs: list[dict[str, Any]] = []
    for name in sizes:
        held = {"arg": {"name": name}}
        if name.startswith("p_"):
            called = (stored or {}).get(name, name.removeprefix("p_"))
            specs.append({"parameter": {**held, "parameter_name": called}})
        elif name.startswith("b_"):
            specs.append({"buffer": {**held, "buffer_name": name.removeprefix("b_")}})
        elif name == "x":
            specs.append({"user_input": {"arg": {"as_tensor": {"name": "x"}}}})
    values = {
        name: {
            "dtype": 7,
            "sizes": [{"as_int": n} if n is not None else {"as_expr": {}} for n in each],
        }
        for name, each in sizes.items()
    }
    returned = [{"user_output": {"arg": {"as_tensor": {"name": output}}}}]
    graph = {"nodes": nodes, "tensor_values": values, "inputs": [], "outputs": []}
    module = {"graph": graph, "signature": {"input_specs": specs, "output_specs": returned}}
    found = {"graph_module": module, "schema_version": version, "torch_version": "2.13.0"}
    return json.dumps(found).encode()


def archive(entries: Mapping[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", packed) as file:
        for name, content in entries.items():
            file.writestr(zipfile.ZipInfo(name), content, packed)
    return found.getvalue()


def graph(
    nodes: list[dict[str, Any]], sizes: Mapping[str, Sizes], output: str, **more: Any
) -> Graph:
    """The foreign graph of a program."""
    return open_model(program(nodes, sizes, output, **more), "m.pt2").only


def network(
    nodes: list[dict[str, Any]], sizes: Mapping[str, Sizes], output: str, **more: Any
) -> Network:
    """The network of a program."""
    return map_graph(graph(nodes, sizes, output, **more), "m.pt2", {}, 1)
