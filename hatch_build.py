"""Adds to the wheel what is made or copied when it is built, and the README to the metadata.

The former are the trees of the shipped networks (convcalc/language/syntax/ready.py), the pages of
the book that ``convcalc help`` shows (convcalc/output/topics.py), and the manual pages in docs/man.
"""

from __future__ import annotations

import re
import sys
import tomllib
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class WheelHook(BuildHookInterface):
    """Reads every shipped file once, and copies the pages, when the wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes a module for each file, unless the package is installed from its checkout."""
        if version == "editable":
            return
        root = Path(self.root)
        self.add_pages(root / "docs", build_data)
        sys.path.insert(0, str(root))
        from convcalc.language.syntax import ready
        from convcalc.language.syntax.reader import read

        self.folder = TemporaryDirectory()
        build = self.digest(root)
        modules = {
            "": '"""The shipped networks as trees, made with the wheel."""\n\n'
            f'BUILD = "{build}"  # of all files of convcalc: results are kept for it alone\n'
        }
        for path in sorted((root / "specs").rglob(f"*{ready.ENDING}")):
            name, content = path.relative_to(root / "specs").as_posix(), path.read_bytes()
            tree, problems = read(content, name)
            if tree is None or problems:
                raise ValueError(f"{name}: {problems}")
            module = ready.module_name(name).removeprefix(ready.PACKAGE).replace(".", "/")
            modules[module] = ready.module_text(content, tree)
            modules.setdefault(module.rpartition("/")[0], "")
        for module, text in modules.items():
            is_package = any(other.startswith(f"{module}/") for other in modules)
            file = Path(
                self.folder.name, f"{module}/__init__.py"[1:] if is_package else f"{module}.py"[1:]
            )
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        build_data["force_include"][self.folder.name] = ready.PACKAGE.replace(".", "/")

    @staticmethod
    def add_pages(docs: Path, build_data: dict[str, Any]) -> None:
        """Copies the pages that have a topic of their own, and the manual pages."""
        contents = docs / "contents.toml"
        topics = tomllib.loads(contents.read_text("utf-8"))["page"]
        pages = [docs / topic["file"] for topic in topics if "command" not in topic]
        for path in (contents, *pages):
            build_data["force_include"][str(path)] = f"convcalc/pages/{path.name}"
        for path in sorted((docs / "man").glob("*.1")):
            build_data["shared_data"][str(path)] = f"share/man/man1/{path.name}"

    def digest(self, root: Path) -> str:
        """The same for the same code and the same shipped networks."""
        found = blake2b(digest_size=16)
        for top in ("convcalc", "specs"):
            for path in sorted((root / top).rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    name = path.relative_to(root).as_posix()
                    found.update(f"{name}\0{path.stat().st_size}\0".encode())
                    found.update(path.read_bytes())
        return found.hexdigest()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what was written."""
        if version != "editable":
            self.folder.cleanup()


class ReadmeHook(MetadataHookInterface):
    """The README as a package index shows it: links into the repository are whole addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the text, whose links lead to the tag of the version."""
        text = Path(self.root, "README.md").read_text("utf-8")
        base = f"{metadata['urls']['Source']}/blob/v{metadata['version']}/"
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": re.sub(r"\]\((?!https?://|#)", f"]({base}", text),
        }
