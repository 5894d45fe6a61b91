"""Idioms of branches: what a person writes of layers that part and join again."""

from __future__ import annotations

from textwrap import dedent, indent

from exporting.imported import again, source

from convcalc.exporting.source.slices import with_slices_where_read

HEAD = "convcalc: 1\nname: x\ninput: {sizes}\nlayers:\n"


def written(layers: str, sizes: str = "[8, 16, 16]") -> str:
    """The layers and blocks of the file that is written of layers."""
    network = again(HEAD.format(sizes=sizes) + indent(dedent(layers).strip("\n"), "  ") + "\n")
    found = source(network)
    assert not found.is_flat
    assert found.fallbacks == ()
    body = found.text[found.text.index("input:") :]
    return body[body.index("\n") + 1 :]


def test_branches_may_part_again_within_a_branch() -> None:
    text = written(
        """
        - {conv: {out: 8, k: 3, p: 1}, id: stem}
        - {conv: {out: 4, k: 1}, id: a}
        - {conv: {out: 4, k: 3, p: 1}, from: a}
        - {add: [prev, a]}
        - {conv: {out: 8, k: 1}, id: b}
        - {add: [b, stem]}
        """
    )
    assert text == dedent(
        """\
        layers:
          - conv: {out: 8, k: 3, p: 1}
          - residual:
              - conv: {out: 4, k: 1}
              - residual: [{conv: {out: 4, k: 3, p: 1}}]
              - conv: {out: 8, k: 1}
        """
    )


def test_stages_are_found_within_a_branch() -> None:
    text = written(
        """
        - residual:
            - relu
            - {conv: {out: 16, k: 3, p: 1, bias: false}}
            - relu
            - {conv: {out: 32, k: 3, p: 1, bias: false}}
            - relu
            - {conv: {out: 64, k: 3, s: 2, p: 1, bias: false}}
          shortcut: [{conv: {out: 64, k: 1, s: 2}}]
        """
    )
    assert text == dedent(
        """\
        layers:
          - residual:
              - seq: [relu, {conv: {out: in_channels*2, k: 3, s: s, p: 1, bias: false}}]
                for: {s: [1, 1, 2]}
            shortcut: [{conv: {out: 64, k: 1, s: 2}}]
        """
    )


def test_branches_that_are_made_of_the_same_walk_a_list_and_divide_the_channels() -> None:
    """A mixed convolution, as exporters write it: all parts first, then what becomes of them."""
    text = written(
        """
        - {conv: {out: 10, k: 1}, id: x}
        - {channel_slice: {stop: 4}, id: a}
        - {channel_slice: {start: 4, stop: 7}, from: x, id: b}
        - {channel_slice: {start: 7, stop: 10}, from: x, id: c}
        - {depthwise_conv: {k: 3, s: 2, p: 1}, from: a, id: d}
        - {depthwise_conv: {k: 5, s: 2, p: 2}, from: b, id: e}
        - {depthwise_conv: {k: 7, s: 2, p: 3}, from: c, id: f}
        - concat: [d, e, f]
        - relu
        """
    )
    assert text == dedent(
        """\
        layers:
          - conv: {out: 10, k: 1}
          - branches:
              for: {k: [3, 5, 7]}
              layers: [{depthwise_conv: {k: k, s: 2, p: k//2}}]
            join: concat
            split: [4, 3, 3]
          - relu
        """
    )


def test_channels_that_are_not_divided_in_order_are_slices() -> None:
    """The first part is read twice, so a split would be another network."""
    text = written(
        """
        - {conv: {out: 8, k: 1}, id: x}
        - {channel_slice: {stop: 4}, id: a}
        - {channel_slice: {stop: 4}, from: x, id: b}
        - {conv: {out: 8, k: 3, p: 1}, from: a, id: c}
        - {conv: {out: 8, k: 1}, from: b, id: d}
        - concat: [c, d]
        """
    )
    assert "split" not in text
    assert text.count("channel_slice") == 2


def test_a_block_has_a_list_of_any_length_for_its_branches() -> None:
    """Modules of one class with two, three and four kernels are one block."""
    unit = "  - Mix: {{kernels: {}}}\n"
    head = HEAD.replace(
        "layers:\n",
        "blocks:\n  Mix:\n    params: {{kernels: list}}\n    layers:\n"
        "      - {{branches: {{for: {{k: kernels}},"
        " layers: [{{depthwise_conv: {{k: k, p: k//2}}}}]}}, split: channels,"
        " join: concat}}\n      - relu\nlayers:\n",
    )
    calls = "".join(map(unit.format, ([3, 5], [3, 5, 7], [3, 5, 7, 9])))
    text = source(again(head.format(sizes="[12, 16, 16]") + calls)).text
    assert "for: {k: kernels}" in text
    assert text.count("depthwise_conv") == 1
    assert "[{Mix: {kernels: [3, 5]}}, {Mix: {kernels: [3, 5, 7]}}, Mix]" in text


def test_slices_of_what_is_returned_stay() -> None:
    """A slice that is an output of the network, or has no reader, is where it was."""
    network = again(
        HEAD.format(sizes="[8, 4, 4]")
        + "  - {channel_slice: {stop: 4}, id: a}\n"
        + "  - {channel_slice: {start: 4, stop: 8}, from: input, id: b}\n"
        + "  - {relu: {}, from: a, id: c}\n"
        + "  - {relu: {}, from: b, id: d}\n"
        + "outputs: [a, c, d]\n"
    )
    moved = with_slices_where_read(network)
    assert [layer.name for layer in network.layers] == ["channel_slice"] * 2 + ["relu"] * 2
    assert [layer.name for layer in moved.layers] == ["channel_slice", "relu"] * 2
    assert [layer.inputs for layer in moved.layers] == [(0,), (1,), (0,), (3,)]
    assert list(moved.outputs.values()) == [1, 2, 4]
    assert again(source(network).text).outputs
