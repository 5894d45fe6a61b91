"""The names of the devices and runtimes that ship; nothing is read to list them."""

from __future__ import annotations

import os
from functools import cache

DEVICES, RUNTIMES = "files", "runtimes"  # the folders beside this module
ENDING = ".yaml"


@cache
def device_names() -> list[str]:
    """The names of the devices that ship."""
    return _names(DEVICES)


@cache
def runtime_names() -> list[str]:
    """The names of the runtimes that ship."""
    return _names(RUNTIMES)


def path_of(folder: str, name: str) -> str:
    """The path of the file of that name."""
    return os.path.join(os.path.dirname(__file__), folder, f"{name}{ENDING}")


def _names(folder: str) -> list[str]:
    found = os.listdir(os.path.join(os.path.dirname(__file__), folder))
    return sorted(name.removesuffix(ENDING) for name in found if name.endswith(ENDING))
