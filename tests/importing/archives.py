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
