"""Whatever a model calls its parts, the file says only what the layers do."""

from __future__ import annotations

import pytest
from exporting.imported import again, source
from hostile import TEXTS

import convcalc
from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.network import Group, Network

MORE = {
    "mapping": "a: {b: c}",
    "comment": "x # y",
    "anchor": "&a",
    "alias": "*a",
    "tag": "!!python/object:os.system",
    "directive": "%YAML 1.1",
    "document": "---\n...",
    "merge": "<<",
    "quote": "\"'\\",
    "braces": "}]{[,",
    "block": "|\n  x",
    "word": "true",
    "number": "0o17",
    "prev": "prev",
    "input": "input",
    "operator": "conv",
    "key": "layers",
    "expression": "__import__('os').system('x')",
    "digits": "１２",
    "surrogate": "\udcff",
}
ALL = {**TEXTS, **MORE}


def network(name: str) -> NetworkFile:
    """A network in which a text stands for every name: of file, network, modules, layers, notes.

    Its modules are called twice, read from afar and returned, so that all names are needed.
    """
    builder = convcalc.Builder(name)
    x = first = builder.input("image", [4, 16, 16])
    ends = []
    for index in range(3):
        path = f"{name}.{index}"
        group = [Group(path, name)]
        for part in ("a", "b"):
            x = builder.add(
                "conv", x, k=3, p=1, out=8, path=f"{path}.{name}{part}", composites=group, note=name
            )
            x = builder.add("relu", x, path=f"{path}.{part}", composites=group)
        ends.append(x)
    x = builder.add("concat", [ends[0], x, ends[1]], path=f"{name}[1]")
    builder.add("conv", first, k=1, out=2, path=f"{name}.last")
    found = builder.network([ends[1], x], file=name)
    values = {key: getattr(found, key) for key in Network.record_fields}
    return NetworkFile(**values, remark=name, origin=name)


@pytest.mark.parametrize("name", ALL)
def test_a_name_of_a_stranger_is_a_name_or_a_quoted_text(name: str) -> None:
    old = network(ALL[name])
    written = source(old)
    assert written.fallbacks == ()
    new = again(written.text)
    assert [layer.name for layer in new.layers] == [layer.name for layer in old.layers]
    assert [layer.inputs for layer in new.layers] == [layer.inputs for layer in old.layers]
    assert "conv" in written.text
    keys = {line.partition(":")[0] for line in written.text.splitlines() if line[:1].isalpha()}
    assert keys == {"convcalc", "name", "note", "input", "blocks", "layers", "outputs"}


@pytest.mark.parametrize("name", ALL)
def test_what_is_written_shows_what_it_holds(name: str) -> None:
    text = source(network(ALL[name])).text
    odd = [c for c in text if not (c.isprintable() or c == "\n")]
    assert odd == []
    assert not {"\u202e", "\u200b", "\x1b", "\u2028"} & set(text)
