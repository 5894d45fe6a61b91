# ruff: noqa: E501  # a network on one line is easier to read than one in pieces
"""Blocks of other files."""

from __future__ import annotations

from pathlib import Path

import pytest
from texts import HEAD, c

from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"convcalc: 1\n{text}", "utf-8")


def imported(folder: Path, body: str, name: str = "net.yaml") -> Network:
    return read_network(Target(str(folder / name), None, HEAD + body))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "convcalc.toml").touch()
    return tmp_path / "project"


def test_an_imported_block_sees_the_defaults_of_its_own_file(project: Path) -> None:
    written(
        project,
        {
            "lib/b.yaml": f"params: {{w: 6}}\nvariants: {{v: {{w: 9}}}}\nblocks:\n  A: {{params: {{c: 1}}, layers: [{c('w*c')}]}}\n"
        },
    )
    body = "params: {w: 100}\nimports: {lib: lib/b.yaml}\nlayers: [lib.A, {lib.A: {c: 2}, id: z}, lib.A]\n"
    network = imported(project, body)
    assert [str(p.message) for p in network.problems] == []
    assert [(x.path, x.analysis.output.channels) for x in network.layers] == [
        ("A[0].conv", 6),
        ("z.conv", 12),
        ("A[1].conv", 6),
    ]


def test_imports_are_relative_to_the_file_that_imports(project: Path) -> None:
    written(
        project,
        {
            "lib/one.yaml": "imports: {two: deep/two.yaml}\nblocks:\n  A: [two.B]\n",
            "lib/deep/two.yaml": f"imports: {{top: ../../top.yaml}}\nblocks:\n  B: [top.C, {c(5)}]\n",
            "top.yaml": f"blocks:\n  C: [{c(4)}]\n",
        },
    )
    network = imported(project, "imports: {one: lib/one.yaml}\nlayers: [one.A]\n")
    assert not network.problems
    assert [layer.path for layer in network.layers] == ["A.B.C.conv", "A.B.conv"]


def test_imports_are_found_among_the_shipped_blocks(project: Path) -> None:
    network = imported(
        project, "imports: {b: blocks/conv_bn.convcalc.yaml}\nlayers: [b.ConvBn: {out: 8}]\n"
    )
    assert not network.problems
    written(
        project,
        {
            "blocks/conv_bn.convcalc.yaml": f"blocks:\n  ConvBn: {{params: {{out: int}}, layers: [{c('out')}]}}\n"
        },
    )
    near = imported(
        project, "imports: {b: blocks/conv_bn.convcalc.yaml}\nlayers: [b.ConvBn: {out: 8}]\n"
    )
    assert [layer.path for layer in near.layers] == ["ConvBn.conv"]


def test_only_blocks_are_imported(project: Path) -> None:
    written(
        project,
        {"b.yaml": "params: {w: 6}\ninput: [3, 8, 8]\nlayers: [relu]\nblocks:\n  A: [relu]\n"},
    )
    network = imported(project, f"imports: {{b: b.yaml}}\nlayers: [{c('w')}]\n")
    assert [problem.name for problem in network.problems] == ["unknown-name"]


@pytest.mark.parametrize(
    "path",
    [
        "gone.yaml",
        "../outside.yaml",
        "/etc/hostname",
        "https://example.org/a.yaml",
        "lib",
        "",
        "link.yaml",
        ".",
    ],
)
def test_what_cannot_be_imported_is_one_problem(project: Path, path: str) -> None:
    (project.parent / "outside.yaml").write_text("convcalc: 1\nblocks:\n  A: [relu]\n")
    (project / "link.yaml").symlink_to(project.parent / "outside.yaml")
    (project / "lib").mkdir()
    network = imported(project, f"imports: {{b: '{path}'}}\nlayers: [tanh, b.A]\n")
    assert [problem.name for problem in network.problems] == ["unreadable-import"]
    assert (len(network.layers), network.skipped) == (1, 1)


def test_imports_in_a_ring_are_one_problem(project: Path) -> None:
    written(
        project,
        {
            "a.yaml": "imports: {b: b.yaml}\nblocks: {A: [b.B]}\n",
            "b.yaml": "imports: {a: a.yaml}\nblocks: {B: [a.A]}\n",
        },
    )
    for name in ("a.yaml", "net.yaml"):
        network = imported(project, f"imports: {{x: {name}}}\nlayers: [relu]\n")
        assert [problem.name for problem in network.problems] == ["import-cycle"]


def test_a_file_that_is_imported_twice_is_read_once(project: Path) -> None:
    written(
        project,
        {
            "a.yaml": "blocks:\n  A: [{conv: {out: 0, k: 1}}]\n  B: [nope]\n",
            "b.yaml": "imports: {a: a.yaml}\nblocks: {B: [a.A]}\n",
        },
    )
    network = imported(
        project,
        "imports: {a: a.yaml, b: b.yaml, c: ./a.yaml}\nlayers: [a.A, {b.B: {}, from: input}]\n",
    )
    assert [problem.name for problem in network.problems] == ["out-of-range", "unknown-operator"]
