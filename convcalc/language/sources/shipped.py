"""Where networks come from: files, and the ones that ship with convcalc.

A shipped name is a network or one of its variants; names are unique. They are found by
searching the text of the shipped files for the name as a key, so that looking one up parses
no more than the file that defines it, and there is no index that could be out of date.
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
