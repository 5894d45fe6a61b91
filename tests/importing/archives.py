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
    ending = f".{EXPORTERS[exporter]}."
    files = unpacked(f"{exporter}.tar.xz")
    return {name.rpartition("/")[2].partition(ending)[0]: text for name, text in files.items()}


@cache
def unpacked(archive: str) -> dict[str, bytes]:
    """The files of an archive by their names."""
    with tarfile.open(DATA / archive) as opened:
        files = ((each.name, opened.extractfile(each)) for each in opened.getmembers())
        return {name: content.read() for name, content in files if content is not None}


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
    files = unpacked("pt2.tar.xz")
    return {name.removesuffix(".json"): text for name, text in files.items()}
