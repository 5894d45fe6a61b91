"""``convcalc version``: which version this is, and what it runs on."""

from collections.abc import Iterator
from typing import Annotated

import typer

from convcalc._version import __version__

FORMATS = ("table", "json")
LIBRARIES = ("typer", "rich", "PyYAML")
EXTRAS = ("onnx", "pandas", "polars")  # shown where they are installed


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
    """Yield what a report of a fault needs besides the version; the user's home folder is ``~``."""
    import os
    import platform
    import sys
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    from convcalc import _version
    from convcalc.language.sources.kept import place

    yield "installed in", _shortened(str(Path(_version.__file__).parent))
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "executable", _shortened(sys.executable)
    yield "platform", platform.platform()
    for name in (*LIBRARIES, *EXTRAS):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            if name in LIBRARIES:
                yield name, "not installed"
    cache = place()
    refusal = f" ({cache.refusal})" if cache.refusal else ""
    yield "cache", f"{_shortened(cache.folder)}{refusal}"
    if names := sorted(name for name in os.environ if name.startswith("CONVCALC_")):
        yield "set", ", ".join(names)


def _shortened(path: str) -> str:
    """A path whose beginning, if it is the user's home folder, is ``~``."""
    import os

    home = os.path.expanduser("~")  # noqa: PTH111 - which never fails, as Path.home() does
    return f"~{path[len(home) :]}" if path.startswith(home + os.sep) else path
