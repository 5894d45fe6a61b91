"""Finds devices and runtimes: those that ship by name, others by the path of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TypeVar

from convcalc.analysis.devices.device import Device
from convcalc.analysis.devices.fusion import Runtime
from convcalc.analysis.devices.names import (
    DEVICES,
    RUNTIMES,
    device_names,
    path_of,
    runtime_names,
)
from convcalc.analysis.devices.reading import read_device, read_runtime
from convcalc.diagnostics.suggestion import UnknownName, advise
from convcalc.language.sources.gate import SETTINGS_BYTES, read_all, read_shipped
from convcalc.language.sources.target import unreadable

ENDINGS = (".yaml", ".yml")

T = TypeVar("T")


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


def _found(
    word: str, what: str, folder: str, names: list[str], read: Callable[[bytes, str, str], T]
) -> T:
    if is_path(word):
        try:
            content = read_all(word, SETTINGS_BYTES)
        except OSError as error:
            raise unreadable(word, error) from None
        name = PurePath(word).name
        return read(content, name[:1] + name[1:].partition(".")[0], word)
    if word not in names:
        advice = advise(word, names, f"{what}s:")
        more = f"; or the path of a file, {what}.yaml"
        raise UnknownName(f"unknown {what} '{word}'", f"{advice}{more}")
    path = path_of(folder, word)
    try:
        return read(read_shipped(path, SETTINGS_BYTES), word, word)
    except OSError as error:
        raise unreadable(path, error) from None
