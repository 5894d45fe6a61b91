"""Finds devices and runtimes: those that ship by name, others by the path of a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from convcalc.analysis.devices.device import Device
from convcalc.analysis.devices.fusion import Runtime
from convcalc.analysis.devices.reading import read_device, read_runtime
from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.language.sources.gate import SETTINGS_BYTES, read_all, read_shipped
from convcalc.language.sources.target import unreadable

ENDINGS = (".yaml", ".yml")
DEVICES, RUNTIMES = "files", "runtimes"  # the folders beside this module

T = TypeVar("T")


@cache
def device_names() -> list[str]:
    """The names of the devices that ship."""
    return _names(DEVICES)


@cache
def runtime_names() -> list[str]:
    """The names of the runtimes that ship."""
    return _names(RUNTIMES)


def device(word: str) -> Device:
    """The device of that name, or that the file of that path describes.

    Raises UnknownName for an unknown name, TargetError for a file that cannot be read, and
    DeviceError for one with errors.
    """
    return _found(word, "device", DEVICES, device_names(), read_device)


def runtime(word: str) -> Runtime:
    """The runtime of that name, or that the file of that path describes; raises the same."""
    return _found(word, "runtime", RUNTIMES, runtime_names(), read_runtime)


def is_path(word: str) -> bool:
    """Whether a word is meant as the path of a file."""
    return word.endswith(ENDINGS) or "/" in word or "\\" in word


def _names(folder: str) -> list[str]:
    found = Path(__file__).parent.joinpath(folder).glob("*.yaml")
    return sorted(path.stem for path in found)


def _found(
    word: str, what: str, folder: str, names: list[str], read: Callable[[bytes, str, str], T]
) -> T:
    if is_path(word):
        try:
            content = read_all(word, SETTINGS_BYTES)
        except OSError as error:
            raise unreadable(word, error) from None
        name = Path(word).name
        return read(content, name[: name.index(".")] if name[1:].count(".") else name, word)
    if word not in names:
        advice = advise(word, names, f"{what}s:")
        more = f"; or the path of a file, {what}.yaml"
        raise UnknownName(f"unknown {what} '{word}'", f"{advice}{more}")
    path = Path(__file__).parent / folder / f"{word}.yaml"
    try:
        return read(read_shipped(str(path), SETTINGS_BYTES), word, word)
    except OSError as error:
        raise unreadable(str(path), error) from None
