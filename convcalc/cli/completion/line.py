"""Finds what a command line asks for at its end: a command, an option, or the value of a
parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcalc.cli.completion.table import COMMANDS, SHARED

REST = "*"  # behind the name of an argument that takes all further words


class Asked(NamedTuple):
    """A word to be completed.

    ``kind`` is "command", "option" or "value", ``param`` the name of the parameter. ``word`` is
    what there is of it, ``before`` what stands before it in the same word, such as ``--columns=``.
    ``given`` are the values that other parameters have, by their names.
    """

    kind: str
    command: str
    param: str
    word: str
    before: str
    given: Mapping[str, Sequence[str]]


def asked(words: Sequence[str]) -> Asked:
    """Return what the last of some words asks for, of those after the name of the program."""
    line = _Line()
    for word in words[:-1]:
        line.add(word)
    return line.ask(words[-1])


class _Line:
    """The words of a command line, sorted to parameters as they come."""

    def __init__(self) -> None:
        self.command = ""
        self.given: dict[str, list[str]] = {}
        self.pending = ""  # the parameter that takes the next word
        self.only_arguments = False
        self.arguments = 0  # that were given

    @property
    def options(self) -> Mapping[str, str]:
        """The options that take a value, with their parameters."""
        own = COMMANDS[self.command][1] if self.command in COMMANDS else {}
        return {**SHARED, **own}

    def add(self, word: str) -> None:
        """Takes a whole word."""
        if self.pending:
            self.give(self.pending, word)
            self.pending = ""
        elif word == "--" and not self.only_arguments:
            self.only_arguments = True
        elif word.startswith("-") and word != "-" and not self.only_arguments:
            name, equals, value = _parts(word)
            param = self.options.get(name, "")
            if param and (equals or value):
                self.give(param, value)
            else:
                self.pending = param
        elif not self.command:
            self.command = word
        else:
            self.give(self.argument, word)
            self.arguments += 1

    def give(self, param: str, value: str) -> None:
        """Notes the value of a parameter."""
        self.given.setdefault(param, []).append(value)

    @property
    def argument(self) -> str:
        """The name of the next argument; empty if there is none."""
        names = COMMANDS[self.command][0] if self.command in COMMANDS else ()
        if self.arguments < len(names):
            return names[self.arguments].removesuffix(REST)
        return names[-1].removesuffix(REST) if names and names[-1].endswith(REST) else ""

    def ask(self, word: str) -> Asked:
        """Return what the last word asks for."""
        if self.pending:
            return self.value(self.pending, word)
        if word.startswith("-") and word != "-" and not self.only_arguments:
            name, equals, value = _parts(word)
            param = self.options.get(name, "")
            if param and (equals or value):
                return self.value(param, value, name + equals)
            return Asked("option", self.command, "", word, "", self.given)
        if not self.command:
            return Asked("command", "", "", word, "", self.given)
        return self.value(self.argument, word)

    def value(self, param: str, word: str, before: str = "") -> Asked:
        """That the value of a parameter is asked for."""
        return Asked("value", self.command, param, word, before, self.given)


def _parts(word: str) -> tuple[str, str, str]:
    """``--name=value`` or ``-nvalue`` in its parts."""
    if word.startswith("--"):
        return word.partition("=")
    return word[:2], "", word[2:]


def split(line: str) -> list[str]:
    """The words of a line as a shell splits it, the last one unfinished or empty.

    Quotes and backslashes are taken away; whatever expands to something else stays as it is.
    """
    words: list[str] = []
    word, quote, is_open, is_escaped = "", "", False, False
    for character in line:
        if is_escaped:
            word, is_escaped = word + character, False
        elif character == "\\" and quote != "'":
            is_open = is_escaped = True
        elif quote:
            word, quote = (word, "") if character == quote else (word + character, quote)
        elif character in "'\"":
            quote, is_open = character, True
        elif character.isspace():
            if is_open:
                words.append(word)
            word, is_open = "", False
        else:
            word, is_open = word + character, True
    return [*words, word]
