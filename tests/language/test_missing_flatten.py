"""A linear layer at many positions: a warning where the network ends with it, none within."""

from __future__ import annotations

import pytest

from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.builder import Builder

HEAD = "convcalc: 1\nname: net\ninput: [8, 4, 4]\n"


def warned(body: str) -> list[tuple[str, int]]:
    """Name and line, within the layers, of each problem."""
    network = read_network(Target("net.yaml", None, HEAD + body))
    return [(each.name, each.place.line - 4) for each in network.problems]


LINEAR = "- linear: {out: 8}\n"
FORGOTTEN = "flatten-missing"


@pytest.mark.parametrize(
    ("layers", "line"),
    [
        (f"- conv: {{out: 8, k: 3}}\n{LINEAR}", 2),
        (f"{LINEAR}- softmax\n", 1),
        (f"{LINEAR}- relu\n- dropout\n{LINEAR}", 1),  # the flatten belongs before the first
        (f"- relu\n{LINEAR}- layer_norm\n- gelu\n{LINEAR}- softmax\n", 2),
    ],
)
def test_the_first_of_the_linear_layers_at_the_end_is_named(layers: str, line: int) -> None:
    assert warned(f"layers:\n{layers}") == [(FORGOTTEN, line)]


@pytest.mark.parametrize(
    "layers",
    [
        f"- flatten\n{LINEAR}",
        f"- global_avg_pool\n{LINEAR}{LINEAR}",
        "- pointwise_conv: {out: 8}\n",
        f"{LINEAR}- flatten\n{LINEAR}",
        f"{LINEAR}- global_avg_pool\n",
        f"{LINEAR}- conv: {{out: 8, k: 3}}\n",
        f"- residual: [layer_norm, attention: {{heads: 2}}]\n"
        f"- residual:\n  - layer_norm\n  {LINEAR}  - gelu\n  {LINEAR}",  # a transformer's block
    ],
)
def test_a_linear_layer_within_the_network_may_act_at_every_position(layers: str) -> None:
    assert warned(f"layers:\n{layers}") == []


def test_every_output_is_looked_at_and_each_layer_named_once() -> None:
    body = """\
layers:
- {linear: {out: 8}, id: a}
- {relu: {}, id: b}
- {linear: {out: 8}, from: input, id: c}
- {conv: {out: 8, k: 3}, id: d}
"""
    assert warned(f"outputs: [a, b, c, d]\n{body}") == [(FORGOTTEN, 2), (FORGOTTEN, 4)]
    assert warned(f"outputs: [d, b]\n{body}") == [(FORGOTTEN, 2)]


def test_unknown_sizes_and_the_builder() -> None:
    text = HEAD.replace("[8, 4, 4]", "[8, null, null]") + f"layers:\n{LINEAR}"
    assert read_network(Target("net.yaml", None, text)).problems == ()
    builder = Builder("net")
    x = builder.add("linear", builder.input("x", [8, 4, 4]), out_channels=8)
    builder.add("conv", x, out_channels=8, kernel_size=3)
    assert [each.name for each in builder.network([x]).problems] == [FORGOTTEN]
    assert builder.network().problems == ()
