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
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NETWORK",
            show_default=False,
            help="Copy a built-in network or variant, such as resnet50, instead of a template.",
        ),
    ] = "",
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
    if from_:
        text = network_text(from_, stem)
    else:
        text = template_text(choose(template, templates(), "--template"), stem)
    if settings.output_file == "-":
        print_text(text.removesuffix("\n"))
        return 0
    path = Path(settings.output_file or path)
    if path.exists() and not force:
        raise Failure(f"{path} already exists", "choose another name, or replace it with --force")
    write_file(str(path), text)
    settings.note(f"wrote {path}; try: convcalc show {path}")
    schema = path.with_name(SCHEMA)
    if not schema.exists():
        from convcalc.cli.commands.schema import schema_text

        write_file(str(schema), schema_text("network") + "\n")
        settings.note(f"wrote {schema} for editors; update it with: convcalc schema -o {schema}")
    return 0


def templates() -> list[str]:
    """The names of the templates."""
    return sorted(path.name.removesuffix(ENDING) for path in FOLDER.glob(f"*{ENDING}"))


def template_text(template: str, name: str) -> str:
    """The text of a template, with the name of the new network."""
    text = (FOLDER / f"{template}{ENDING}").read_text(encoding="utf-8")
    return _schema_line() + re.sub(
        r"^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE
    )


def _schema_line() -> str:
    """The first line of a file, by which editors find the schema."""
    return f"# yaml-language-server: $schema={SCHEMA}\n"


def network_text(network: str, name: str) -> str:
    """The text of a built-in network as a file of its own, which is the same network.

    Raises Failure for a file, which may be copied as it is.
    """
    from convcalc.analysis.analyse import analyse
    from convcalc.exporting.copying import NotCopied, copied_text
    from convcalc.language.reading import NetworkSource
    from convcalc.language.sources.resolve import resolve
    from convcalc.language.sources.shipped import shipped_folder
    from convcalc.language.sources.target import Target

    target = resolve(network)
    if Path(target.file).parent != shipped_folder():
        raise Failure(f"--from {network} is a file", "copy it, and change its name: in it")
    text = Path(target.file).read_text(encoding="utf-8")
    try:
        copy = copied_text(text, target.variant, name)
    except NotCopied as error:
        raise Failure(f"{network} cannot be copied: {error.message}") from None
    source = NetworkSource(target).network()
    found = NetworkSource(Target(f"{name}{ENDING}", None, copy)).network()
    if found.skipped or analyse(found).totals.counts != analyse(source).totals.counts:
        raise Failure(f"the copy of {network} is not the same network", "please report this")
    return f"{_schema_line()}# a copy of the built-in network {source.name}\n{copy}"
