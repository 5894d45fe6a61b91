"""The values of parameters: from the declarations, from the names of files, from a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module

from convcalc.cli.completion.line import Asked
from convcalc.cli.completion.table import FORMATS

Pairs = Iterable[tuple[str, str]]  # words with what they are
Source = Callable[[Asked], Pairs]


def values_of(asked: Asked) -> list[tuple[str, str]] | None:
    """The values of a parameter; None where names of files are meant."""
    source = _OF_COMMAND.get((asked.command, asked.param)) or _OF_PARAM.get(asked.param)
    if source is None:
        return None if asked.param in _FILES else []
    return list(source(asked))


def _words(*words: str) -> Source:
    return lambda _: [(word, "") for word in words]


def _plain(words: Iterable[str]) -> Pairs:
    return [(word, "") for word in words]


def _listed(source: Source) -> Source:
    """A list divided by commas, of which the last word is completed."""

    def found(asked: Asked) -> Pairs:
        at = max(asked.word.rfind(mark) for mark in ",+") + 1
        head = asked.word[:at]
        taken = set(head.replace("+", ",").split(","))
        return [(head + word, about) for word, about in source(asked) if word not in taken]

    return found


# --- from the declarations -----------------------------------------------------------------------


def _formats(asked: Asked) -> Pairs:
    return _plain(FORMATS.get(asked.command, ()))


def _columns(asked: Asked) -> Pairs:
    """The columns; those of a device where one is named."""
    from convcalc.output.columns import COLUMNS

    found = [(column.key, column.doc) for column in COLUMNS.values()]
    if asked.given.get("device"):
        from convcalc.output.bound_columns import BOUND_COLUMNS

        found += [(column.key, column.doc) for column in BOUND_COLUMNS.values()]
    return found


def _conventions(asked: Asked) -> Pairs:
    from convcalc.analysis.conventions import OWN, convention_names

    own = [OWN] if asked.param == "versus" else []
    return _plain([*convention_names(), *own])


def _devices(_: Asked) -> Pairs:
    from convcalc.analysis.devices.names import device_names

    return _plain(device_names())


def _runtimes(_: Asked) -> Pairs:
    from convcalc.analysis.devices.names import runtime_names

    return _plain(runtime_names())


def _subjects(asked: Asked) -> Pairs:
    """Devices to show; the file of timings is completed by nobody."""
    return _devices(asked) if "show" in asked.given.get("action", ()) else ()


def _dtypes(_: Asked) -> Pairs:
    from convcalc.model.quantities.number_text import DTYPES

    return [(name, f"{bits} bits") for name, bits in DTYPES.items()]


def _kinds_of_work(_: Asked) -> Pairs:
    from convcalc.model.operators.contract import KINDS

    return _plain(KINDS)


def _memory(_: Asked) -> Pairs:
    from convcalc.model.quantities.assumptions import OPTIMIZERS, OPTIONS

    return [*OPTIONS.items(), *((name, "optimizer") for name in OPTIMIZERS)]


def _limits(_: Asked) -> Pairs:
    from convcalc.diagnostics.work import LIMITS

    return [(f"{name}=", "") for name in LIMITS]


def _rules(_: Asked) -> Pairs:
    from convcalc.diagnostics.codes import RULES

    return [(rule.code, rule.name) for rule in RULES.values()]


def _rule_names(asked: Asked) -> Pairs:
    return [*_rules(asked), *((name, code) for code, name in _rules(asked))]


def _sweep_metrics(_: Asked) -> Pairs:
    from convcalc.analysis.sweeps.metrics import METRICS

    return list(METRICS.items())


def _factors(asked: Asked) -> Pairs:
    """Return what can be swept in the target of the line."""
    return [("input=", "the size of the input"), *_of_network("params")(asked)]


def _metrics(_: Asked) -> Pairs:
    from convcalc.analysis.comparison.tolerance import METRICS

    return [(f"{name}:", "") for name in METRICS]


def _operators(_: Asked) -> Pairs:
    from convcalc.model.operators.registry import operator_names

    return _plain(operator_names())


def _fields(asked: Asked) -> Pairs:
    """Fields of the operator, or behind ``=`` the words that a field takes."""
    from convcalc.model.operators.registry import fields_of, operator_class

    declared = fields_of(operator_class(next(iter(asked.given.get("operator", ())), "")))
    name, equals, _ = asked.word.partition("=")
    if not equals:
        given = {word.partition("=")[0] for word in asked.given.get(asked.param, ())}
        return [
            (f"{key}=", field.doc)
            for key, field in declared.items()
            if not given & {key, field.short}
        ]
    found = [field for key, field in declared.items() if name in (key, field.short)]
    words = _words_of(found[0].kind, found[0].choices) if found else ()
    return [(f"{name}={word}", "") for word in words]


def _words_of(kind: str, choices: tuple[str, ...]) -> Iterable[str]:
    if kind == "bool":
        return ("true", "false")
    if kind == "padding":
        from convcalc.model.geometry.sizes import PADDING_WORDS

        return (*choices, *PADDING_WORDS)
    if kind == "extent":
        return (*choices, "unknown", "global")
    return choices


def _topics(_: Asked) -> Pairs:
    """The topics of the manual, where there is one."""
    try:
        found = import_module("convcalc.output.topics").topics()
    except ImportError:
        return ()
    return [(topic.topic, topic.about) for topic in found.values()]


def _of_module(module: str, name: str) -> Source:
    """The words of a constant of a command."""

    def found(_: Asked) -> Pairs:
        made = getattr(import_module(f"convcalc.{module}"), name)
        return _plain(made() if callable(made) else made)

    return found


# --- from files and networks ---------------------------------------------------------------------


def _of_network(name: str) -> Source:
    """Return what ``networks.py`` finds, which is imported where it is needed."""

    def found(asked: Asked) -> Iterator[tuple[str, str]]:
        module = import_module("convcalc.cli.completion.networks")
        return iter(getattr(module, name)(asked))

    return found


_TARGETS = _of_network("targets")
_LAYERS = _of_network("layers")


def _filter(asked: Asked) -> Pairs:
    """The network whose params are listed; other lists are filtered by any text."""
    return _TARGETS(asked) if "params" in asked.given.get("kind", ()) else ()


_OF_PARAM: Mapping[str, Source] = {
    "output_format": _formats,
    "color": _words("auto", "always", "never"),
    "limit": _listed(_limits),
    **dict.fromkeys(("target", "targets", "paths", "old", "new", "design", "model"), _TARGETS),
    "models": _TARGETS,
    "from_": _TARGETS,
    "variant": _of_network("variants"),
    "set": _of_network("params"),
    "input": _of_network("inputs"),
    "columns": _listed(_columns),
    "sort": _columns,
    "count": _listed(_kinds_of_work),
    "dtype": _dtypes,
    "convention": _conventions,
    "device": _devices,
    "runtime": _runtimes,
    "versus": _conventions,
    "memory": _listed(_memory),
    "depth": _words("1", "2", "3", "all"),
    "by": _of_module("analysis.report.groupings", "GROUPINGS"),
    "operator": _operators,
    "fold_norms": _words("auto", "yes", "no"),
    "together": _words("variants"),
    "select": _listed(_rules),
    "ignore": _listed(_rules),
    "fail_on": _metrics,
    **dict.fromkeys(("largest", "smallest", "nearest", "also", "form"), _of_network("unknowns")),
    "at": _LAYERS,
    "of": _LAYERS,
    "parts": _LAYERS,
    "over": _factors,
    "metrics": _listed(_sweep_metrics),
    "pareto": _listed(_sweep_metrics),
}
_OF_COMMAND: Mapping[tuple[str, str], Source] = {
    ("diff", "depth"): _words("auto", "1", "2", "3", "all"),
    ("layer", "fields"): _fields,
    ("layer", "cost"): _listed(_of_module("analysis.costs", "MODELS")),
    ("sweep", "by"): _sweep_metrics,
    ("get", "path"): _of_network("keys"),
    ("list", "filter"): _filter,
    ("list", "kind"): _of_module("cli.commands.list", "KINDS"),
    ("operator", "name"): _operators,
    ("convention", "name"): _conventions,
    ("rule", "code"): _rule_names,
    ("schema", "kind"): _of_module("cli.commands.schema", "KINDS"),
    ("new", "template"): _of_module("cli.commands.new", "templates"),
    ("export", "to"): _of_module("cli.commands.export", "WRITERS"),
    ("device", "action"): _of_module("cli.commands.device", "ACTIONS"),
    ("device", "subject"): _subjects,
    ("cache", "action"): _of_module("cli.commands.cache", "ACTIONS"),
    ("help", "name"): _topics,
}
# Parameters that name a file or a folder, which the shells complete themselves.
_FILES = frozenset(("output_file", "root", "set_from", "budgets", "config", "summary_file", "svg"))
