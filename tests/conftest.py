"""Which tests run: those in ``torch/`` compare with PyTorch and need it."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no deadline: a busy machine is no defect.
settings.register_profile("convcalc", deadline=None, derandomize=True)
settings.load_profile("convcalc")

pytest_plugins = ["pytester"]
TORCH_TESTS = Path(__file__).parent / "torch"


def missing_packages() -> list[str]:
    """What the comparison tests need and this environment lacks.

    By distribution: a folder of tests is called torch, which an import would find.
    """
    missing = []
    for name, title in (("torch", "PyTorch"), ("torchvision", "torchvision")):
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(title)
    return missing


MISSING = missing_packages()
collect_ignore = ["torch"] if MISSING else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of ``tests/torch`` is marked, so that ``-m torch`` and ``-m 'not torch'`` choose."""
    compared = [item for item in items if TORCH_TESTS in item.path.parents]
    for item in compared:
        item.add_marker(pytest.mark.torch)
    if compared:
        import torch

        torch.set_num_threads(1)  # thousands of tiny tensors only wait for threads


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line says which tests this environment could not collect."""
    if not MISSING:
        return
    files = sorted(TORCH_TESTS.glob("test_*.py"))
    tests = sum(len(re.findall(r"^def test_", f.read_text("utf-8"), re.MULTILINE)) for f in files)
    names = " and ".join(MISSING)
    verb = "are" if len(MISSING) > 1 else "is"
    terminalreporter.write_line(
        f"{names} {verb} not installed: {tests} comparison tests were not collected; "
        "see CONTRIBUTING.md",
        yellow=True,
    )
