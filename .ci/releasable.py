"""Says what is left to do before a tag is published; the release workflow runs it first.

``python .ci/releasable.py v0.1.0`` ends with 1 if the tag is not the version, the changelog or the
citation is of another version, or the address of the repository is not filled in.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWNER = "OWNER/"  # until the account is known that hosts the repository
ADDRESSED = (
    "pyproject.toml",
    "CITATION.cff",
    "docs/ci.md",
    "docs/schemastore.json",
    ".github/ISSUE_TEMPLATE/config.yml",
)


def left(tag: str, root: Path) -> Iterator[str]:
    """What is left to do, one sentence each."""
    version = read(root, "convcalc/_version.py").rpartition("=")[2].strip().strip('"')
    if tag != f"v{version}":
        yield f"the tag is {tag}, but convcalc/_version.py says {version}"
    if not re.search(rf"^version: {re.escape(version)}$", read(root, "CITATION.cff"), re.M):
        yield f"CITATION.cff is not of version {version}"
    if not re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", read(root, "CHANGELOG.md"), re.M
    ):
        yield f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD'"
    addresses = tomllib.loads(read(root, "pyproject.toml"))["project"]["urls"]
    for name in ADDRESSED:
        text = read(root, name)
        if OWNER in text:
            yield f"{name} has OWNER in place of the account that hosts the repository"
        elif addresses["Source"].removeprefix("https://github.com/") not in text:
            yield f"{name} does not name {addresses['Source']}"


def read(root: Path, name: str) -> str:
    """The text of a file of the repository."""
    return (root / name).read_text("utf-8")


def main(tag: str, root: Path = ROOT) -> int:
    """Prints what is left; 1 if there is anything."""
    found = [*left(tag, root)]
    sys.stdout.writelines(f"{each}\n" for each in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
