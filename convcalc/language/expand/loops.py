"""Evaluates ``for``, ``if`` and ``repeat`` of an item: in which scopes it runs, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import trunc
from typing import Any

from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import advise
from convcalc.language.parse.tree import FORM_KEYS, Item
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import Evaluator, free_names, value_of
from convcalc.model.graph.network import form_of
from convcalc.model.operators.values import format_value
from convcalc.model.quantities.unknown import UNKNOWN

Scope = dict[str, Any]
Lookup = Callable[[nodes.Scalar], Any]  # the tensor that a word names, a list of them, or None


def loop_scopes(item: Item, scope: Scope, named: Lookup) -> tuple[int, Iterator[Scope]]:
    """The number of rounds of ``for`` and a scope for each; one copy if there is no ``for``."""
    if not item.loops:
        return 1, iter([dict(scope)])
    lists = {name: _values(node, scope, named) for name, node in item.loops}
    first, count = item.loops[0][0], len(lists[item.loops[0][0]])
    for name, node in item.loops:
        if len(lists[name]) != count:
            message = f"'{name}' has {len(lists[name])} values, but '{first}' has {count}"
            raise rejected("wrong-type", message, node.place, "'for' walks its lists together")
    rounds = ({name: values[i] for name, values in lists.items()} for i in range(count))
    return count, ({**scope, **values, "i": i} for i, values in enumerate(rounds))


def _values(node: nodes.Node, scope: Scope, named: Lookup) -> list[Any]:
    """The list of values of one loop variable; a word that names several tensors is all of them."""
    if isinstance(node, nodes.Sequence):
        values: list[Any] = []
        for part in node.items:
            found = _named(part, named)
            several = found if isinstance(found, list) else [found]
            values += [_value(part, scope)] if found is None else several
        return values
    values = _named(node, named)
    if values is None:
        values = _value(node, scope)
    if not isinstance(values, list):
        raise rejected("wrong-type", f"'for' needs a list, not {format_value(values)}", node.place)
    return values


def _named(node: nodes.Node, named: Lookup) -> Any:
    """The tensor that a word names, or a list of them; None if it names none."""
    return named(node) if isinstance(node, nodes.Scalar) and isinstance(node.value, str) else None


def _value(node: nodes.Node, scope: Scope) -> Any:
    """The value of an expression."""
    for name, where in free_names(node).items():
        if name not in scope:
            message = f"unknown name '{name}'"
            raise rejected("unknown-name", message, where.place, advise(name, scope))
    return value_of(node, scope)


def condition_holds(condition: tuple[Evaluator, nodes.Node] | None, scope: Scope) -> bool:
    """Whether an ``if`` is true or absent; Rejected if it is not a boolean."""
    if condition is None:
        return True
    evaluate, node = condition
    value = evaluate(scope)
    if value is UNKNOWN:
        raise _not_known("'if'", node)
    if not isinstance(value, bool):
        message = f"'if' is {format_value(value)}, but must be true or false"
        raise rejected("wrong-type", message, node.place, "compare it, for instance 'n > 0'")
    return value


def stated_form(item: Item, scope: Scope) -> str:
    """The value of ``functional`` or ``subclass`` of an item, or of its parts."""
    forms = {part: _form(given, scope) for part, given in item.form.items()}
    return forms.pop("") if "" in forms else form_of(forms)


def _form(given: tuple[Evaluator, nodes.Node, str], scope: Scope) -> str:
    """One form in code; Rejected unless it is a boolean or a word."""
    evaluate, node, key = given
    value = evaluate(scope)
    if value is UNKNOWN:
        raise _not_known(f"'{key}'", node)
    form, *words = FORM_KEYS[key]
    if isinstance(value, bool):
        return form if value else ""
    if value not in words:
        choices = ", ".join(["true", "false", *words])
        message = f"'{key}' is {format_value(value)}, but must be one of: {choices}"
        raise rejected("wrong-type", message, node.place)
    return str(value)


def repeat_count(repeat: tuple[Evaluator, nodes.Node] | None, scope: Scope) -> int:
    """The value of ``repeat``, 1 if it is absent; Rejected unless it is an integer from 0."""
    if repeat is None:
        return 1
    evaluate, node = repeat
    count = evaluate(scope)
    if count is UNKNOWN:
        raise _not_known("repeat", node)
    if isinstance(count, float) and count.is_integer():
        count = trunc(count)
    if isinstance(count, bool) or not isinstance(count, int):
        advice = "use // or round" if isinstance(count, float) else ""
        message = f"repeat is {format_value(count)}, but must be an integer"
        raise rejected("wrong-type", message, node.place, advice)
    if count < 0:
        raise rejected("out-of-range", f"repeat is {count}, but must be at least 0", node.place)
    return count


def _not_known(what: str, node: nodes.Node) -> Rejected:
    message = f"{what} depends on a size that is not known"
    return Rejected(Diagnostic("bad-expression", message, node.place), needs_input=True)
