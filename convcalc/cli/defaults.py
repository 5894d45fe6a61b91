"""What holds where no flag is given: the environment, then the settings of the current folder.

Where there is no settings file, nothing but the state of files of that name is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from convcalc.cli.console import environment, is_set
from convcalc.language.sources.project import Project, project, upward

FILES = ("convcalc.toml", "pyproject.toml")
_MARK = b"convcalc"  # without which a shared file has no settings
NONE: Mapping[str, str] = {}


class _Memory:
    """The settings of one run."""

    project: Project | None = None
    values: Mapping[str, str] | None = None
    text = b""


_held = _Memory()


def default(name: str) -> str:
    """The value of CONVCALC_<NAME>, else of the setting of that name; empty if there is neither."""
    return environment(name.upper()) or settings().get(name, "")


def is_default(ctx: Any, name: str) -> bool:
    """Whether an option was not given on the command line."""
    return bool(ctx.get_parameter_source(name).name == "DEFAULT")


def settings() -> Mapping[str, str]:
    """The settings of the current folder for commands that show numbers; the others are not in it.

    Raises TargetError if the file that has them cannot be read or is wrong.
    """
    if not settings_text():
        return NONE
    if _held.values is None:
        from convcalc.checking.configuration import Configurations
        from convcalc.checking.trees import Tree

        held = Configurations(Tree(), environment("CONFIG")).of(os.curdir)
        _held.values = held.shown
    return _held.values


def settings_text() -> bytes:
    """The content of the settings file, which says what the settings are; empty without one."""
    here: Any = project()
    if _held.project is not here:
        _held.project, _held.values, _held.text = here, None, _content(here)
    return _held.text


def _content(here: Project) -> bytes:
    if is_set("ISOLATED"):
        return b""
    if named := environment("CONFIG"):
        return _read(named)
    try:
        start = here.real(os.curdir)
    except OSError:
        return b""  # the current folder is gone
    for folder in upward(start):
        own, shared = (f"{folder.rstrip(os.sep)}{os.sep}{name}" for name in FILES)
        if os.path.isfile(own):  # noqa: PTH113 - quickly
            return _read(own)
        is_there = os.path.isfile(shared)  # noqa: PTH113
        if is_there and _MARK in (content := _read(shared)):
            return content
        if here.is_top(folder):
            break
    return b""


def _read(path: str) -> bytes:
    from convcalc.language.sources.gate import SETTINGS_BYTES, read_all
    from convcalc.language.sources.target import unreadable

    try:
        return read_all(path, SETTINGS_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
