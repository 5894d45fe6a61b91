"""Trees of shipped files that the wheel holds: what a reader makes of the text, and of no other."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from convcalc.diagnostics.work import current
from convcalc.language.parse import files
from convcalc.language.reading import NetworkSource, read_network
from convcalc.language.sources.shipped import shipped_folder, shipped_names
from convcalc.language.sources.target import Target
from convcalc.language.syntax import reader, ready
from convcalc.language.syntax.nodes import Mapping, Node, Scalar, Sequence

FILES = sorted(shipped_folder().rglob(f"*{ready.ENDING}"))


def content(node: Node) -> Any:
    """All that a node says."""
    if isinstance(node, Scalar):
        return ("scalar", node.text, repr(node.value), node.plain, node.place, node.whole)
    if isinstance(node, Sequence):
        return ("sequence", node.place, node.whole, [content(each) for each in node.items])
    assert list(node.keys) == [key.text for key, _ in node.entries]
    entries = [(content(key), content(value)) for key, value in node.entries]
    assert all(node.get(key.text) is value for key, value in node.entries)
    return ("mapping", node.place, node.whole, entries)


def module_of(text: str) -> ModuleType:
    found = ModuleType("trees")
    exec(compile(text, "trees", "exec"), vars(found))
    return found


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of the wheel's modules; no module is there unless a test puts it."""
    for name in (ready.PACKAGE, f"{ready.PACKAGE}.blocks"):
        package = ModuleType(name)
        package.__path__ = []
        monkeypatch.setitem(sys.modules, name, package)


def put(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Makes the module of a shipped file as the wheel has it."""
    name = path.relative_to(shipped_folder()).as_posix()
    root, problems = reader.read(path.read_bytes(), name)
    assert root is not None
    assert not problems
    module = module_of(ready.module_text(path.read_bytes(), root))
    monkeypatch.setitem(sys.modules, ready.module_name(name), module)


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_a_tree_is_what_the_reader_makes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, path)
    name, bytes_ = path.relative_to(shipped_folder()).as_posix(), path.read_bytes()
    with current() as work:
        before = work.left
        root, _ = reader.read(bytes_, str(path))
        middle = work.left
        found = ready.find_tree(name, str(path), bytes_)
        assert root is not None
        assert found is not None
        assert content(found) == content(root)
        # Characters and bytes differ by little; a unit is 64 of them.
        assert abs((before - middle) - (middle - work.left)) <= 1 + len(bytes_) // 640
    assert isinstance(found, Mapping)


def test_another_text_has_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shipped_folder() / "resnet.convcalc.yaml"
    put(monkeypatch, path)
    bytes_ = path.read_bytes()
    assert ready.find_tree(path.name, "f", bytes_) is not None
    assert ready.find_tree(path.name, "f", bytes_.replace(b"64", b"63", 1)) is None
    assert ready.find_tree(path.name, "f", bytes_ + b"\n") is None
    assert ready.find_tree("vgg.convcalc.yaml", "f", bytes_) is None


def test_a_shipped_network_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    target = shipped_names()["unet_original"]
    expected = read_network(target)
    for path in FILES:
        put(monkeypatch, path)

    def fail(*_: object) -> None:
        raise AssertionError("it is read again")

    monkeypatch.setattr(reader, "read", fail)
    found = NetworkSource(target).network(target.variant)
    for layer, other in zip(found.layers, expected.layers, strict=True):
        assert layer._replace(analysis=other.analysis) == other
    assert found.problems == expected.problems
    assert found.sources == expected.sources
    assert found.expect == expected.expect


def test_a_file_of_the_user_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even one with the name and the content of a shipped file."""
    path = shipped_folder() / "resnet.convcalc.yaml"
    put(monkeypatch, path)
    own = tmp_path / path.name
    own.write_bytes(path.read_bytes())
    asked: list[str] = []
    monkeypatch.setattr(files, "find_tree", lambda path, *_: asked.append(path))
    assert not read_network(Target(str(own))).problems
    assert path.name not in asked
