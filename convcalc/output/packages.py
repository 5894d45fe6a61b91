"""Packages that convcalc does without, for those who have them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from convcalc.errors import Error


class MissingPackage(Error, ImportError):
    """A package that convcalc does without is needed, and not installed."""

    def __init__(self, package: str, what: str) -> None:
        advice = f"install it: pip install {package}"
        super().__init__(f"{what} needs the package {package}, which is not installed", advice)
        self.package = package

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.package, self.message.partition(" needs ")[0])


def package(name: str, what: str) -> Any:
    """The package of that name; raises MissingPackage if it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise MissingPackage(name, what) from None
