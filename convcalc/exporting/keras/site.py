"""An operator at its place in a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from convcalc.exporting.site import OperatorSite, Render
from convcalc.exporting.trace import Run
from convcalc.language.parse.tree import Item
from convcalc.model.quantities.shape import Shape


class Site(OperatorSite):
    """An operator in a function; ``inputs`` are the expressions of its tensors."""

    defaults: ClassVar = {
        "strides": "1",
        "dilation_rate": "1",
        "groups": "1",
        "use_bias": "True",
        "depth_multiplier": "1",
        "keepdims": "False",
    }

    def __init__(
        self,
        item: Item,
        runs: Sequence[Run],
        inputs: Sequence[str],
        render: Render,
        use: Callable[[str], str],
    ) -> None:
        super().__init__(item, runs, render)
        self.inputs = inputs
        self.use = use  # a function or class that the code has with it, by its name

    @property
    def x(self) -> str:
        """The first input."""
        return self.inputs[0]

    def made(self) -> list[Shape]:
        """The shapes of the output in all runs."""
        return [layer.analysis.output for layer in self.layers]
