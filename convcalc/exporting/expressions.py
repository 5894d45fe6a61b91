"""Expressions of a file as Python: they are a subset of it, so they are copied.

Names are looked up by the writer: a param is an argument, ``in_channels`` is what the layer reads.
Lists become tuples. What is known to be true or false is left out of conditions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping

from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import suffixed_number

Lookup = Callable[[str], str]  # from a name of the file to Python text
_MATH = ("ceil", "floor")


class Names:
    """How names and functions of expressions are written."""

    def __init__(self, lookup: Lookup, function: Callable[[str], tuple[str, list[str]]]) -> None:
        self.lookup = lookup
        self.function = function  # its Python name, and arguments behind those of the call


def rendered(node: nodes.Node, names: Names, words: tuple[str, ...] = ()) -> str:
    """The Python text of a node."""
    if isinstance(node, nodes.Sequence):
        parts = [rendered(item, names, words) for item in node.items]
        return tuple_of(parts)
    assert isinstance(node, nodes.Scalar)
    value = node.value
    if not isinstance(value, str):
        return literal(value)
    if value in words or isinstance(node, nodes.Verbatim):
        return literal(value)
    if suffixed_number(value) is not None:
        return literal(suffixed_number(value))
    return written(node.text, names)


_POWER = re.compile(r"(?<![\w.)\]])([\w.]+) \*\* ([\w.]+)(?![\w.(\[])")


def unparsed(tree: ast.expr) -> str:
    """The text of an expression, powers of simple operands without blanks as formatters have it."""
    return _POWER.sub(r"\1**\2", ast.unparse(tree))


def normalised(text: str) -> str:
    """An expression with no more brackets than it needs."""
    return unparsed(simplified(_parsed(text)))


def written(text: str, names: Names) -> str:
    """The Python text of an expression."""
    tree = ast.parse(text.strip(), mode="eval").body
    return unparsed(simplified(_Renaming(names).visit(tree)))


def tuple_of(parts: list[str]) -> str:
    """A tuple of some texts."""
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def literal(value: object) -> str:
    """A value as Python text; lists become tuples."""
    if isinstance(value, list | tuple):
        return tuple_of([literal(each) for each in value])
    return f'"{value}"' if isinstance(value, str) and value.isidentifier() else repr(value)


class _Renaming(ast.NodeTransformer):
    """Replaces the names of an expression by those of the code."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in ("true", "false"):
            return ast.Constant(node.id == "true")
        return _parsed(self.names.lookup(node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return _parsed(self.names.lookup(f"block.{node.attr}"))

    def visit_List(self, node: ast.List) -> ast.expr:
        return ast.Tuple([self.visit(each) for each in node.elts], ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name, further = self.names.function(node.func.id)
        arguments = [self.visit(each) for each in node.args]
        return ast.Call(_parsed(name), [*arguments, *map(_parsed, further)], [])


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def simplified(node: ast.expr) -> ast.expr:
    """A condition without the parts that are known."""
    result: ast.expr = _Simplifying().visit(node)
    return result


class _Simplifying(ast.NodeTransformer):
    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not) and isinstance(operand, ast.Constant):
            return ast.Constant(not operand.value)
        return ast.UnaryOp(node.op, operand)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        decides = isinstance(node.op, ast.Or)
        values = [self.visit(each) for each in node.values]
        left = [v for v in values if not (isinstance(v, ast.Constant) and v.value is not decides)]
        for value in left:
            if isinstance(value, ast.Constant) and value.value is decides:
                return value
        if not left:
            return ast.Constant(not decides)
        return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Mult):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, ast.Constant) and type(one.value) is int and one.value == 1:
                    result: ast.expr = other
                    return result
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            value = _value(left.value, node.op, right.value)
            if value is not None:
                return ast.Constant(value)
        return ast.BinOp(left, node.op, right)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            chosen: ast.expr = self.visit(node.body if test.value else node.orelse)
            return chosen
        return ast.IfExp(test, self.visit(node.body), self.visit(node.orelse))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        left = self.visit(node.left)
        others = [self.visit(each) for each in node.comparators]
        known = all(isinstance(each, ast.Constant) for each in (left, *others))
        if known and len(others) == 1:
            a, b = left.value, others[0].value
            holds: dict[type, bool] = {
                ast.Eq: a == b,
                ast.NotEq: a != b,
                ast.Lt: a < b,
                ast.LtE: a <= b,
                ast.Gt: a > b,
                ast.GtE: a >= b,
            }
            return ast.Constant(holds[type(node.ops[0])])
        return ast.Compare(left, node.ops, others)


def _value(a: object, sign: ast.operator, b: object) -> int | None:
    """The value of an operation on whole numbers; None for what is left as it is."""
    if type(a) is not int or type(b) is not int:
        return None
    if isinstance(sign, ast.FloorDiv | ast.Mod):
        if b == 0:
            return None
        return a // b if isinstance(sign, ast.FloorDiv) else a % b
    made = {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b}
    return made.get(type(sign))


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A Python expression with some of its names replaced by others."""

    def lookup(name: str) -> str:
        return values.get(name, name)

    class Replacing(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return _parsed(lookup(node.id))

    tree = ast.parse(text, mode="eval").body
    return unparsed(simplified(Replacing().visit(tree)))


def names_in(text: str) -> frozenset[str]:
    """The names of a Python expression."""
    tree = ast.parse(text, mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
