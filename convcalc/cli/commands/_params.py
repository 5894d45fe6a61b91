"""The params of a network, for ``convcalc list params``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from convcalc.cli.console import Failure
from convcalc.cli.naming import target_of
from convcalc.importing.opening import open_source
from convcalc.language.reading import NetworkSource
from convcalc.model.operators.values import format_value

if TYPE_CHECKING:
    from convcalc.language.file_facts import NetworkFile
    from convcalc.language.parse.tree import Param


class ParamEntry(NamedTuple):
    """A param, with its value as the file or the variant has it."""

    name: str
    value: str
    type: str
    allowed: str
    description: str


def params_of_network(word: str) -> tuple["NetworkFile", list[ParamEntry]]:
    """The network of a target, and its params; raises Failure for a model, which has none."""
    target = target_of(word)
    source = open_source(target)
    if not isinstance(source, NetworkSource):
        raise Failure(f"{word} is a model, which has no params", "'convcalc import' makes a file")
    network = source.network()
    if source.document is None:
        return network, []
    unit = source.document.unit
    return network, [_entry(param, unit.scope.get(name)) for name, param in unit.params.items()]


def _entry(param: "Param", value: object) -> ParamEntry:
    shown = "?" if value is None else format_value(value)
    return ParamEntry(param.name, shown, param.kind, ", ".join(_allowed(param)), param.help)


def _allowed(param: "Param") -> Iterator[str]:
    """Yield what a value must be, besides its type."""
    if param.minimum is not None:
        yield f"≥ {format_value(param.minimum)}"
    if param.maximum is not None:
        yield f"≤ {format_value(param.maximum)}"
    if param.multiple_of is not None:
        yield f"multiple of {format_value(param.multiple_of)}"
    if param.choices is not None:
        yield f"one of {', '.join(map(format_value, param.choices))}"
