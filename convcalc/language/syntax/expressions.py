"""The safe arithmetic of the language: numbers, names, lists, conditions and a few functions.

The text is parsed by Python's own parser, checked against an allow-list of syntax, and
turned into nested closures; nothing is ever passed to ``eval``. Arithmetic is on numbers
only, and every result is bounded before it can grow: values below 2^62, exponents up to
64, texts up to 200 characters. Arithmetic with an unknown size (``UNKNOWN``) gives an unknown
size, and comparing one is an error.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from math import ceil, floor, trunc
from typing import Any, Final, NoReturn, TypeAlias

from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import current
from convcalc.errors import Error
from convcalc.language.syntax.sizes import BLOCK, INPUT, NoSize, size_of
from convcalc.model.quantities.unknown import UNKNOWN

Value: TypeAlias = int | float | bool | str | list[Any]
Scope: TypeAlias = Mapping[str, Any]
_Code: TypeAlias = Callable[[Scope], Any]

LONGEST: Final = 200  # characters
BOUND: Final = 2**62
LARGEST_EXPONENT: Final = 64
_ALLOWED: Final = (
    "allowed are numbers, names, + - * / // % **, comparisons, and/or/not, if-else, lists, "
    "indexing and calls"
)


_LISTED: Final = 12  # names, in a message
_TOO_DEEP: Final = ("the expression is nested too deeply", "divide it with names under 'params'")


class ExpressionError(Error):
    """An expression cannot be compiled or evaluated.

    ``column`` is the offset in its text, from 0; ``rule`` is the diagnostic's name:
    ``bad-expression`` or ``unknown-name``.
    """

    def __init__(
        self,
        message: str,
        help: str = "",  # noqa: A002  # the name that it has in a Diagnostic
        column: int = 0,
        rule: str = "bad-expression",
    ) -> None:
        super().__init__(message, help)
        self.column = column
        self.rule = rule


class Expression:
    """A compiled expression: ``names`` are the names that its scope must define."""

    __slots__ = ("_code", "names", "text")

    def __init__(self, text: str, names: frozenset[str], code: _Code) -> None:
        self.text = text
        self.names = names
        self._code = code

    def evaluate(self, scope: Scope) -> Value:
        """The value in a scope; raises ExpressionError if it cannot be computed."""
        try:
            value: Value = self._code(scope)
        except RecursionError:
            raise ExpressionError(*_TOO_DEEP) from None
        return value


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Parses and checks an expression; raises ExpressionError for unsupported syntax."""
    if len(text) > LONGEST:
        message = f"the expression has {len(text):,} characters, and at most {LONGEST} are read"
        raise ExpressionError(message, "divide it with names under 'params'")
    compiler = _Compiler(text)
    try:
        code = compiler.code(_parse(text))
    except RecursionError:
        raise ExpressionError(*_TOO_DEEP) from None
    return Expression(text, frozenset(compiler.names), code)


def _parse(text: str) -> ast.expr:
    stripped = text.strip()
    if "#" in stripped or not stripped.isprintable():
        message = "an expression is one line of printable text without a comment"
        raise ExpressionError(message, _ALLOWED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer parsers warn of ``1if a else 2``
            return ast.parse(stripped, mode="eval").body
    except SyntaxError as error:
        offset = len(text) - len(text.lstrip())
        column = min(max((error.offset or 1) - 1, 0) + offset, len(text))
        raise ExpressionError(*_syntax(text, error.msg), column) from None
    except (MemoryError, ValueError):
        raise ExpressionError(*_TOO_DEEP) from None


def _habit(text: str) -> tuple[str, str] | None:
    from convcalc.language.syntax.habits import habit  # for errors alone

    return habit(text)


def _syntax(text: str, message: str) -> tuple[str, str]:
    """Our message and advice for a syntax error of Python's parser."""
    if found := _habit(text):
        return found
    if "leading zeros" in message:
        return f"a number in '{text}' has leading zeros", "leave them out"
    if "${" in text:
        return f"'{text}' is not an expression", "write bare names, without ${}"
    if "&&" in text or "||" in text:
        return f"'{text}' is not an expression", "write 'and' and 'or'"
    return f"'{text}' is not an expression", _ALLOWED


# --- values -----------------------------------------------------------------------------


def make_divisible(v: float, d: int = 8) -> int:
    """The multiple of ``d`` nearest to ``v``, at least ``d`` and never below 90 % of ``v``.

    torchvision's ``_make_divisible`` (torchvision/models/_utils.py), which took it from the
    TensorFlow models of MobileNet. ``d`` is at least 1.
    """
    rounded = max(d, int(v + d / 2) // d * d)
    return rounded + d if rounded < 0.9 * v else rounded


def _check_bound(value: Any, column: int) -> Any:
    """``value`` if it is real and below 2^62 in size; raises ExpressionError otherwise."""
    if type(value) is complex:
        raise ExpressionError("a root of a negative number", "use a whole exponent", column)
    if value is UNKNOWN or -BOUND < value < BOUND:  # NaN and infinity are neither
        return value
    raise ExpressionError("the value is not below 2^62", "use smaller numbers", column)


def _check_number(value: Any, column: int, user: str) -> Any:
    """``value`` if it is a number, which a bool is not here; raises ExpressionError otherwise."""
    kind = type(value)
    if kind is int or kind is float or value is UNKNOWN:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value  # many numbers as one
    advice = "index the list, or use sum" if isinstance(value, list | tuple) else ""
    raise ExpressionError(f"{user} needs numbers, not {_describe(value)}", advice, column)


def _describe(value: Any) -> str:
    """A value in words, for messages."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return f"the word '{value}'" if isinstance(value, str) else repr(value)


def spend_values(values: list[Any] | tuple[Any, ...]) -> None:
    """Spends the work of a list: all values in it, in the lists within it too.

    ``[x, x]`` of a list of lists is small to store, but not to walk through.
    """
    spend = current().spend
    waiting = [values]
    while waiting:
        values = waiting.pop()
        spend(1 + len(values) // 16, LISTS)
        waiting += [value for value in values if type(value) is list]


LISTS: Final = "the values of lists"


# --- functions --------------------------------------------------------------------------


def _divisible(v: float, d: int = 8) -> int:
    if not isinstance(d, int) or d < 1:
        raise ExpressionError(f"make_divisible by {d}", "the divisor is a whole number from 1")
    return make_divisible(v, d)


# The function, the least and greatest number of arguments, and whether one list may replace them.
FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int, bool]]] = {
    "min": (min, 1, LONGEST, True),
    "max": (max, 1, LONGEST, True),
    "sum": (sum, 0, LONGEST, True),
    "len": (len, 1, 1, True),
    "ceil": (ceil, 1, 1, False),
    "floor": (floor, 1, 1, False),
    "round": (round, 1, 1, False),
    "int": (trunc, 1, 1, False),
    "abs": (abs, 1, 1, False),
    "make_divisible": (_divisible, 1, 2, False),
}


def _function(name: str, count: int, column: int) -> Callable[[list[Any]], Any]:
    """A function of a list of values; their number is checked now, their types when called."""
    apply, fewest, most, takes_list = FUNCTIONS[name]
    if not fewest <= count <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        plural = "" if most == 1 else "s"
        raise ExpressionError(f"{name} takes {wanted} value{plural}, not {count}", "", column)

    def function(values: Any) -> Any:
        if takes_list and len(values) == 1 and isinstance(values[0], list | tuple):
            values = values[0]
            if apply is len:
                return len(values)
            current().spend(1 + len(values) // 4, LISTS)
        for value in values:
            _check_number(value, column, name)
        if apply is len:
            raise ExpressionError(f"{name} needs a list, not {values[0]}", "", column)
        if any(value is UNKNOWN for value in values):
            return UNKNOWN
        if not values and apply is not sum:
            raise ExpressionError(f"{name} of an empty list", "give it a value", column)
        for value in values:
            if type(value) is not int and type(value) is not float:  # many numbers as one
                found = value.each(apply, values, takes_list=takes_list)
                return _check_bound(found, column)
        return _check_bound(apply(values) if takes_list else apply(*values), column)

    return function


# --- compilation -----------------------------------------------------------------------

_ARITHMETIC: Final[dict[type, tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
_COMPARISONS: Final[dict[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CONSTANTS: Final = {"true": True, "false": False}
_REFUSED: Final = {
    "Slice": "a slice",
    "Lambda": "a lambda",
    "NamedExpr": "':='",
    "Starred": "'*' before a value",
    "JoinedStr": "a string",
    "Dict": "a dict",
    "Set": "a set",
    "Tuple": "a tuple",
}


class _Compiler:
    """Compiles allowed syntax to nested closures; each takes a scope and returns a value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.indent = len(text) - len(text.lstrip())
        self.names: set[str] = set()

    def column(self, node: ast.expr) -> int:
        """The offset of a node in the text, in characters; the parser counts bytes."""
        return self.indent + len(self.text.lstrip().encode()[: node.col_offset].decode())

    def refuse(self, what: str, node: ast.expr, advice: str = _ALLOWED) -> NoReturn:
        """Raises ExpressionError for syntax that is not allowed."""
        if found := _habit(self.text):
            raise ExpressionError(*found, self.column(node))
        raise ExpressionError(f"{what} is not part of an expression", advice, self.column(node))

    def code(self, node: ast.expr) -> _Code:
        """The closure of a node, made by the method ``of_<type>``."""
        kind = type(node).__name__
        method = getattr(self, f"of_{kind.lower()}", None)
        if method is None:
            what = "a comprehension" if kind.endswith(("Comp", "Exp")) else f"'{kind.lower()}'"
            self.refuse(_REFUSED.get(kind, what), node)
        code: _Code = method(node)
        return code

    def of_constant(self, node: ast.Constant) -> _Code:
        value = node.value
        if type(value) not in (int, float, bool):
            self.refuse("a string" if isinstance(value, str | bytes) else f"'{value}'", node)
        _check_bound(value, self.column(node))
        return lambda _: value

    def of_name(self, node: ast.Name) -> _Code:
        name, column = node.id, self.column(node)
        if name in _CONSTANTS:
            value = _CONSTANTS[name]
            return lambda _: value
        self.names.add(name)

        def look_up(scope: Scope) -> Any:
            try:
                value = scope[name]
            except KeyError:
                value = _size(name, INPUT, scope, column)
            return _check_bound(value, column) if type(value) in (int, float) else value

        return look_up

    def of_attribute(self, node: ast.Attribute) -> _Code:
        """``block.in_channels`` and the like: of the tensor that enters the block."""
        if not isinstance(node.value, ast.Name) or node.value.id != "block":
            self.refuse("an attribute", node)
        name, column = node.attr, self.column(node)
        self.names.add(f"block.{name}")
        return lambda scope: _size(name, BLOCK, scope, column)

    def of_list(self, node: ast.List) -> _Code:
        items = [self.code(item) for item in node.elts]
        others = [k for k, item in enumerate(node.elts) if not isinstance(item, ast.List)]

        def values(scope: Scope) -> list[Any]:
            found = [item(scope) for item in items]
            spend_values([found[k] for k in others])  # those within have spent theirs
            return found

        return values

    def of_binop(self, node: ast.BinOp) -> _Code:
        if type(node.op) not in _ARITHMETIC:
            advice = "write ** for a power" if isinstance(node.op, ast.BitXor) else _ALLOWED
            self.refuse("an operator on bits or matrices", node, advice)
        sign, apply = _ARITHMETIC[type(node.op)]
        left, column = self.code(node.left), self.column(node)
        right, right_column = self.code(node.right), self.column(node.right)
        user = f"'{sign}'"

        def binary(scope: Scope) -> Any:
            a, b = left(scope), right(scope)
            if type(a) is not int or type(b) is not int:
                _check_number(a, column, user)
                _check_number(b, right_column, user)
            if sign == "**":
                _check_exponent(b, right_column)
            try:
                value = apply(a, b)
            except ZeroDivisionError:
                raise ExpressionError(f"{a} {sign} {b} divides by zero", "", right_column) from None
            except OverflowError:
                value = BOUND
            # The most common case is checked inline, to save a call.
            return (
                value
                if type(value) is int and -BOUND < value < BOUND
                else _check_bound(value, column)
            )

        return binary

    def of_unaryop(self, node: ast.UnaryOp) -> _Code:
        if isinstance(node.op, ast.Not):
            condition = self.condition(node.operand)
            return lambda scope: not condition(scope)
        if isinstance(node.op, ast.Invert):
            self.refuse("'~'", node)
        operand, column = self.code(node.operand), self.column(node)
        if isinstance(node.op, ast.UAdd):
            return lambda scope: _check_number(operand(scope), column, "'+'")
        return lambda scope: -_check_number(operand(scope), column, "'-'")

    def of_compare(self, node: ast.Compare) -> _Code:
        operands = [node.left, *node.comparators]
        if not all(type(op) in _COMPARISONS for op in node.ops):
            self.refuse("'in' or 'is'", node)
        first, *rest = [(self.code(o), self.column(o), self.segment(o)) for o in operands]
        steps = list(zip((_COMPARISONS[type(op)] for op in node.ops), rest, strict=True))

        def compare(scope: Scope) -> bool:
            left = _check_comparable(first[0](scope), first[1], first[2])
            for holds, (code, column, text) in steps:
                right = _check_comparable(code(scope), column, text)
                if (type(left) is bool) is not (type(right) is bool):
                    message = f"{_describe(left)} and {_describe(right)} cannot be compared"
                    raise ExpressionError(message, "compare numbers with numbers", column)
                if not holds(left, right):
                    return False
                left = right
            return True

        return compare

    def of_boolop(self, node: ast.BoolOp) -> _Code:
        conditions = [self.condition(value) for value in node.values]
        if isinstance(node.op, ast.And):
            return lambda scope: all(condition(scope) for condition in conditions)
        return lambda scope: any(condition(scope) for condition in conditions)

    def of_ifexp(self, node: ast.IfExp) -> _Code:
        test, then, otherwise = (
            self.condition(node.test),
            self.code(node.body),
            self.code(node.orelse),
        )
        return lambda scope: then(scope) if test(scope) else otherwise(scope)

    def of_subscript(self, node: ast.Subscript) -> _Code:
        items, index, column = self.code(node.value), self.code(node.slice), self.column(node.slice)
        return lambda scope: _item(items(scope), index(scope), column)

    def of_call(self, node: ast.Call) -> _Code:
        if not isinstance(node.func, ast.Name):
            self.refuse("a call of anything but a function's name", node)
        if node.keywords:
            self.refuse("an argument with a name", node, "give the values in their order")
        name, column = node.func.id, self.column(node)
        arguments = [self.code(argument) for argument in node.args]
        if name in FUNCTIONS:
            function = _function(name, len(arguments), column)
            return lambda scope: function([argument(scope) for argument in arguments])
        self.names.add(f"{name}()")

        def call(scope: Scope) -> Any:
            own = scope.get(f"{name}()")
            if own is None:
                raise no_function(name, scope, column)
            return own([argument(scope) for argument in arguments], column)

        return call

    def condition(self, node: ast.expr) -> Callable[[Scope], bool]:
        """The closure of a condition, which raises ExpressionError unless it is a boolean."""
        code, column, text = self.code(node), self.column(node), self.segment(node)

        def check(scope: Scope) -> bool:
            value = code(scope)
            if value is True or value is False:
                return bool(value)
            if value is UNKNOWN:
                raise _not_known(text, column)
            message = f"'{text}' is {_describe(value)}, not true or false"
            raise ExpressionError(message, f"compare with 0: {text} != 0", column)

        return check

    def segment(self, node: ast.expr) -> str:
        """The source text of a node."""
        data = self.text.lstrip().encode()
        return data[node.col_offset : node.end_col_offset].decode()


def _size(name: str, of: str, scope: Scope, column: int) -> Any:
    """A size of the tensor that is read, or that enters the block; raises ExpressionError."""
    try:
        found = size_of(name, scope.get(of))
    except NoSize as error:
        raise ExpressionError(error.message, error.help, column) from None
    if found is None:
        raise _unknown(name if of == INPUT else f"block.{name}", scope, column)
    return found


def no_function(name: str, scope: Iterable[str], column: int = 0) -> ExpressionError:
    """The error for a function that neither the language nor the file has."""
    own = [each.removesuffix("()") for each in scope if each.endswith("()")]
    advice = advise(name, [*FUNCTIONS, *own], "functions:")
    return ExpressionError(f"there is no function '{name}'", advice, column)


def _unknown(name: str, scope: Scope, column: int) -> ExpressionError:
    current().spend(1 + len(scope) // 16, "names that are not known")
    names = sorted(each for each in scope if each.isidentifier())
    known = ", ".join(names[:_LISTED]) + ", …" * (len(names) > _LISTED)
    advice = advise(name, names, f"known here: {known or 'nothing'}")
    return ExpressionError(f"the name '{name}' is not known", advice, column, "unknown-name")


def _not_known(text: str, column: int) -> ExpressionError:
    return ExpressionError(f"'{text}' is not known", "state the input's size", column)


def _check_comparable(value: Any, column: int, text: str) -> Any:
    """``value`` if it is a known number or a bool; raises ExpressionError otherwise."""
    if value is UNKNOWN:
        raise _not_known(text, column)
    return value if type(value) is bool else _check_number(value, column, "a comparison")


def _check_exponent(exponent: Any, column: int) -> None:
    """Raises ExpressionError above the largest exponent, so a power has at most 62 · 64 bits."""
    if exponent is not UNKNOWN and abs(exponent) > LARGEST_EXPONENT:
        message = f"the exponent {exponent} is beyond {LARGEST_EXPONENT}"
        raise ExpressionError(message, "use a smaller exponent", column)


def _item(items: Any, index: Any, column: int) -> Any:
    """The item of a list at an index, which may be negative as in Python."""
    if not isinstance(items, list | tuple):
        raise ExpressionError(f"{_describe(items)} has no items", "index a list", column)
    if not isinstance(index, int) or isinstance(index, bool):
        raise ExpressionError(f"the index is {_describe(index)}", "use a whole number", column)
    if not -len(items) <= index < len(items):
        advice = f"use 0 to {len(items) - 1}" if items else "the list is empty"
        raise ExpressionError(f"index {index} of a list of {len(items)}", advice, column)
    return items[index]
