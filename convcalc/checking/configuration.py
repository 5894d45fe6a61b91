"""Settings of a project: ``convcalc.toml``, or ``[tool.convcalc]`` in ``pyproject.toml``.

Only the settings file closest to the checked file counts; settings are never merged. Files outside
the project (the folder with ``.git``) are not read, so that results do not depend on the machine.
An unknown key is an error: a misspelt setting would have no effect.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from convcalc.checking import FORMATS
from convcalc.checking.patterns import Pattern, parse_patterns
from convcalc.checking.trees import Tree
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.suggestion import advise
from convcalc.language.limits import Limits
from convcalc.language.sources.gate import SETTINGS_BYTES
from convcalc.language.sources.project import project, upward
from convcalc.language.sources.target import TargetError, unreadable
from convcalc.language.syntax import document_limits
from convcalc.model.quantities.number_text import DTYPES

OWN, SHARED = "convcalc.toml", "pyproject.toml"
EVERYTHING = "CC"  # the prefix of all codes
ALL = "all"
SHOWN = ("depth", "columns", "dtype", "convention", "count", "memory")  # of 'show' and others
SEVERITIES = ("error", "warning", "ignore")


class Configuration(NamedTuple):
    """The settings of one file; its paths and patterns are relative to ``folder``.

    ``shown`` are those of SHOWN, as the flags of the commands that show numbers take them.
    ``table`` is the content of the file as it was read, ``text`` its text.
    """

    file: str = ""
    folder: str = ""
    select: tuple[str, ...] = (EVERYTHING,)
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}
    per_file_ignores: tuple[tuple[Pattern, tuple[str, ...]], ...] = ()
    exclude: tuple[Pattern, ...] = ()
    models: tuple[Pattern, ...] = ()
    respect_gitignore: bool = True
    budgets: str = ""
    variant: str = ALL
    strict: bool = False
    output_format: str = ""
    limits: Limits = Limits()
    shown: Mapping[str, str] = {}
    table: Mapping[str, Any] = {}
    text: str = ""

    def is_selected(self, code: str) -> bool:
        """Whether a rule is looked for; the longest beginning of a code decides."""
        return is_chosen(code, self.select, self.ignore)


class Configurations:
    """The settings of all folders of a tree; each file is read once.

    ``option`` is the file of ``--config``, which then holds for all folders; its paths and patterns
    count from the current folder. ``isolated`` means that no file holds.
    """

    def __init__(self, tree: Tree, option: str = "", *, isolated: bool = False) -> None:
        self.tree = tree
        self.found: dict[str, Configuration] = {}
        self.fixed: Configuration | None = None
        here = project().start if isolated or option else ""
        if option:
            table, text = self.load(option)
            tools = table.get("tool", {})
            is_shared = isinstance(tools, dict) and "convcalc" in tools
            if is_shared or os.path.basename(option) == SHARED:
                table = tools.get("convcalc", {}) if isinstance(tools, dict) else {}
            self.fixed = configuration(table, tree.name(option), here, text)
        elif isolated:
            self.fixed = Configuration(folder=here)

    def of(self, folder: str) -> Configuration:
        """Return the settings for the files of a folder.

        Raises TargetError if the settings file cannot be read or is wrong.
        """
        if self.fixed is not None:
            return self.fixed
        try:
            real = project().real(folder or os.curdir)
        except OSError as error:
            raise unreadable(folder or os.curdir, error) from None
        passed: list[str] = []
        found = Configuration(folder=real)
        for at in upward(real):
            if at in self.found:
                found = self.found[at]
                break
            passed.append(at)
            here = self.at(at)
            found = here or Configuration(folder=at)
            if here or self.tree.is_top(at):
                break
        self.found |= dict.fromkeys(passed, found)
        return found

    def at(self, folder: str) -> Configuration | None:
        """Return the settings that are in a folder itself, if any."""
        own, shared = (os.path.join(folder, name) for name in (OWN, SHARED))
        if self.tree.is_file(own):
            table, text = self.load(own)
            return configuration(table, self.tree.name(own), folder, text)
        if self.tree.is_file(shared):
            table, text = self.load(shared)
            tools = table.get("tool", {})
            if isinstance(tools, dict) and "convcalc" in tools:
                return configuration(tools["convcalc"], self.tree.name(shared), folder, text)
        return None

    def load(self, path: str) -> tuple[dict[str, Any], str]:
        """Parse a TOML file; raises TargetError if it cannot be read."""
        from convcalc.language.syntax.toml import parse

        name = self.tree.name(path)
        try:
            text = self.tree.read(path, SETTINGS_BYTES).decode()
            return parse(text), text
        except OSError as error:
            raise unreadable(name, error) from None
        except (ValueError, RecursionError) as error:
            words = str(error)
            raise TargetError(f"{name} is not TOML: {words[:1].lower()}{words[1:]}") from None


def is_chosen(code: str, select: Iterable[str], ignore: Iterable[str]) -> bool:
    """Whether the longest beginning of a code that either lists is one of ``select``."""
    return _longest(code, select) > _longest(code, ignore)


def _longest(code: str, beginnings: Iterable[str]) -> int:
    """Return the length of the longest prefix of a code; 0 if none is a prefix."""
    return max((len(each) for each in beginnings if code.startswith(each)), default=0)


def configuration(
    table: Any, file: str, folder: str | None = None, text: str = ""
) -> Configuration:
    """Return the settings of a TOML table; ``folder`` is where paths count from.

    Raises TargetError for an unknown key or a value of the wrong type, and if no rule is left.
    """
    reader = _Reader(file)
    values = reader.values(table, _KEYS, "")
    shown = {key: values.pop(key) for key in SHOWN if key in values}
    where = os.path.dirname(file) if folder is None else folder
    found = Configuration(file, where, **values, shown=shown, table=table, text=text)
    if not any(map(found.is_selected, RULES)):
        key = "ignore" if found.select else "select"
        raise TargetError(f"{file}: '{key}' leaves no rule to look for")
    return found


class _Reader:
    """Checks the values of one settings file and converts them."""

    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, key: str, wanted: str, advice: str = "") -> TargetError:
        return TargetError(f"{self.file}: '{key}' {wanted}", advice)

    def values(
        self, table: Any, readers: Mapping[str, Callable[..., Any]], prefix: str
    ) -> dict[str, Any]:
        """Convert each value with the reader of its key; hyphens in keys become underscores."""
        if not isinstance(table, dict):
            raise self.error(prefix.rstrip(".") or "convcalc", "is a table")
        found = {}
        for key, value in table.items():
            if key not in readers:
                advice = advise(key, readers, "valid keys:")
                raise TargetError(f"{self.file}: unknown key '{prefix}{key}'", advice)
            found[key.replace("-", "_")] = readers[key](self, f"{prefix}{key}", value)
        return found

    # --- kinds of values ----------------------------------------------------------------------

    def text(self, key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self.error(key, "must be a text")
        return value

    def flag(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, "must be a list of texts")
        return tuple(value)

    def codes(self, key: str, value: Any) -> tuple[str, ...]:
        return check_codes(self.texts(key, value), f"{self.file}: '{key}'")

    def paths(self, key: str, value: Any) -> tuple[Pattern, ...]:
        return parse_patterns(self.texts(key, value))

    def words(self, key: str, value: Any) -> str:
        """Return a text, or a list of texts divided by commas, as the flag takes them."""
        return self.text(key, value) if isinstance(value, str) else ",".join(self.texts(key, value))

    def depth(self, key: str, value: Any) -> str:
        if value != ALL and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise self.error(key, "must be a whole number from 1, or 'all'")
        return str(value)

    def dtype(self, key: str, value: Any) -> str:
        if value not in DTYPES:
            raise self.error(key, f"must be one of: {', '.join(DTYPES)}")
        return str(value)

    def severities(self, key: str, value: Any) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise self.error(key, "must be a table of codes")
        for code, word in value.items():
            check_codes([code], f"{self.file}: '{key}'")
            if word not in SEVERITIES:
                raise self.error(f"{key}.{code}", f"must be one of: {', '.join(SEVERITIES)}")
        return value

    def per_file(self, key: str, value: Any) -> tuple[tuple[Pattern, tuple[str, ...]], ...]:
        if not isinstance(value, dict):
            raise self.error(key, "must be a table of patterns")
        return tuple(
            (each, self.codes(f"{key}.{text}", listed))
            for text, listed in value.items()
            for each in parse_patterns([text])
        )

    def format(self, key: str, value: Any) -> str:
        if value not in FORMATS:
            raise self.error(key, f"must be one of: {', '.join(FORMATS)}")
        return str(value)

    def positive(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(key, "must be a whole number from 1")
        return value

    def limits(self, key: str, value: Any) -> Limits:
        most = {
            **document_limits.Limits()._asdict(),
            "layers": Limits().layers,
            "work": Limits().work,
        }
        found = self.values(value, dict.fromkeys(most, _Reader.positive), f"{key}.")
        for name, number in found.items():
            if number > most[name]:
                wanted = f"is {number:,}, and settings only lower a limit, here of {most[name]:,}"
                raise self.error(f"{key}.{name}", wanted, f"allow it by --limit {name}={number}")
        layers, work = (found.pop(name, most[name]) for name in ("layers", "work"))
        return Limits(document_limits.Limits()._replace(**found), layers, work)


_KEYS: Mapping[str, Callable[..., Any]] = {
    "select": _Reader.codes,
    "ignore": _Reader.codes,
    "severity": _Reader.severities,
    "per-file-ignores": _Reader.per_file,
    "exclude": _Reader.paths,
    "models": _Reader.paths,
    "respect-gitignore": _Reader.flag,
    "budgets": _Reader.text,
    "variant": _Reader.text,
    "strict": _Reader.flag,
    "output-format": _Reader.format,
    "limits": _Reader.limits,
    "depth": _Reader.depth,
    "columns": _Reader.words,
    "dtype": _Reader.dtype,
    "convention": _Reader.text,
    "count": _Reader.words,
    "memory": _Reader.words,
}
KEYS = tuple(_KEYS)


def check_codes(words: list[str] | tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return codes or prefixes of codes, such as CC, CC2 or CC204, if rules have them.

    ``what`` names the option or key in the message of the TargetError that is raised otherwise.
    """
    for word in words:
        if not any(code.startswith(word) for code in RULES) or not word.startswith(EVERYTHING):
            advice = advise(word.upper(), RULES, "'convcalc list rules' shows them all")
            raise TargetError(f"{what} names '{word}', which is not a rule", advice)
    return tuple(words)
