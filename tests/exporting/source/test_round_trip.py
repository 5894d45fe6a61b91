"""What is written of a network, read again, is the network: layer by layer, by numbers that are
compared here and not by what the importer compares."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
from exporting.imported import again, in_order_of, read, source
from importing.archives import exported, truth, unpacked

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import ReceptiveField
from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.network import Network

EXPORTERS = ("torchscript", "dynamo")
LARGE = ("timm_swin", "tv_swin", "timm_mvitv2", "tv_maxvit", "timm_eva02", "timm_hiera", "tv_vit")
COMMUTE = ("add", "mul", "maximum")


def picked(name: str, of: int) -> bool:
    """Whether a name is one of every ``of``, always the same."""
    return sha256(name.encode()).digest()[0] % of == 0


def cases(exhaustive: bool) -> Iterator[tuple[str, str]]:
    """The models that are read, by archive and name."""
    for exporter in EXPORTERS:
        yield from (
            (exporter, name) for name in truth() if exhaustive or picked(f"{exporter}{name}", 4)
        )
    yield from (
        ("pt2", name.removesuffix(".json"))
        for name in unpacked("pt2.tar.xz")
        if exhaustive or (picked(name, 3) and not name.startswith(LARGE))
    )


def model(archive: str, name: str) -> NetworkFile:
    if archive == "pt2":
        return read(f"{name}.pt2", unpacked("pt2.tar.xz")[f"{name}.json"])
    return read(f"{name}.onnx", exported(archive)[name])


def field(found: ReceptiveField) -> tuple[object, ...]:
    """What is compared of a receptive field; how channels divide into classes depends on the order
    of the operands of a sum."""
    keys = ("size", "size_min", "jump", "center", "is_global", "unbounded", "reason")
    return tuple(getattr(found, key) for key in keys)


def compare(old: Network, new: Network) -> None:
    """The same layers, each by its numbers; in the same order but for slices."""
    old = in_order_of(old, new)
    pairs = list(zip(analyse(old).layers, analyse(new).layers, strict=True))
    for index, (mine, other) in enumerate(pairs):
        a, b = old.layers[index], new.layers[index]
        where = f"layer {index}, {a.path}"
        assert b.name == a.name, where
        inputs = (sorted(a.inputs), sorted(b.inputs)) if a.name in COMMUTE else (a.inputs, b.inputs)
        assert inputs[0] == inputs[1], where
        assert mine.output == other.output, where
        assert mine.counts == other.counts, where  # parameters, MACs, elementwise, …
        fields = [list(map(field, each.receptive_fields.values())) for each in (mine, other)]
        assert fields[0] == fields[1], where
        assert a.analysis.weights == b.analysis.weights, where
    assert list(old.outputs.values()) == list(new.outputs.values())
    assert list(old.inputs.values()) == list(new.inputs.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "archive" in metafunc.fixturenames:
        chosen = list(cases(metafunc.config.getoption("exhaustive")))
        metafunc.parametrize(("archive", "name"), chosen, ids=["-".join(case) for case in chosen])


def test_a_model_is_what_is_written_of_it(archive: str, name: str) -> None:
    old = model(archive, name)
    written = source(old)
    assert not written.is_flat
    compare(old, again(written.text))
    assert max(map(len, written.text.splitlines())) <= 100
    assert source(old).text == written.text
