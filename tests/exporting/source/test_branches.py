"""Idioms of branches: what a person writes of layers that part and join again."""

from __future__ import annotations

from textwrap import dedent, indent

from exporting.imported import again, source

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
