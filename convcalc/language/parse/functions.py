"""Functions of a file: ``functions: {w(c): ceil(min(c, most)*width/8)*8}``.

A function may use its own arguments, the params of the file, and the functions above it.
"""

from __future__ import annotations

import re
from typing import Any

from convcalc.diagnostics.rejection import rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.language.parse.arguments import place_of
from convcalc.language.parse.tree import Unit
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import expression
from convcalc.language.syntax.expressions import FUNCTIONS, Expression, ExpressionError

MOST_CALLS = 1000  # of functions by one call, all below it counted
_HEAD = re.compile(r"([^\W\d]\w*)\(\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)?\s*\)")


class Function:
    """A function of a file, whose params it may use."""

    __slots__ = ("arguments", "calls", "code", "name", "unit")

    def __init__(self, name: str, arguments: tuple[str, ...], code: Expression, unit: Unit) -> None:
        self.name = name
        self.arguments = arguments
        self.code = code
        self.unit = unit
        self.calls = 1 + sum(
            code.text.count(f"{each.removesuffix('()')}(") * called.calls
            for each in code.names
            if (called := unit.functions.get(each)) is not None
        )

    def __call__(self, values: list[Any], column: int) -> Any:
        """The value for some arguments; raises ExpressionError at the column of the call."""
        if len(values) != len(self.arguments):
            given = "1 value" if len(values) == 1 else f"{len(values)} values"
            message = f"{self} takes {len(self.arguments)} of them, not {given}"
            raise ExpressionError(message, "", column)
        try:
            return self.code.evaluate(
                {**self.unit.scope, **dict(zip(self.arguments, values, strict=True))}
            )
        except ExpressionError as error:
            message = f"in {self}: {error.message}"
            raise ExpressionError(message, error.help, column, error.rule) from None

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"


def read_function(
    key: nodes.Scalar, node: nodes.Node, params: frozenset[str], unit: Unit
) -> Function:
    """Reads one declaration; Rejected if it is wrong. The unit holds the functions above it."""
    name, arguments = _head(key)
    if name in FUNCTIONS:
        raise rejected("duplicate-key", f"'{name}' is a function of the language", key.place)
    if not isinstance(node, nodes.Scalar) or node.value is None:
        raise rejected("wrong-type", f"'{key.text}' needs an expression", node.place, _EXAMPLE)
    code = expression(nodes.Scalar(node.text, node.text, node.plain, node.place))
    known = {*params, *arguments, *unit.functions}
    for used in sorted(code.names):
        if used not in known:
            what = "function" if used.endswith("()") else "name"
            advice = advise(used, known, "a function uses its arguments and params of the file")
            place = place_of(used.removesuffix("()"), node)
            raise rejected("unknown-name", f"unknown {what} '{used}'", place, advice)
    function = Function(name, arguments, code, unit)
    if function.calls > MOST_CALLS:
        message = f"a call of '{name}' makes {function.calls:,} calls of functions"
        raise rejected("too-large", message, key.place, f"at most {MOST_CALLS:,} are made")
    return function


_EXAMPLE = "for instance w(c): ceil(c*width/8)*8"


def _head(key: nodes.Scalar) -> tuple[str, tuple[str, ...]]:
    """The name and the arguments of ``w(c, most)``."""
    found = _HEAD.fullmatch(key.text)
    if found is None:
        message = f"'{key.text}' is not the head of a function"
        raise rejected("wrong-type", message, key.place, _EXAMPLE)
    arguments = tuple(re.findall(r"\w+", found[2] or ""))
    if len(set(arguments)) < len(arguments):
        raise rejected("duplicate-key", f"'{key.text}' has an argument twice", key.place)
    return found[1], arguments
