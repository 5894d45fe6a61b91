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
    """Show what a rule is about, why, an example, and how to fix it."""
    from convcalc.checking.rules import find_rule, page
    from convcalc.diagnostics.visible import exact_json
    from convcalc.output.lines import page_lines

    settings = ctx.obj
    form = settings.format(FORMATS)
    rule = find_rule(code)
    text = page(rule)
    if form == "json":
        entry = {"code": rule.code, "name": rule.name, "severity": rule.severity, "manual": text}
        settings.write(exact_json(entry, indent=1))
    else:
        title = f"{rule.code} {rule.name} ({rule.severity})"
        heading = f"# {title}" if form == "markdown" else title
        text = f"{heading}\n\n{text}"
        settings.write(text if form == "markdown" else page_lines(text, settings.style().width))
    return 0
