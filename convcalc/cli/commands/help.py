"""``convcalc help``: the pages of the book in the terminal."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from convcalc.cli.console import Failure
    from convcalc.output.topics import Topic

FORMATS = ("table", "markdown", "json")


def command(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="[TOPIC]",
            help="A topic; also a command, an operator, a word of network files, a rule or a "
            "convention.",
        ),
    ] = "",
) -> int:
    """Show a page of the manual, or list its topics."""
    from convcalc.output.topics import find_topic

    if not name:
        _list(ctx.obj)
        return 0
    topic = find_topic(name)
    if topic is not None and not topic.command:
        _show(topic, ctx.obj)
        return 0
    return _elsewhere(topic.command.split() if topic else _words(name), ctx)


def _list(settings: Any) -> None:
    """Writes the table of topics."""
    from convcalc.output.columns import Column
    from convcalc.output.table import Fact, Table, render
    from convcalc.output.topics import topics

    found = [*topics().values()]
    columns = (
        Column("topic", "topic", attrgetter("topic")),
        Column("about", "what it is about", attrgetter("about"), folds=True),
    )
    footer = Fact(
        "", "convcalc help TOPIC shows one; TOPIC may be a command, an operator or a rule too"
    )
    payload = [topic._asdict() for topic in found]
    table = Table("", columns, found, footer=(footer,))
    settings.write(render(settings.format(FORMATS), table, payload, settings.style()))


def _show(topic: "Topic", settings: Any) -> None:
    """Writes a page."""
    from convcalc.cli.app import COMMANDS
    from convcalc.diagnostics.visible import exact_json
    from convcalc.output.topics import page

    form = settings.format(FORMATS)
    text = page(topic)
    if form == "json":
        settings.write(exact_json({**topic._asdict(), "text": text}, indent=1))
    elif form == "markdown":
        settings.write(text)
    else:
        from convcalc.output.views.page import page_text

        drawn = page_text(text, settings.style(), _target)
        more = f"\n\nconvcalc {topic.topic} --help lists the options." * (topic.topic in COMMANDS)
        settings.write(drawn + more)


def _target(link: str) -> str:
    """Return what a reader of the terminal does in place of following a link; empty for nothing."""
    from convcalc.output.topics import find_topic

    file, _, anchor = link.partition("#")
    if "://" in link:
        return link
    if file == "operators.md" and anchor:
        return f"convcalc operator {anchor}"
    if file == "rules.md" and anchor:
        return f"convcalc rule {anchor.partition('-')[0].upper()}"
    topic = find_topic(file) if file.endswith(".md") and "/" not in file else None
    return f"convcalc help {topic.topic}" if topic else ""


def _words(name: str) -> list[str]:
    """The command line that shows something of that name; raises Failure if nothing has it."""
    from convcalc.analysis.conventions import convention_names
    from convcalc.cli.app import COMMANDS
    from convcalc.diagnostics.codes import BY_NAME, RULES
    from convcalc.language.manual import section_of
    from convcalc.model.operators.registry import operator_names

    low = name.lower()
    if low in COMMANDS:
        return [low, "--help"]
    if low in operator_names() or section_of(low):
        return ["operator", low]
    if low.upper() in RULES or low in BY_NAME:
        return ["rule", low]
    if low in convention_names():
        return ["convention", low]
    raise _unknown(name)


def _unknown(name: str) -> "Failure":
    from difflib import get_close_matches

    from convcalc.cli.app import COMMANDS
    from convcalc.cli.console import Failure
    from convcalc.diagnostics.suggestion import LONGEST
    from convcalc.language.manual import words
    from convcalc.model.operators.registry import operator_names
    from convcalc.model.operators.words import guess_operator
    from convcalc.output.topics import names, topics

    known = dict.fromkeys([*names(), *COMMANDS, *words(), *operator_names()])
    word = name[:LONGEST]
    guess = guess_operator(word)
    near = [guess] if guess else get_close_matches(word.lower(), known, n=3, cutoff=0.65)
    listed = " or ".join(f"'convcalc help {each}'" for each in near)
    advice = f"use {listed}" if listed else f"topics: {', '.join(topics())}"
    return Failure(f"unknown topic '{name}'", advice)


def _elsewhere(words: list[str], ctx: typer.Context) -> int:
    """Runs the command that shows a topic, with the settings of this one."""
    parent: Any = ctx.parent
    command = parent.command.get_command(parent, words[0])
    with command.make_context(words[0], words[1:], parent=parent) as inner:
        code: int = command.invoke(inner) or 0
    return code
