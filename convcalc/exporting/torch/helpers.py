"""Classes that PyTorch lacks, read as text from the modules of ``modules/``.

Each module holds one class or function of its own name and what it imports; only those that a
network uses are written. They are never imported here, so that no PyTorch is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from convcalc.exporting.naming import snake_case

_PACKAGE = "convcalc.exporting.torch"
_KNOWN = (
    "import math",
    "import torch",
    "from torch import",
    "from __future__",
    "from collections.abc",
)


def helper_texts(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The texts of classes and functions, each behind those that it uses; and further imports."""
    found: dict[str, str] = {}
    imports: dict[str, None] = {}

    def add(name: str) -> None:
        if name in found:
            return
        text, needs, more = _helper(name)
        for need in needs:
            add(need)
        found[name] = text
        imports.update(dict.fromkeys(more))

    for name in names:
        add(name)
    return list(found.values()), list(imports)


@cache
def _helper(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The text of a helper, the helpers that it uses, and imports that not every module has."""
    file = files(_PACKAGE) / "modules" / f"{snake_case(name)}.py"
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    start = len(source.splitlines())
    needs, more = [], []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            f"{_PACKAGE}.modules"
        ):
            needs += [alias.name for alias in node.names]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            line = ast.unparse(node)
            if not line.startswith(_KNOWN):
                more.append(line)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            decorators = [d.lineno for d in node.decorator_list]
            start = min(start, *decorators, node.lineno) if decorators else min(start, node.lineno)
    text = "\n".join(source.splitlines()[start - 1 :]).strip()
    return text, tuple(needs), tuple(more)
