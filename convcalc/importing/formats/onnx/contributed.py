"""Operators that are several of ONNX's own: fused and quantised ones.

Numbers of another width are the same layers, so quantisation leaves no trace: a QLinearConv is a
Conv of its tensor and its weight. Sources: ONNX operators QLinearConv, QLinearMatMul, ConvInteger,
MatMulInteger; the operators of ONNX Runtime in the domain ``com.microsoft``,
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convcalc.importing.foreign import Node

MICROSOFT = "com.microsoft"

# Operator: the one that it is without scales and zero points, and which inputs that has.
PLAIN = {
    "QLinearConv": ("Conv", (0, 3, 8)),
    "ConvInteger": ("Conv", (0, 1)),
    "QLinearMatMul": ("MatMul", (0, 3)),
    "MatMulInteger": ("MatMul", (0, 1)),
    f"{MICROSOFT}.QLinearAdd": ("Add", (0, 3)),
    f"{MICROSOFT}.QLinearMul": ("Mul", (0, 3)),
    f"{MICROSOFT}.QLinearSigmoid": ("Sigmoid", (0,)),
    f"{MICROSOFT}.QLinearLeakyRelu": ("LeakyRelu", (0,)),
    f"{MICROSOFT}.QLinearAveragePool": ("AveragePool", (0,)),
    f"{MICROSOFT}.QLinearSoftmax": ("Softmax", (0,)),
    f"{MICROSOFT}.QGemm": ("Gemm", (0, 3, 6)),
    f"{MICROSOFT}.QuantizeLinear": ("QuantizeLinear", (0, 1, 2)),
    f"{MICROSOFT}.DequantizeLinear": ("DequantizeLinear", (0, 1, 2)),
    f"{MICROSOFT}.MatMulIntegerToFloat": ("MatMul", (0, 1)),
    f"{MICROSOFT}.DynamicQuantizeMatMul": ("MatMul", (0, 1)),
    f"{MICROSOFT}.Gelu": ("Gelu", (0,)),
    f"{MICROSOFT}.LayerNormalization": ("LayerNormalization", (0, 1, 2)),
}
_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid", "Elu")


def expanded(node: Node) -> Iterator[Node]:
    """The nodes of ONNX's own, and of MORE_OPERATORS, that one node is."""
    if node.op in PLAIN:
        op, chosen = PLAIN[node.op]
        inputs = tuple(map(node.input, chosen))
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        yield node._replace(op=op, inputs=inputs)
    elif node.op in _SEVERAL and node.outputs:
        yield from _SEVERAL[node.op](node)
    else:
        yield node


def _step(node: Node, op: str, inputs: tuple[str, ...], part: str, **values: Any) -> Node:
    """One of the nodes, whose output has a name that no other has."""
    outputs = (f"{node.outputs[0]}/{part}",)
    return node._replace(op=op, inputs=inputs, outputs=outputs, values=values)


def _final(node: Node, op: str, inputs: tuple[str, ...], **values: Any) -> Node:
    """The last of the nodes."""
    return node._replace(op=op, inputs=inputs, outputs=node.outputs[:1], values=values)


def _fused(op: str) -> Callable[[Node], Iterator[Node]]:
    """A layer with an activation behind it, and perhaps a sum between them."""

    def rule(node: Node) -> Iterator[Node]:
        name = node.value("activation", "")
        summed = node.input(3) if op == "Conv" else ""
        plain = node._replace(op=op, inputs=node.inputs[:3])
        if not name and not summed:
            yield plain
            return
        yield plain._replace(outputs=(f"{node.outputs[0]}/plain",))
        last = f"{node.outputs[0]}/plain"
        if summed:
            adding = _step(node, "Add", (last, summed), "sum")
            yield adding if name else adding._replace(outputs=node.outputs[:1])
            last = adding.outputs[0]
        if name:
            known = name if name in _ACTIVATIONS else f"{MICROSOFT}.{node.op} with {name}"
            values = node.value("activation_params") or ()
            keys = {"LeakyRelu": ("alpha",), "Clip": ("min", "max")}.get(name, ())
            yield _final(node, known, (last,), **dict(zip(keys, values, strict=False)))

    return rule


def _fused_matmul(node: Node) -> Iterator[Node]:
    """FusedMatMul: the last two axes of either exchanged before; scaling costs nothing here."""
    if any(node.value(key) for key in ("transBatchA", "transBatchB")):
        yield node
        return
    inputs = []
    for key, name in zip(("transA", "transB"), node.inputs, strict=False):
        if node.value(key):
            turned = _step(node, "TransposeLast", (name,), key)
            yield turned
            inputs.append(turned.outputs[0])
        else:
            inputs.append(name)
    yield _final(node, "MatMul", tuple(inputs))


def _biased_gelu(node: Node) -> Iterator[Node]:
    """BiasGelu and FastGelu: a bias, if there is one, and gelu."""
    x = node.input(0)
    if node.input(1):
        added = _step(node, "Add", node.inputs[:2], "bias")
        yield added
        x = added.outputs[0]
    values = {"approximate": "tanh"} if node.op.endswith("FastGelu") else {}
    yield _final(node, "Gelu", (x,), **values)


def _skip_norm(op: str, weights: tuple[int, ...], bias: int) -> Callable[[Node], Iterator[Node]]:
    """SkipLayerNormalization: a sum, a bias if there is one, a norm; output 3 is the sum."""

    def rule(node: Node) -> Iterator[Node]:
        added = _step(node, "Add", node.inputs[:2], "sum")
        is_read = len(node.outputs) > 3 and node.outputs[3]
        if node.input(bias):
            yield added
            added = _step(node, "Add", (added.outputs[0], node.input(bias)), "bias")
        if is_read:
            added = added._replace(outputs=node.outputs[3:4])
        yield added
        given = tuple(name for name in map(node.input, weights) if name)
        yield _final(node, op, (added.outputs[0], *given), axis=-1)

    return rule


def _attention(node: Node) -> Iterator[Node]:
    """Attention: a product with one learned matrix for queries, keys and values, and attention."""
    sizes = node.value("qkv_hidden_sizes")
    heads = node.value("num_heads", 0)
    if node.input(4) or not heads:
        yield node
        return
    made = _step(node, "MatMul", node.inputs[:2], "qkv")
    yield made
    if node.input(2):
        made = _step(node, "Add", (made.outputs[0], node.input(2)), "bias")
        yield made
    names = tuple(f"{node.outputs[0]}/{part}" for part in "qkv")
    values: Mapping[str, Any] = {"axis": -1, **({"split": tuple(sizes)} if sizes else {})}
    yield node._replace(op="Split", inputs=made.outputs, outputs=names, values=values)
    causal = node.value("unidirectional", 0)
    yield _final(node, "Attention", names, q_num_heads=heads, kv_num_heads=heads, is_causal=causal)


def _multi_head_attention(node: Node) -> Iterator[Node]:
    """MultiHeadAttention: queries, keys and values that may have biases of one tensor."""
    heads = node.value("num_heads", 0)
    q, k, v = (node.input(index) for index in range(3))
    if not (q and k and v and heads) or node.input(6) or node.input(7):
        yield node
        return
    if node.input(3):
        parts = tuple(f"{node.outputs[0]}/bias_{part}" for part in "qkv")
        yield node._replace(op="Split", inputs=node.inputs[3:4], outputs=parts, values={"axis": 0})
        added = [
            _step(node, "Add", pair, part)
            for part, pair in zip("qkv", zip((q, k, v), parts, strict=True), strict=True)
        ]
        yield from added
        q, k, v = (each.outputs[0] for each in added)
    causal = node.value("unidirectional", 0)
    yield _final(
        node, "Attention", (q, k, v), q_num_heads=heads, kv_num_heads=heads, is_causal=causal
    )


def _quick_gelu(node: Node) -> Iterator[Node]:
    """x · sigmoid(α · x)."""
    scaled = _step(node, "MulByNumber", node.inputs[:1], "scaled", value=node.value("alpha", 1.702))
    gate = _step(node, "Sigmoid", scaled.outputs, "gate")
    yield scaled
    yield gate
    yield _final(node, "Mul", (node.input(0), gate.outputs[0]))


_SEVERAL: Mapping[str, Callable[[Node], Iterator[Node]]] = {
    f"{MICROSOFT}.FusedConv": _fused("Conv"),
    f"{MICROSOFT}.FusedGemm": _fused("Gemm"),
    f"{MICROSOFT}.FusedMatMul": _fused_matmul,
    f"{MICROSOFT}.BiasGelu": _biased_gelu,
    f"{MICROSOFT}.FastGelu": _biased_gelu,
    f"{MICROSOFT}.QuickGelu": _quick_gelu,
    f"{MICROSOFT}.SkipLayerNormalization": _skip_norm("LayerNormalization", (2, 3), 4),
    f"{MICROSOFT}.SkipSimplifiedLayerNormalization": _skip_norm("RMSNormalization", (2,), 3),
    f"{MICROSOFT}.Attention": _attention,
    f"{MICROSOFT}.MultiHeadAttention": _multi_head_attention,
}
