"""``convcalc version``: which version this is, and what it runs on."""

from collections.abc import Iterator
from typing import Annotated

import typer

from convcalc._version import __version__

FORMATS = ("table", "json")
LIBRARIES = ("typer", "rich", "PyYAML")


def command(
    ctx: typer.Context,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="Also Python, libraries, platform and cache, for reports of faults."
        ),
    ] = False,
) -> int:
    """Show the version of convcalc.

    'convcalc --version --verbose' is the same as 'convcalc version --verbose'.
    """
    from convcalc.diagnostics.visible import exact_json

    settings = ctx.obj
    form = settings.format(FORMATS)
    found = {"convcalc": __version__, **(dict(surroundings()) if verbose else {})}
    if form == "json":
        settings.write(exact_json(found, indent=1))
    elif verbose:
        width = max(map(len, found))
        settings.write("\n".join(f"{name:<{width}}  {value}" for name, value in found.items()))
    else:
        settings.write(f"convcalc {__version__}")
    return 0


def surroundings() -> Iterator[tuple[str, str]]:
    """What a report of a fault should say besides the version."""
    import platform
    import sys
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    from convcalc import _version
    from convcalc.language.sources.kept import place

    yield "installed in", str(Path(_version.__file__).parent)
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "executable", sys.executable
    yield "platform", platform.platform()
    for name in LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"
    cache = place()
    yield "cache", f"{cache.folder} {cache.refusal and f'({cache.refusal})'}".strip()
