"""``convcalc schema``: the JSON Schemas of input files and of reports."""

from importlib import import_module
from typing import Annotated

import typer

from convcalc.cli.console import choose

# The module and the function that make each schema.
KINDS = {
    "network": ("network", "network_schema"),
    "report": ("report", "report_schema"),
    "receptive_field": ("receptive_field", "receptive_field_schema"),
    "verify": ("verify", "verify_schema"),
    "budgets": ("budgets", "budgets_schema"),
    "settings": ("settings", "settings_schema"),
    "device": ("device", "device_schema"),
    "sweep": ("sweep", "sweep_schema"),
}


def command(
    ctx: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]",
            help="network (the file), report (the JSON of show), receptive_field (that of rf), "
            "verify (that of verify), budgets (convcalc.budgets.yaml), settings (convcalc.toml), "
            "device (the file of --device) or sweep (files of sweeps).",
        ),
    ] = "network",
) -> int:
    """Print the JSON Schema of network files.

    Draft 7, for editors and validators:

    convcalc schema -o convcalc.schema.json
    """
    ctx.obj.write(schema_text(choose(kind, KINDS, "KIND")))
    return 0


def schema_text(kind: str) -> str:
    """The text of a schema."""
    from convcalc.output.schemas import layout

    module, name = KINDS[kind]
    schema = getattr(import_module(f"convcalc.output.schemas.{module}"), name)()
    return layout.schema_text(schema)
