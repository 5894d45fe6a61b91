"""``convcalc new``: a commented network file to start from."""

import re
from pathlib import Path
from typing import Annotated

import typer

from convcalc.cli.console import Failure, choose, print_text, write_file

ENDING = ".convcalc.yaml"
SCHEMA = "convcalc.schema.json"
FOLDER = Path(__file__).parent.parent / "templates"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"Writes NAME{ENDING}; may hold a folder.")
    ],
    template: Annotated[
        str, typer.Option("--template", metavar="TEMPLATE", help="What to start from.")
    ] = "plain",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> int:
    """Write a network file to start from.

    Templates: mobilenet, plain, resnet, unet. Also writes the JSON Schema beside the
    file if it is missing; the first line of the file points editors to it, and it works offline.
    """
    settings = ctx.obj
    path = Path(f"{name.removesuffix(ENDING)}{ENDING}")
    stem = path.name.removesuffix(ENDING)
    if not _NAME.fullmatch(stem):
        advice = "a letter, then letters, digits and _ . -"
        raise Failure(f"'{stem}' cannot be the name of a network", advice)
    text = template_text(choose(template, templates(), "--template"), stem)
    if settings.output_file == "-":
        print_text(text.removesuffix("\n"))
        return 0
    path = Path(settings.output_file or path)
    if path.exists() and not force:
        raise Failure(f"{path} exists already", "choose another name, or replace it with --force")
    write_file(str(path), text)
    settings.note(f"wrote {path}; try: convcalc show {path}")
    schema = path.with_name(SCHEMA)
    if not schema.exists():
        from convcalc.cli.commands.schema import schema_text

        write_file(str(schema), schema_text("network") + "\n")
        settings.note(f"wrote {schema} for editors; renew it with: convcalc schema -o {schema}")
    return 0


def templates() -> list[str]:
    """The names of the templates."""
    return sorted(path.name.removesuffix(ENDING) for path in FOLDER.glob(f"*{ENDING}"))


def template_text(template: str, name: str) -> str:
    """The text of a template, with the name of the new network."""
    text = (FOLDER / f"{template}{ENDING}").read_text(encoding="utf-8")
    first = f"# yaml-language-server: $schema={SCHEMA}\n"
    return first + re.sub(r"^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE)
