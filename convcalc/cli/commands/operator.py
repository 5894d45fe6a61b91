"""``convcalc operator``: the manual page of an operator, or of a word of the language."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from convcalc.language.manual import Section

FORMATS = ("table", "markdown", "json")
WIDTH = 100  # that of the text


def command(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="An operator such as conv (see 'list operators'), or a word of network files "
            "such as residual, branches, repeat, for or share.",
        ),
    ],
) -> int:
    """Show the manual page of an operator, or of a word of the language."""
    from convcalc.model.operators.registry import operator_names

    settings = ctx.obj
    form = settings.format(FORMATS)
    section = None if name in operator_names() else _section(name)
    settings.write(_operator(name, form, settings) if section is None else word_page(section, ctx))
    return 0


def _section(name: str) -> "Section | None":
    """The section about a word; raises UnknownName where there is neither it nor an operator."""
    from convcalc.diagnostics.suggestion import UnknownName
    from convcalc.language.manual import section_of, words
    from convcalc.model.operators.words import unknown_operator

    found = section_of(name) or section_of(name.lower())
    if found is None:
        raise UnknownName(*unknown_operator(name, [*words()]))
    return found


def _operator(name: str, form: str, settings: Any) -> str:
    from convcalc.model.operators.manual import field_entries, manual
    from convcalc.model.operators.registry import operator_class
    from convcalc.output.columns import Column
    from convcalc.output.lines import page_lines
    from convcalc.output.markdown import code_block
    from convcalc.output.table import Table, render

    operator = operator_class(name)
    entries = list(field_entries(operator))
    columns = tuple(
        Column(key, key, attrgetter(key), priority=priority, folds=key in ("value", "description"))
        for key, priority in zip(
            ("name", "short", "value", "default", "description"), (0, 1, 1, 1, 0), strict=True
        )
    )
    payload = {
        "name": name,
        "manual": manual(operator),
        "fields": [entry._asdict() for entry in entries],
    }
    style = settings.style()
    style = style._replace(width=min(style.width or WIDTH, WIDTH))
    table: str = render(form, Table("", columns, entries), payload, style)
    if form != "json":
        text = manual(operator)
        is_code = form == "markdown"
        page = [f"# {name}", code_block(text)] if is_code else [name, page_lines(text, style.width)]
        table = "\n\n".join([*page, table if entries else "No fields."])
    return table


def word_page(section: "Section", ctx: typer.Context) -> str:
    """The page of a word of the language: its section of the manual, and what its keys take."""
    from convcalc.diagnostics.visible import exact_json
    from convcalc.output.schemas.entries import key_entries, key_table

    settings = ctx.obj
    form = settings.format(FORMATS)
    entries = [entry for word in section.words for entry in key_entries(word)]
    if form == "json":
        keys = [entry._asdict() for entry in entries]
        page = {"name": section.title, "manual": section.text, "keys": keys}
        return exact_json(page, indent=1)
    text = "\n\n".join(filter(None, [f"# {section.title}", section.text, key_table(entries)]))
    if form == "markdown":
        return text
    from convcalc.output.views.page import page_text

    return page_text(text, settings.style())
