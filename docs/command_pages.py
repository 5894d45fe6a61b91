"""docs/commands.md and the manual pages in docs/man, from the declarations of the commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.cli.app import COMMANDS, SHARED, command_line
from convcalc.cli.console import Settings

HEAD = """\
<!-- Written by docs/generate.py; edit the help texts in convcalc/cli instead. -->

# Commands

Every command with its arguments and options. `convcalc COMMAND --help` prints the same in the
terminal, and `man convcalc-COMMAND` shows it where the package put its manual pages into
`share/man`."""
EXIT_STATUS = {
    "0": "clean: nothing was found",
    "1": "something was found: a problem in a file, a budget that does not hold, a difference",
    "2": "convcalc could not run: wrong usage, or a file that cannot be read or written",
    "130": "interrupted",
}
ENVIRONMENT = {
    "NO_COLOR, FORCE_COLOR": "no colors, or colors in a pipe too; --color wins",
    "COLUMNS": "the width of the terminal",
}
_VARIABLE = re.compile(r"\s*\[env: (\w+)\]")


class Entry(NamedTuple):
    """An argument or an option: how it is written, and what it does."""

    usage: str
    text: str


class Page(NamedTuple):
    """What is known of a command; ``name`` is empty for convcalc itself."""

    name: str
    usage: str
    paragraphs: Sequence[str]
    arguments: Sequence[Entry]
    options: Sequence[Entry]
    variables: Sequence[Entry]

    @property
    def summary(self) -> str:
        """The first sentence, on one line."""
        return " ".join(self.paragraphs[0].split())


def pages() -> dict[str, Page]:
    """Return the page of each command, in the order of the help page; first convcalc itself."""
    group = command_line()
    context = group.make_context("convcalc", [], obj=Settings(), resilient_parsing=True)
    found = {"": page("", group, group.params)}
    for name in COMMANDS:
        command = group.get_command(context, name)
        own = [param for param in command.params if param.name not in SHARED]
        found[name] = page(name, command, own)
    return found


def page(name: str, command: Any, params: Sequence[Any]) -> Page:
    """Return the page of a command with some of its parameters."""
    options = [param for param in params if param.param_type_name == "option"]
    arguments = [param for param in params if param.param_type_name == "argument"]
    words = ["convcalc", *filter(None, [name, "[OPTIONS]"]), *map(placeholder, arguments)]
    usage = " ".join(words if name else [*words, "COMMAND", "[ARGS]..."])
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(command.help or ""))
    return Page(
        name,
        usage,
        paragraphs,
        [Entry(placeholder(each), plain(each.help or "")) for each in arguments],
        [entry(each) for each in options],
        list(variables(options)),
    )


def placeholder(argument: Any) -> str:
    """Return how an argument is written in a line of usage."""
    word = (argument.metavar or argument.name.upper()).strip("{}[].")
    word += "..." if argument.nargs == -1 else ""
    return word if argument.required else f"[{word}]"


def entry(option: Any) -> Entry:
    """Return the entry of an option."""
    written = ", ".join(sorted([*option.opts, *option.secondary_opts], key=len))
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    text = plain(option.help or "")
    default = option.default
    if option.show_default and isinstance(default, int | str) and not isinstance(default, bool):
        text += f" Default: {default}." if default != "" else ""
    return Entry(written + value, text)


def plain(text: str) -> str:
    """Return a help text on one line, without the variable of the environment."""
    return " ".join(_VARIABLE.sub("", text).split())


def variables(options: Sequence[Any]) -> Iterator[Entry]:
    """Yield the variables of the environment that stand for options."""
    for option in options:
        declared = [option.envvar] if isinstance(option.envvar, str) else []
        for name in [*_VARIABLE.findall(option.help or ""), *declared]:
            yield Entry(name, f"stands for {max(option.opts, key=len)}")


# --- Markdown --------------------------------------------------------------------------------


def commands_page() -> str:
    """Return the text of commands.md."""
    found = pages()
    root = found.pop("")
    index = "\n".join(f"- [`{name}`](#{name}): {each.summary}" for name, each in found.items())
    parts = [HEAD, index, "## Options of every command", *options_text(root)]
    parts += ["## Exit status", definitions(EXIT_STATUS.items())]
    every = [each for one in (root, *found.values()) for each in one.variables]
    named = {each.usage: each.text for each in every}
    parts += ["## Environment", definitions([*named.items(), *ENVIRONMENT.items()])]
    for name, each in found.items():
        parts += [f"## {name}", f"```text\n{each.usage}\n```"]
        parts += map(markdown_paragraph, each.paragraphs)
        parts += options_text(each)
    return "\n\n".join(parts) + "\n"


def options_text(found: Page) -> Iterator[str]:
    """Yield a list of the arguments and options of a command."""
    if listed := [*found.arguments, *found.options]:
        yield definitions(listed)


def definitions(entries: Any) -> str:
    """Return pairs of a word and a text as a Markdown list."""
    return "\n".join(f"- `{word}`: {escaped(text)}" for word, text in entries)


def markdown_paragraph(text: str) -> str:
    """Return a paragraph of a help text; a line that begins with the program is a command."""
    if text.startswith("convcalc "):
        return f"```text\n{text}\n```"
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """Return a text in which Markdown finds nothing to draw."""
    return re.sub(r"([*_<\[\]|`])", r"\\\1", text)


# --- manual pages ----------------------------------------------------------------------------


def man_pages() -> dict[str, str]:
    """Return the text of each manual page by the name of its file."""
    found = pages()
    return {f"man/{man_name(name)}.1": man_page(each, found) for name, each in found.items()}


def man_name(name: str) -> str:
    return f"convcalc-{name}" if name else "convcalc"


def man_page(found: Page, every: dict[str, Page]) -> str:
    """Return a manual page in the macros of man(7)."""
    title = man_name(found.name)
    summary = found.summary.removesuffix(".")
    lines = ['.\\" Written by docs/generate.py', f'.TH {title.upper()} 1 "" convcalc "convcalc"']
    lines += [".SH NAME", f"{roff(title)} \\- {roff(summary[:1].lower() + summary[1:])}"]
    lines += [".SH SYNOPSIS", f".B {roff(found.usage)}", ".SH DESCRIPTION"]
    for paragraph in found.paragraphs:
        if paragraph.startswith("convcalc "):
            lines += [".PP", ".RS", ".nf", *map(roff, paragraph.split("\n")), ".fi", ".RE"]
        else:
            lines += [".PP", roff(" ".join(paragraph.split()))]
    if found.name:
        lines += tagged("ARGUMENTS", found.arguments) + tagged("OPTIONS", found.options)
        lines += [".PP", "The options of every command are on the page of convcalc(1)."]
    else:
        named = [Entry(man_name(n) + "(1)", p.summary) for n, p in every.items() if n]
        lines += tagged("COMMANDS", named) + tagged("OPTIONS OF EVERY COMMAND", found.options)
        lines += tagged("EXIT STATUS", [Entry(*pair) for pair in EXIT_STATUS.items()])
        variables = {each.usage: each for one in every.values() for each in one.variables}
        more = [Entry(*pair) for pair in ENVIRONMENT.items()]
        lines += tagged("ENVIRONMENT", [*variables.values(), *more])
    others = "convcalc(1), " if found.name else ""
    lines += [".SH SEE ALSO", f"{others}convcalc help lists the pages of the manual."]
    return "\n".join(lines) + "\n"


def tagged(title: str, entries: Sequence[Entry]) -> list[str]:
    """Return a section of words with their texts; nothing without any."""
    if not entries:
        return []
    lines = [f".SH {title}"]
    for word, text in entries:
        lines += [".TP", f".B {roff(word)}", roff(text)]
    return lines


def roff(text: str) -> str:
    """Return a text as roff reads it: hyphens that can be copied, and no request by accident."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = (
        escaped.replace("×", "\\(mu")
        .replace("…", "...")
        .replace("'", "\\(aq")
        .replace('"', "\\(dq")
    )
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
