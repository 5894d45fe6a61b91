"""Operators that are built from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.operators.calls import Rule, X, bracket
from convcalc.exporting.keras.site import Site


def squeeze_excite(site: Site) -> Sequence[str]:
    """A gate per channel."""
    if site.is_always("squeeze_channels", None):
        squeezed = f"{site.x}.shape[-1] // {bracket(site.text('reduction'))}"
    else:
        squeezed = site.text("squeeze_channels")
    arguments = [X, squeezed]
    if not site.is_always("activation", "relu"):
        arguments.append(f"activation={site.text('activation')}")
    if not site.is_always("gate", "sigmoid"):
        words = {"sigmoid": "sigmoid", "hardsigmoid": "hard_sigmoid"}
        arguments.append(f'gate="{words[site.one("gate")]}"')
    arguments += site.keywords(bias="use_bias")
    return [f"{site.use('squeeze_excite')}({', '.join(arguments)})"]


def _call_helper(name: str, *fields: str, only: Mapping[str, Any] | None = None) -> Rule:
    """A helper of the same name, with some fields; ``only`` are those with one value allowed."""

    def rule(site: Site) -> Sequence[str]:
        if site.rank != 2:
            raise site.refused("has a counterpart only on two axes")
        for field, value in (only or {}).items():
            if not site.is_always(field, value):
                raise site.refused(f"with another {field} has no counterpart in Keras")
        arguments = [X, *(site.text(field) for field in fields)]
        return [f"{site.use(name)}({', '.join(arguments)})"]

    return rule


def attention(site: Site) -> Sequence[str]:
    """Keras' attention of one tensor: the same maps, one for each of queries, keys and values."""
    layers_ = site.layers
    for layer in layers_:
        o: Any = layer.operator
        c = layer.shapes[0].channels
        sizes = {o.key_channels or c, o.value_channels or c, o.out_channels or c}
        if sizes != {c}:
            raise site.refused("of other channels than its input's works differently in Keras")
    heads = site.text("heads")
    width = f"{site.x}.shape[-1] // {bracket(heads)}"
    arguments = [heads, width, *site.keywords(bias="use_bias")]
    if site.rank > 1:
        arguments.append(f"attention_axes={literal(tuple(range(1, site.rank + 1)))}")
    return [f"layers.MultiHeadAttention({', '.join(arguments)})({X}, {X})"]


def dot_product_attention(site: Site) -> Sequence[str]:
    """Attention of given tensors."""
    plain = {"causal": False, "window": None, "partition": "none", "position_bias": None}
    for field, value in plain.items():
        if not site.is_always(field, value):
            raise site.refused(f"with {field} has no counterpart in Keras")
    arguments = [*site.inputs, site.text("heads")]
    if not site.is_always("kv_heads", None):
        arguments.append(f"kv_heads={site.text('kv_heads')}")
    return [f"{site.use('dot_product_attention')}({', '.join(arguments)})"]


RULES: Mapping[str, Rule] = {
    "squeeze_excite": squeeze_excite,
    "partial_conv": _call_helper("partial_conv", "kernel_size", "n_div"),
    "large_kernel_attention": _call_helper("large_kernel_attention", "kernel_size", "dilation"),
    "mix_conv": _call_helper(
        "mix_conv",
        "kernel_size",
        "stride",
        "bias",
        only={"depthwise": True, "out_channels": None, "padding": "half", "dilation": (1, 1)},
    ),
    "ghost_conv": _call_helper(
        "ghost_conv", "out_channels", "kernel_size", "dw_size", "ratio", "stride", "relu"
    ),
    "attention": attention,
    "dot_product_attention": dot_product_attention,
}
