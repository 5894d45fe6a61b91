"""The settings of the current folder, for commands that show numbers; see ``options.default``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from convcalc.cli.console import SHARED, environment, settings_files
from convcalc.language.sources.project import Project, project

_MARK = b"convcalc"  # without which a shared file has no settings
NONE: Mapping[str, str] = {}


class _Memory:
    """The settings of one run."""

    project: Project | None = None
    values: Mapping[str, str] | None = None
    text = b""


_held = _Memory()


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
        _held.project, _held.values, _held.text = here, None, _content()
    return _held.text


def _content() -> bytes:
    for path in settings_files():
        content = _read(path)
        if _MARK in content or not path.endswith(SHARED):
            return content
    return b""


def _read(path: str) -> bytes:
    from convcalc.language.sources.gate import SETTINGS_BYTES, read_all
    from convcalc.language.sources.target import unreadable

    try:
        return read_all(path, SETTINGS_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
