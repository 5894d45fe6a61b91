"""Finds the networks and blocks that are shipped with convcalc.

A shipped name is a network or one of its variants; names are unique. A name is looked up by
searching the text of the shipped files for it as a key. So only the file that defines it is
parsed, and there is no index that could be out of date.
"""

from __future__ import annotations

from pathlib import Path

from convcalc.language.sources.target import Target

ENDING = ".convcalc.yaml"
ENDINGS = (ENDING, ".convcalc.yml")


def shipped_folder() -> Path:
    """The folder of the shipped networks: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent.parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def _names(text: str) -> tuple[str, list[str]]:
    """The names of a shipped network and of its variants, found without parsing YAML."""
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
    """The paths of the shipped network files, sorted."""
    return sorted(shipped_folder().glob(f"*{ENDING}"))


def shipped_names() -> dict[str, Target]:
    """The target of every shipped network and variant by name, in the order of the files."""
    names: dict[str, Target] = {}
    for path in shipped_files():
        base, variants = _names(path.read_text(encoding="utf-8"))
        names[base] = Target(str(path))
        names |= {variant: Target(str(path), variant) for variant in variants}
    return names


def shipped_blocks() -> dict[str, list[str]]:
    """The names of the shipped blocks by file, with each file named as in ``imports``."""
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
