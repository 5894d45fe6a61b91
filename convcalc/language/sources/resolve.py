"""Resolves the text of a target to a file and a variant."""

from __future__ import annotations

import os
from pathlib import Path

from convcalc.diagnostics.suggestion import LONGEST, advise, listing, nearest, use
from convcalc.language.sources.shipped import (
    _names,
    shipped_files,
    shipped_names,
)
from convcalc.language.sources.target import Target, TargetError, unreadable

# How files are called that are meant where there is none: networks, and models of other programs.
FILES = (
    *(".yaml", ".yml", ".onnx", ".pt2", ".keras", ".json", ".cfg", ".xml", ".tflite"),
    *(".safetensors", ".pt", ".pth", ".h5"),
)


def resolve(target: str) -> Target:
    """The target of a path, ``path::variant`` or a shipped name; an existing file comes first.

    Raises TargetError if there is no such file and no such shipped network.
    """
    path, _, variant = target.partition("::")
    if os.path.isfile(path):
        return Target(path, variant or None)
    looks_like_path = os.sep in path or path.endswith(FILES)
    if not looks_like_path:
        found = _shipped(path)
        if found is not None:
            return Target(found.file, variant or found.variant)
    if os.path.isdir(path):
        raise TargetError(f"'{path}' is a folder", "name a network file in it")
    if looks_like_path:
        try:
            os.stat(path)
            return Target(path, variant or None)  # what cannot be read says so when it is
        except (FileNotFoundError, NotADirectoryError, ValueError):
            pass
        except OSError as error:
            raise unreadable(path, error) from None
        near = nearest(Path(path).name, _siblings(Path(path).parent))
        advice = use(str(Path(path).parent / near)) if near else ""
        raise TargetError(f"no such file: {path}", advice)
    advice = _advice(path)
    raise TargetError(f"no such file or built-in network: '{path}'", advice)


def is_revision(target: str) -> bool:
    """Whether a target has the form ``REV:path`` of a git revision and is not a file."""
    path = target.partition("::")[0]
    is_other = "://" in path or os.path.splitdrive(path)[0] or os.path.isfile(path)
    return ":" in path and not is_other


def is_file(target: str) -> bool:
    """Whether a target is the path of an existing file, with or without a variant."""
    return os.path.isfile(target) or os.path.isfile(target.partition("::")[0])


def names_in(folder: str) -> list[str]:
    """The names in a folder; none if it is not a folder, or cannot be listed."""
    try:
        return os.listdir(folder) if os.path.isdir(folder) else []
    except (OSError, ValueError):
        return []


def _siblings(folder: Path) -> list[str]:
    """The files of a folder that could be meant."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [name for name in names if name.endswith(FILES)]


def _shipped(name: str) -> Target | None:
    """The target of a shipped network or variant; None if there is none of that name."""
    if not name.isidentifier():
        return None
    # A network is mostly in the file whose name its own begins with, the longest such name first.
    paths = shipped_files()
    likely = [path for path in paths if name.startswith(family_of(path))]
    for path in [*sorted(likely, key=_stem_length, reverse=True), *paths]:
        text = path.read_text(encoding="utf-8")
        if name not in text:
            continue
        base, variants = _names(text)
        if name == base:
            return Target(str(path))
        if name in variants:
            return Target(str(path), name)
    return next((Target(str(path)) for path in likely if family_of(path) == name), None)


def family_of(path: str | Path) -> str:
    """The name of the family whose networks are in a shipped file: ``efficientnet``.

    It is a name of their base too, unless a network has it.
    """
    return os.path.basename(path).partition(".")[0]


def _advice(word: str) -> str:
    """Return what to write in place of a word that is not the name of a network: the same but for
    its case and dashes, those that begin with it, or the closest.
    """
    from convcalc.model.operators.words import operator_of  # for errors alone

    names = dict.fromkeys([*shipped_names(), *map(family_of, shipped_files())])
    plain = _plain(word)
    if same := [name for name in names if _plain(name) == plain]:
        return use(same[0])
    operator = operator_of(word)
    page = f"see 'convcalc operator {operator}'"
    if len(plain) > 2 and (longer := [name for name in names if _plain(name).startswith(plain)]):
        listed = f"built-in networks: {listing(longer)}" if longer[1:] else use(longer[0])
        return f"{listed}; for the operator, {page}" if operator else listed
    if operator:
        return f"this is not a network but an operator: {page}"
    return advise(word, names, "'convcalc list networks' shows them all")


def _plain(name: str) -> str:
    """A name without what is written in several ways."""
    return name[:LONGEST].lower().replace("_", "").replace("-", "").replace(".", "")


def _stem_length(path: Path) -> int:
    return len(path.name.partition(".")[0])
