"""The needs of a function body: other functions, params, helpers."""

from __future__ import annotations

from typing import Protocol

from convcalc.exporting.formulas import Formulas
from convcalc.exporting.keras.function import Function
from convcalc.exporting.trace import Trace
from convcalc.language.parse.tree import Block


class Functions(Protocol):
    """The functions of one file while they are written."""

    trace: Trace
    formulas: Formulas
    modules: set[str]  # of the standard library that the code imports

    def function_of(self, block: Block) -> Function:
        """The function of a block; written if it was not yet."""

    def param(self, function: Function, name: str) -> str:
        """A param of a block in its function."""

    def file_param(self, function: Function, name: str) -> str:
        """A param of the file in a function: an argument, or its value in an imported file."""

    def use(self, name: str) -> str:
        """Notes that the code needs a helper."""
