"""Reads the type key of an item and its arguments: an operator's fields or a block's params.

All problems of a call are reported together. Whatever can be checked without knowing a shape is
checked here, once per place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import partial

from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.rejection import Recovered, Rejected, gather, rejected
from convcalc.diagnostics.suggestion import UnknownName, listing, nearest, use
from convcalc.language.parse.coercion import field_evaluator, field_words
from convcalc.language.parse.tree import COMPOSITES, Argument, Block, Item, Reference, Unit
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import evaluator, free_names, suffixed_number
from convcalc.language.syntax.expressions import no_function
from convcalc.language.syntax.sizes import AXES, PREFIX, SIZES
from convcalc.model.operators.contract import Operator
from convcalc.model.operators.fields import Field
from convcalc.model.operators.registry import families, fields_of, operator_class
from convcalc.model.operators.words import (
    Misfit,
    Vocabulary,
    field_vocabulary,
    guess_operator,
    match_words,
    unknown_operator,
)

Names = frozenset[str]
_LISTED = 60  # names in a message


def read_operator_call(item: Item, value: nodes.Node | None, names: Names, unit: Unit) -> None:
    """Reads an operator with its fields, or with a list of inputs, into ``item``."""
    item.operator, misnamed = _operator(item, unit)
    declared = fields_of(item.operator)
    if isinstance(value, nodes.Sequence) and item.operator.arity[1] != 1:
        if item.sources:
            message = f"'{item.type}' has its inputs twice: as a list and with 'from'"
            raise rejected("duplicate-key", message, value.place)
        item.sources = references(value, item.type)
        value = None

    def read(argument: Argument) -> None:
        argument.field = field = declared[argument.name]
        if field.kind == "layer":
            argument.reference = reference(argument.node, argument.name)
            return
        try:
            require_names(argument.node, names, _words(field, argument.node))
            argument.evaluate = field_evaluator(field, argument.node)
        except Rejected as error:
            raise _python_none(field, argument.node) or error from None

    try:
        problems = _read_arguments(item, value, field_vocabulary(declared), read)
    except Rejected as error:
        if not misnamed:
            raise
        found = [each for each in error.diagnostics if each.name != "missing-key"]
        raise Rejected(*misnamed, *found) from None
    item.kind = "operator"
    if misnamed or problems:
        raise Recovered(*misnamed, *problems)


def read_block_call(item: Item, value: nodes.Node | None, names: Names, unit: Unit) -> None:
    """Reads a call of a block, of this file or of an import, into ``item``."""
    item.block = block = _block(item, unit)
    required = [name for name, param in block.params.items() if param.default is None]
    vocabulary = Vocabulary(block.params.keys(), {}, required)

    def read(argument: Argument) -> None:
        param = block.params[argument.name]
        if param.kind == "ref":
            argument.reference = reference(argument.node, argument.name)
            return
        if param.kind == "refs":
            argument.references = references(argument.node, argument.name)
            return
        node = argument.node
        words: tuple[str, ...] = ()
        if param.kind == "str" and isinstance(node, nodes.Scalar) and node.text not in names:
            words = (node.text,)
        require_names(node, names, words)
        argument.evaluate = evaluator(node, words)

    problems = _read_arguments(item, value, vocabulary, read)
    item.kind = "block"
    if problems:
        raise Recovered(*problems)


def _words(field: Field, node: nodes.Node) -> tuple[str, ...]:
    """The bare words of a field's value; a word field checks its text itself, later."""
    if isinstance(node, nodes.Scalar) and (
        field.kind == "word" or (field.kind == "count" and suffixed_number(node.text) is not None)
    ):
        return (node.text,)
    return field_words(field)


# --- arguments -------------------------------------------------------------------------------


def _read_arguments(
    item: Item,
    value: nodes.Node | None,
    vocabulary: Vocabulary,
    read: Callable[[Argument], None],
) -> list[Diagnostic]:
    """Reads the given arguments into ``item``; returns problems despite which all are known.

    Rejected with all problems if what was meant is not clear.
    """
    entries: list[tuple[nodes.Scalar, nodes.Node]] = []
    if isinstance(value, nodes.Mapping):
        entries = value.entries
    elif value is not None:
        raise Rejected(_no_mapping(item, value, vocabulary))
    whole = value is None or value.whole
    keys = [key for key, _ in entries]
    words = [key.text for key in keys]
    given, misfits = match_words(item.type, words, vocabulary, whole=whole)
    problems = [_misfit(wrong, keys, item.place) for wrong in misfits]
    found = [Argument(name, entries[at][1], keys[at].place) for name, at in given.items()]
    clear = whole and (not misfits or all(wrong.clear for wrong in misfits))
    try:
        gather(partial(read, argument) for argument in found)
    except Rejected as error:
        problems += error.diagnostics
        clear = False
    if not clear:
        raise Rejected(*problems)
    item.arguments = found
    return problems


def _misfit(wrong: Misfit, keys: list[nodes.Scalar], whole: Place) -> Diagnostic:
    """The diagnostic of a wrong or missing key."""
    place = keys[wrong.at].place if wrong.at >= 0 else whole
    first = (Related(keys[wrong.first].place, "first given here"),) if wrong.first >= 0 else ()
    return Diagnostic(wrong.name, wrong.message, place, wrong.help, first)


LISTS = ("shape", "ints")  # kinds of fields whose value is a list of its own


def _no_mapping(item: Item, value: nodes.Node, vocabulary: Vocabulary) -> Diagnostic:
    from convcalc.language.parse.calls import fields_text  # for errors alone

    advice = f"'{item.type}' has no fields: remove the value"
    if vocabulary.valid:
        fields = fields_of(item.operator) if item.operator else {}
        lists = {name for name, field in fields.items() if field.kind in LISTS}
        advice = f"write '{fields_text(value, vocabulary, item.word, lists)}'"
    message = f"the fields of '{item.type}' must be a mapping"
    return Diagnostic("wrong-type", message, value.place, advice)


def _python_none(field: Field, node: nodes.Node) -> Rejected | None:
    """The exception for Python's ``None``, with what the field takes instead; None for others."""
    if not isinstance(node, nodes.Scalar) or node.text != "None":
        return None
    word = {"bool": "false", "padding": "0"}.get(field.kind, "null")
    return rejected("bad-expression", "'None' is a word of Python", node.place, f"write '{word}'")


# --- types -----------------------------------------------------------------------------------


def is_type(text: str, unit: Unit) -> bool:
    """Whether a key names an operator, a block or a composite."""
    if text in COMPOSITES or text in unit.blocks or text.partition(".")[0] in unit.imports:
        return True
    return text in families()


def _operator(item: Item, unit: Unit) -> tuple[type[Operator], list[Diagnostic]]:
    """The operator that a type key names, or clearly means, and what is wrong with the name."""
    try:
        return operator_class(item.type), []
    except UnknownName:
        wrong = unknown_type(item, unit)
    meant = guess_operator(item.type)
    if meant not in families():
        raise Rejected(wrong)
    item.type = item.name = meant
    return operator_class(meant), [wrong]


def unknown_type(item: Item, unit: Unit) -> Diagnostic:
    """The problem of a type key that names nothing."""
    message, advice = unknown_operator(item.type, [*COMPOSITES, *unit.blocks])
    if "(" in item.type or "=" in item.type:
        from convcalc.language.parse.calls import call_text

        if text := call_text(item.type):
            advice = f"write '{text}'"
            message = "a layer is a key with fields, not a call"
    return Diagnostic("unknown-operator", message, item.place, advice)


def _block(item: Item, unit: Unit) -> Block:
    """The block that a type key names; Rejected if unknown, silently if its import failed."""
    if "(" in item.type:
        raise Rejected(unknown_type(item, unit))
    namespace, _, name = item.type.rpartition(".")
    home: Unit | None = unit
    if namespace:
        if namespace not in unit.imports:
            close = nearest(namespace, unit.imports)
            if not close and guess_operator(item.type):
                raise Rejected(unknown_type(item, unit))
            close = close or _home_of(name, unit)
            advice = use(f"{close}.{name}") if close else "add the file under 'imports:'"
            message = f"unknown import '{namespace}'"
            raise rejected("unknown-name", message, item.place, advice)
        home = unit.imports[namespace]
    if home is None:
        raise Rejected
    if name in home.blocks:
        return home.blocks[name]
    close = nearest(name, home.blocks)
    if close:
        close = f"{namespace}.{close}" if namespace else close
    elif not namespace:
        if found := _home_of(name, unit):
            message = f"unknown block '{name}'"
            raise rejected("unknown-name", message, item.place, use(f"{found}.{name}"))
        advice = unknown_operator(name)[1]
        if not advice.startswith("'convcalc list"):
            raise rejected("unknown-operator", f"unknown operator '{name}'", item.place, advice)
    listed = f"blocks here: {listing(home.blocks)}" if home.blocks else "define it under 'blocks:'"
    message = f"unknown block '{item.type}'"
    raise rejected("unknown-name", message, item.place, use(close) if close else listed)


def _home_of(block: str, unit: Unit) -> str:
    """The namespace of an import that has a block of that name; empty if none has."""
    homes = (name for name, home in unit.imports.items() if home and block in home.blocks)
    return next(homes, "")


# --- names -----------------------------------------------------------------------------------


def require_names(node: nodes.Node, names: Names, words: tuple[str, ...] = ()) -> None:
    """Rejects expressions that use undefined names."""
    problems = []
    for name, where in free_names(node, words).items():
        if name in names or name in SIZES:
            continue
        if name.endswith("()"):
            problems.append(_no_function(name, where, names))
            continue
        advice = ""
        if name == "i":
            advice = "'i' exists only in an item with 'repeat' or 'for'"
        elif name.lower() in words:
            advice = use(name.lower())
        elif words and (meant := _value_meant(name, words)):
            advice = use(meant)
        elif close := nearest(name, [*names, *words, "true", "false", "null"]):
            advice = use(close)
        elif len(names) > _LISTED:
            advice = "define it under 'params'"
        elif names or words:
            advice = f"names in scope: {', '.join(sorted({*names, *words}))}"
        place = place_of(name, where)
        problems.append(Diagnostic("unknown-name", f"unknown name '{name}'", place, advice))
    if problems:
        raise Rejected(*problems)


def _value_meant(word: str, choices: Iterable[str]) -> str:
    from convcalc.model.operators.advice import value_meant  # for errors alone

    return value_meant(word, choices)


def _no_function(name: str, where: nodes.Scalar, names: Names) -> Diagnostic:
    error = no_function(name.removesuffix("()"), names)
    return Diagnostic(error.rule, error.message, place_of(name[:-2], where), error.help)


def hidden_sizes(item: Item, names: Names) -> Iterator[Diagnostic]:
    """Yields a warning for each value that mixes a size of the input and a param called like one.

    ``[c, height, width]`` where ``width`` is a param and ``height`` is none.
    """
    for argument in item.arguments:
        if argument.evaluate is None:
            continue
        node, field = argument.node, argument.field
        if item.block is not None and item.block.params[argument.name].kind == "str":
            continue
        used = free_names(node, _words(field, node) if field else ())
        sizes = {name for name in AXES if name in used and name not in names}
        hidden = [name for name in AXES if name in used and name in names]
        for name in hidden if sizes else ():
            if PREFIX + name in used or not _goes_with(name, sizes, node):
                continue
            beside = min(sizes)
            message = f"'{name}' is a param here, but '{beside}' beside it is the size of the input"
            advice = f"'{PREFIX}{name}' is always the size; or give the param another name"
            yield Diagnostic("hidden-size", message, place_of(name, used[name]), advice)


def _goes_with(name: str, sizes: AbstractSet[str], node: nodes.Node) -> bool:
    """Whether a name is that of a size too, where ``sizes`` are: maps have no depth."""
    if name == "depth":
        return len(sizes) == 2 and isinstance(node, nodes.Sequence) and len(node.items) == 4
    return not sizes.isdisjoint({"height", "width"})


def references(node: nodes.Node | None, key: str) -> list[Reference]:
    """Reads references to tensors: one name, or a list of names."""
    if node is None:
        return []
    parts = node.items if isinstance(node, nodes.Sequence) else [node]
    found = []
    for each in parts:
        if not isinstance(each, nodes.Scalar) or not isinstance(each.value, str):
            message = f"'{key}' needs the id of a layer, 'prev' or 'input'"
            raise rejected("wrong-type", message, each.place)
        found.append(Reference(each.text, each.place))
    return found


def reference(node: nodes.Node, key: str) -> Reference:
    """Reads a reference to exactly one tensor."""
    found = references(node, key)
    if len(found) != 1:
        message = f"'{key}' names {len(found)} tensors, but needs one"
        raise rejected("wrong-type", message, node.place)
    return found[0]


def place_of(name: str, where: nodes.Scalar) -> Place:
    """The place of a name in the text of a scalar; the whole scalar if it is quoted."""
    found = re.search(rf"\b{re.escape(name)}\b", where.text)
    if not found or not where.plain or not where.place.end:
        return where.place
    column = where.place.column + found.start()
    return where.place._replace(column=column, end=column + len(name))
