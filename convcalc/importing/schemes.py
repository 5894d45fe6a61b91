"""Models that a program has to build: ``torch:…``, ``timm:…``, ``torchvision:…``.

    torch:package.module:callable          a function or a class that gives a module
    torch:package.module:callable(k=v,…)   with arguments: numbers, words, lists, true, none
    timm:NAME   torchvision:NAME           a model of these packages, without weights

The code of that package is run, in a process of its own (:mod:`convcalc.importing.building`). Who
does not trust it must not name it, and ``check`` refuses such targets unless it is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.language.sources.target import Target, TargetError

CODE = ("torch", "timm", "torchvision")
MOST_TEXT = 2000  # characters of a target
MOST_DEPTH = 8  # of lists in lists

_MODULE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_TORCH = re.compile(rf"({_MODULE}):({_MODULE})(?:\((.*)\))?", re.DOTALL)
_NAMED = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\((.*)\))?", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))"""
    r"""|(?P<text>'[^'\\]*'|"[^"\\]*")|(?P<word>[A-Za-z_][\w.-]*)|(?P<mark>[=,()\[\]]))"""
)
_WORDS = {"true": True, "false": False, "none": None}


class Recipe(NamedTuple):
    """The model to build: an attribute of a module, or a model of a package by its name."""

    scheme: str
    module: str
    name: str
    arguments: dict[str, Any]

    @property
    def package(self) -> str:
        """The package whose code runs."""
        return self.module.partition(".")[0]

    @property
    def notice(self) -> str:
        """The note before the code runs: whose code it is."""
        return f"runs code of {self.module if self.scheme == 'torch' else self.package}"


class CodeNotAllowed(TargetError):
    """A target would run code, where that was not asked for."""


def runs_code(target: Target) -> bool:
    """Whether opening a target runs the code of a package."""
    return target.format in CODE


def refuse_code(target: Target) -> None:
    """Raises CodeNotAllowed for a target that runs code."""
    if runs_code(target):
        recipe = recipe_of(target.file)
        raise CodeNotAllowed(
            f"{target.file} {recipe.notice}, which is not allowed here",
            "export the model once with torch.export.save and check the .pt2 file, or say "
            "--allow-code on the command line",
        )


def recipe_of(text: str) -> Recipe:
    """Return what a target names; TargetError if it is none of the forms above."""
    scheme, _, rest = text.partition(":")
    if scheme not in CODE or len(text) > MOST_TEXT:
        raise TargetError(f"'{text[:80]}' names no model to build", _FORMS)
    if scheme == "torch":
        found = _TORCH.fullmatch(rest)
        if found is None:
            raise TargetError(f"'{text}' names no model to build", _FORMS)
        module, name, given = found.groups()
        return Recipe(scheme, module, name, arguments_of(given or ""))
    found = _NAMED.fullmatch(rest)
    if found is None:
        raise TargetError(f"'{text}' names no model of {scheme}", _FORMS)
    name, given = found.groups()
    return Recipe(scheme, scheme, name, arguments_of(given or ""))


_FORMS = "torch:package.module:callable(k=v), timm:NAME, torchvision:NAME"


def arguments_of(text: str) -> dict[str, Any]:
    """The values of ``k=v, …``; nothing in it is run. TargetError if it is damaged."""
    tokens = _tokens(text)
    found: dict[str, Any] = {}
    at = 0
    while at < len(tokens):
        if len(tokens) < at + 3 or tokens[at][0] != "word" or tokens[at + 1] != ("mark", "="):
            raise _unclear(text)
        key = tokens[at][1]
        if not key.isidentifier() or key in found:
            raise _unclear(text)
        found[key], at = _value(tokens, at + 2, text, 0)
        if at < len(tokens):
            if tokens[at] != ("mark", ","):
                raise _unclear(text)
            at += 1
    return found


Token = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _unclear(text)
        found.append((token.lastgroup or "", token[token.lastgroup or 0]))
        at = token.end()
    return found


def _value(tokens: Sequence[Token], at: int, text: str, depth: int) -> tuple[Any, int]:
    """A number, a word, a text or a list, and where the next token is."""
    if at >= len(tokens) or depth > MOST_DEPTH:
        raise _unclear(text)
    kind, word = tokens[at]
    if kind == "number":
        return (int(word) if re.fullmatch(r"[-+]?\d{1,18}", word) else float(word)), at + 1
    if kind == "text":
        return word[1:-1], at + 1
    if kind == "word":
        return _WORDS.get(word.lower(), word), at + 1
    ends = {"[": "]", "(": ")"}
    if word not in ends:
        raise _unclear(text)
    items: list[Any] = []
    at += 1
    while at < len(tokens) and tokens[at] != ("mark", ends[word]):
        item, at = _value(tokens, at, text, depth + 1)
        items.append(item)
        if at < len(tokens) and tokens[at] == ("mark", ","):
            at += 1
        elif at >= len(tokens) or tokens[at] != ("mark", ends[word]):
            raise _unclear(text)
    if at >= len(tokens):
        raise _unclear(text)
    return items, at + 1


def _unclear(text: str) -> TargetError:
    return TargetError(
        f"the arguments ({text[:80]}) cannot be read",
        "write (name=value, …); a value is a number, a word, a quoted text, true, false, none or "
        "a list [1, 2] of these",
    )
