"""The text of a formula, in names and in numbers, from the source of its function.

Names are those of the function's arguments, or those that traced inputs carry. The text in
numbers is the same expression with the values filled in; Python can evaluate it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from textwrap import dedent
from typing import Any

from convcalc.model.quantities.formula import Step, origin_of
from convcalc.model.quantities.unknown import known

_FOLDS: Mapping[str, type[ast.operator]] = {"prod": ast.Mult, "sum": ast.Add}
_EMPTY = {"prod": 1, "sum": 0}


def words(step: Step) -> str:
    """The formula in names: ``(size + padding + padding - extent) // stride + 1``."""
    names = {name: _name(name, value) for name, value in step.arguments.items()}
    return _text(_Named(names).visit(_expression(step.function)))


def numbers(step: Step) -> str:
    """The formula in numbers: ``(224 + 3 + 3 - 7) // 2 + 1``; an unknown size is ``unknown``."""
    return _text(_Filled(step.arguments).visit(_expression(step.function)))


def meaning(step: Step) -> str:
    """The meaning of the formula: its docstring on one line."""
    return " ".join((inspect.getdoc(step.function) or "").split())


def parenthesize(text: str) -> str:
    """An expression as a factor of a product: in parentheses if it needs them."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:  # a name of several words
        return text
    return f"({text})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp) else text


def _text(node: ast.expr) -> str:
    return ast.unparse(ast.fix_missing_locations(_ForPeople().visit(node)))


# --- source ------------------------------------------------------------------------------------


def _expression(function: Callable[..., int]) -> Any:
    """A new syntax tree of what the function returns, with local names replaced by their values."""
    return ast.parse(_source(function), mode="eval").body


@cache
def _source(function: Callable[..., int]) -> str:
    (definition,) = ast.parse(dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef)
    local: dict[str, ast.expr] = {}
    for statement in definition.body:
        if isinstance(statement, ast.Return):
            assert statement.value is not None
            return ast.unparse(_Replaced(local).visit(statement.value))
        if isinstance(statement, ast.AnnAssign | ast.Assign):
            (target,) = getattr(statement, "targets", None) or [statement.target]  # type: ignore[union-attr]
            assert statement.value is not None
            local[target.id] = _Replaced(local).visit(statement.value)
    raise ValueError(f"{function.__name__} returns nothing")


class _Replaced(ast.NodeTransformer):
    """Replaces names by expressions."""

    def __init__(self, by_name: Mapping[str, ast.expr]) -> None:
        self.by_name = by_name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.by_name.get(node.id, node)


class _ForPeople(ast.NodeTransformer):
    """Writes ``-(-a // b)`` as ``ceil(a / b)``, and ``Fraction(a, b)`` as ``a / b``."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Fraction":
            return ast.BinOp(node.args[0], ast.Div(), node.args[1])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        inner = node.operand
        if not (
            isinstance(node.op, ast.USub)
            and isinstance(inner, ast.BinOp)
            and isinstance(inner.op, ast.FloorDiv)
            and isinstance(inner.left, ast.UnaryOp)
            and isinstance(inner.left.op, ast.USub)
        ):
            return node
        quotient = ast.BinOp(inner.left.operand, ast.Div(), inner.right)
        return ast.Call(ast.Name("ceil"), [quotient], [])


# --- names and numbers -------------------------------------------------------------------------


class _Named(_Replaced):
    """Renames arguments to the names of the inputs that were passed for them."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__({name: ast.Name(text) for name, text in names.items()})


def _name(name: str, value: Any) -> str:
    """The name that a traced input carries; otherwise, as for a tuple, the argument's."""
    origin = origin_of(value)
    return origin if isinstance(origin, str) else name


class _Filled(ast.NodeTransformer):
    """Replaces names by numbers; products and sums of tuples are written out."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = arguments

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _number(self.arguments[node.id]) if node.id in self.arguments else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        items = [self.arguments.get(a.id) for a in node.args if isinstance(a, ast.Name)]
        if name in _FOLDS and len(items) == 1 and isinstance(items[0], tuple):
            first, *rest = [_number(item) for item in items[0]] or [ast.Constant(_EMPTY[name])]
            for item in rest:
                first = ast.BinOp(first, _FOLDS[name](), item)
            return first
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _number(value: Any) -> ast.expr:
    """The syntax tree of a number, or of a tuple of numbers."""
    if isinstance(value, tuple):
        return ast.Tuple([_number(item) for item in value])
    if not known(value):
        return ast.Name("unknown")
    if isinstance(value, Fraction) and value.denominator > 1:
        return ast.BinOp(_number(value.numerator), ast.Div(), _number(value.denominator))
    if isinstance(value, float):
        return ast.Constant(value)
    number = int(value)
    size = ast.Constant(abs(number))
    return size if number >= 0 else ast.UnaryOp(ast.USub(), size)
