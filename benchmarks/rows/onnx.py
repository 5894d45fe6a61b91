"""An ONNX file of 100 MB, with weights: convcalc against onnx-tool on the same file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from measure.tables import Table

from rows.peers import Compared, compared
from rows.setting import Setting, tell

# ResNet-50 as exporters write it, batch norms folded, weights drawn at random.
WRITER = """
import sys
import numpy as np
import onnx
from onnx import helper, numpy_helper

nodes, weights = [], []
random = np.random.default_rng(0)

def node(kind, *inputs, **attributes):
    nodes.append(helper.make_node(kind, inputs, [f"t{len(nodes)}"], **attributes))
    return nodes[-1].output[0]

def weight(*shape):
    values = random.standard_normal(shape, np.float32)
    weights.append(numpy_helper.from_array(values, f"w{len(weights)}"))
    return weights[-1].name

def conv(x, ins, outs, k, s=1):
    pads, sizes = [k // 2] * 4, {"kernel_shape": [k, k], "strides": [s, s]}
    return node("Conv", x, weight(outs, ins, k, k), weight(outs), pads=pads, **sizes)

x = node("Relu", conv("image", 3, 64, 7, 2))
x = node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
ins = 64
for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
    for number in range(count):
        s, outs = stride if number == 0 else 1, 4 * width
        y = node("Relu", conv(x, ins, width, 1))
        y = node("Relu", conv(y, width, width, 3, s))
        y = conv(y, width, outs, 1)
        x = node("Relu", node("Add", y, conv(x, ins, outs, 1, s) if number == 0 else x))
        ins = outs
x = node("Flatten", node("GlobalAveragePool", x), axis=1)
x = node("Gemm", x, weight(1000, ins), weight(1000), transB=1)

def value(name, shape):
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

graph = helper.make_graph(
    nodes, "resnet50", [value("image", [1, 3, 224, 224])], [value(x, [1, 1000])], weights
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), sys.argv[1])
"""
READER = """
import onnx_tool
model = onnx_tool.Model({file!r}, {{"verbose": False}})
model.graph.shape_infer(None)
model.graph.profile()
print(int(model.graph.macs[0]))
"""


def onnx(setting: Setting) -> Table | None:
    """The table; none if there is no such file and no onnx package to write one."""
    path = Path(setting.onnx).absolute() if setting.onnx else _written(setting)
    if path is None:
        tell("note: the ONNX file is left out: no --onnx FILE, and no onnx package in --peers")
        return None
    ours = Compared("`convcalc get`", setting.convcalc("get", "totals.macs", str(path)))
    show = setting.convcalc("show", str(path))
    others = Compared("`convcalc show`", show), Compared("the same again", show, again=True)
    size = path.stat().st_size / 1e6
    title = f"An ONNX file of {size:.0f} MB, from the start of the process to its MACs"
    return compared(title, ours, {"onnx-tool": READER.format(file=str(path))}, setting, *others)


def _written(setting: Setting) -> Path | None:
    """A file that the first interpreter with onnx writes."""
    path = setting.folder / "resnet50.onnx"
    for python in setting.peers:
        command = [python, "-c", WRITER, str(path)]
        if not subprocess.run(command, capture_output=True, check=False).returncode:
            return path
    return None
