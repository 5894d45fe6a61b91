"""``convcalc operator``: the manual page of an operator."""

from operator import attrgetter
from typing import Annotated

import typer

FORMATS = ("table", "markdown", "json")
WIDTH = 100  # that of the text


def command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="For instance conv; see 'list operators'.")
    ],
) -> int:
    """Show the manual page of an operator."""
    from convcalc.model.operators.manual import field_entries, manual
    from convcalc.model.operators.registry import operator_class
    from convcalc.output.columns import Column
    from convcalc.output.markdown import code_block
    from convcalc.output.table import Table, render

    settings = ctx.obj
    form = settings.format(FORMATS)
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
    table = render(form, Table("", columns, entries), payload, style)
    if form != "json":
        text = manual(operator)
        page = [f"# {name}", code_block(text)] if form == "markdown" else [name, text]
        table = "\n\n".join([*page, table if entries else "No fields."])
    settings.write(table)
    return 0
