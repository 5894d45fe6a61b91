"""``convcalc schema``: the JSON Schemas of what goes in and of what comes out."""

from typing import Annotated

import typer

from convcalc.cli.settings import chosen


def command(
    ctx: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]",
            help="network (the file), report (the JSON of show), or receptive_field (that of rf).",
        ),
    ] = "network",
) -> int:
    """Print the JSON Schema of network files.

    Draft 7, for editors and validators:

    convcalc schema -o convcalc.schema.json
    """
    ctx.obj.write(schema_text(chosen(kind, ("network", "report", "receptive_field"), "KIND")))
    return 0


def schema_text(kind: str) -> str:
    """The schema, indented: it is looked at and compared."""
    import json

    if kind == "network":
        from convcalc.schema import network_schema as schema
    elif kind == "report":
        from convcalc.render.report_schema import report_schema as schema
    else:
        from convcalc.render.sight_schema import sight_schema as schema
    return json.dumps(schema(), indent=1)
