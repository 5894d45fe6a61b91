"""Where networks come from: files, and the ones that ship with convcalc.

A shipped name is a network or one of its variants; names are unique. They are found by
searching the text of the shipped files for the name as a key, so that looking one up parses
no more than the file that defines it, and there is no index that could be out of date.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from convcalc.diagnostics import nearest
from convcalc.files import Files

ENDING = ".convcalc.yaml"
ENDINGS = (ENDING, ".convcalc.yml")


class Target(NamedTuple):
    """What to analyse: a file (``-`` for stdin) and a variant; ``text`` if it is at hand.

    ``files`` is where its imports are read if not from the folders of this machine.
    """

    file: str
    variant: str | None = None
    text: str | bytes | None = None
    files: Files | None = None


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


def is_dated(target: str) -> bool:
    """Whether a target names a revision of a git repository, ``REV:path``, and no file."""
    path = target.partition("::")[0]
    is_other = "://" in path or os.path.splitdrive(path)[0] or os.path.isfile(path)
    return ":" in path and not is_other


def _siblings(folder: Path) -> list[str]:
    """The YAML files of a folder."""
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml")]


def _shipped(name: str) -> Target | None:
    """The shipped network or variant of that name."""
    if not name.isidentifier():
        return None
    for path in shipped_files():
        text = path.read_text(encoding="utf-8")
        if name not in text:
            continue
        base, variants = _names(text)
        if name == base:
            return Target(str(path))
        if name in variants:
            return Target(str(path), name)
    return None


def _names(text: str) -> tuple[str, list[str]]:
    """The name of a shipped network and those of its variants, without parsing its file."""
    base, variants, top = "", [], ""
    for line in text.splitlines():
        key = line.partition(":")[0]
        if key[:1].isalpha():
            top = key
            if key == "name":
                base = line.partition(":")[2].partition("#")[0].strip()
        elif top == "variants" and key[:2] == "  " and key[2:].isidentifier():
            variants.append(key[2:])
    return base, variants


def shipped_files() -> list[Path]:
    """The shipped network files."""
    return sorted(shipped_folder().glob(f"*{ENDING}"))


def shipped_names() -> dict[str, Target]:
    """Every shipped network and variant, in the order of the files."""
    names: dict[str, Target] = {}
    for path in shipped_files():
        base, variants = _names(path.read_text(encoding="utf-8"))
        names[base] = Target(str(path))
        names |= {variant: Target(str(path), variant) for variant in variants}
    return names


def shipped_blocks() -> dict[str, list[str]]:
    """The files of shared blocks, as ``imports`` names them, and the blocks in each."""
    folder = shipped_folder()
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "blocks").glob(f"*{ENDING}")):
        text = path.read_text(encoding="utf-8")
        blocks = text.partition("\nblocks:")[2]
        lines = (line.partition(":")[0] for line in blocks.splitlines())
        found[str(path.relative_to(folder))] = [
            key[2:] for key in lines if key[:2] == "  " and key[2:].isidentifier()
        ]
    return found
