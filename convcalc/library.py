"""Where networks come from: files, and the ones that ship with convcalc.

A shipped name is a network or one of its variants; names are unique. They are found by
searching the text of the shipped files for the name as a key, so that looking one up parses
no more than the file that defines it, and there is no index that could be out of date.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from convcalc.diagnostics import nearest

ENDING = ".convcalc.yaml"


class Target(NamedTuple):
    """What to analyse: a file (``-`` for stdin) and a variant; ``text`` if it is at hand."""

    file: str
    variant: str | None = None
    text: str | bytes | None = None


class TargetError(Exception):
    """What was asked for cannot be read or is wrongly asked for."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = advice


def shipped_folder() -> Path:
    """The folder of the shipped networks: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def resolve(target: str) -> Target:
    """The file and variant of a path, ``path::variant`` or a shipped name; a file wins."""
    path, _, variant = target.partition("::")
    if os.path.isfile(path):
        return Target(path, variant or None)
    looks_like_path = os.sep in path or path.endswith((".yaml", ".yml"))
    if not looks_like_path:
        found = _shipped(path)
        if found is not None:
            return Target(found.file, variant or found.variant)
    if os.path.isdir(path):
        raise TargetError(f"'{path}' is a folder", "name a network file in it")
    if looks_like_path:
        near = nearest(Path(path).name, _siblings(Path(path).parent))
        advice = f"did you mean '{Path(path).parent / near}'?" if near else ""
        raise TargetError(f"no such file: {path}", advice)
    close = nearest(path, shipped_names())
    advice = f"did you mean '{close}'? " if close else ""
    raise TargetError(
        f"no file and no shipped network is called '{path}'",
        f"{advice}'convcalc list networks' shows them all",
    )


def _siblings(folder: Path) -> list[str]:
    """The YAML files of a folder."""
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml")]


def _shipped(name: str) -> Target | None:
    """The shipped network or variant of that name."""
    if not name.isidentifier():
        return None
    as_name = re.compile(rf"^name: *{name} *(#.*)?$", re.MULTILINE)
    as_variant = re.compile(rf"^  {name} *:", re.MULTILINE)
    for path in shipped_files():
        text = path.read_text(encoding="utf-8")
        if name not in text:
            continue
        if as_name.search(text):
            return Target(str(path))
        if as_variant.search(_variants_part(text)):
            return Target(str(path), name)
    return None


def _variants_part(text: str) -> str:
    """The lines below the top key ``variants``, up to the next top key."""
    found = re.search(r"^variants:.*\n((?: .*\n|\s*\n|#.*\n)*)", text, re.MULTILINE)
    return found.group(1) if found else ""


def shipped_files() -> list[Path]:
    """The shipped network files."""
    return sorted(shipped_folder().glob(f"*{ENDING}"))


def shipped_names() -> dict[str, Target]:
    """Every shipped network and variant, in the order of the files."""
    names: dict[str, Target] = {}
    for path in shipped_files():
        text = path.read_text(encoding="utf-8")
        if base := re.search(r"^name: *(\w+)", text, re.MULTILINE):
            names[base.group(1)] = Target(str(path))
        for variant in re.findall(r"^  (\w+) *:", _variants_part(text), re.MULTILINE):
            names[variant] = Target(str(path), variant)
    return names


def shipped_blocks() -> dict[str, list[str]]:
    """The files of shared blocks, as ``imports`` names them, and the blocks in each."""
    folder = shipped_folder()
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "blocks").glob(f"*{ENDING}")):
        text = path.read_text(encoding="utf-8")
        blocks = text.partition("\nblocks:")[2]
        found[str(path.relative_to(folder))] = re.findall(r"^  ([A-Z]\w*) *:", blocks, re.MULTILINE)
    return found
