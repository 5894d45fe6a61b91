"""The exported networks of ``tests/importing/data``, unpacked once per process."""

from __future__ import annotations

import tarfile
from functools import cache
from typing import NamedTuple

import yaml
from places import TESTS

DATA = TESTS / "importing" / "data"
EXPORTERS = {"torchscript": "ts", "dynamo": "dy"}  # archive: how its files are called


class Truth(NamedTuple):
    """PyTorch's numbers for a network."""

    params: int
    buffers: int
    macs: int


@cache
def truth() -> dict[str, Truth]:
    """The numbers of every network by its name."""
    found = yaml.safe_load((DATA / "networks.yaml").read_text(encoding="utf-8"))
    return {name: Truth(**numbers) for name, numbers in found.items()}


@cache
def exported(exporter: str) -> dict[str, bytes]:
    """The ONNX files of an exporter by the network's name."""
    with tarfile.open(DATA / f"{exporter}.tar.xz") as archive:
        found = {}
        for member in archive.getmembers():
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                name = member.name.rpartition("/")[2].partition(f".{EXPORTERS[exporter]}.")[0]
                found[name] = content.read()
        return found


class Program(NamedTuple):
    """PyTorch's numbers for a program: those of the module, and what its graph does not use."""

    params: int
    buffers: int
    macs: int
    unused_params: int = 0


@cache
def program_truth() -> dict[str, Program]:
    """The numbers of every program of torch.export by its name."""
    found = yaml.safe_load((DATA / "programs.yaml").read_text(encoding="utf-8"))
    return {name: Program(**numbers) for name, numbers in found.items()}


@cache
def programs() -> dict[str, bytes]:
    """The JSON texts of programs of torch.export by the network's name."""
    found = {}
    with tarfile.open(DATA / "pt2.tar.xz") as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            found[member.name.removesuffix(".json")] = content.read()
    return found
