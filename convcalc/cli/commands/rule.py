"""``convcalc rule``: the page of a rule."""

from typing import Annotated

import typer

FORMATS = ("table", "markdown", "json")


def command(
    ctx: typer.Context,
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="For instance CC201 or gridding; see 'list rules'."),
    ],
) -> int:
    """Show what a rule is about, why, an example, and how to mend it."""
    from convcalc.checking.rules import is_warning, page, rule_name
    from convcalc.diagnostics.codes import CODES

    settings = ctx.obj
    form = settings.format(FORMATS)
    name = rule_name(code)
    number, text = CODES[name], page(name)
    severity = "warning" if is_warning(number) else "error"
    if form == "json":
        import json

        entry = {"code": number, "name": name, "severity": severity, "manual": text}
        settings.write(json.dumps(entry, indent=1))
    else:
        title = f"{number} {name} ({severity})"
        heading = f"# {title}" if form == "markdown" else title
        settings.write(f"{heading}\n\n{text}")
    return 0
