"""``convcalc cache``: where results are kept, and how they are removed."""

from typing import Annotated

import typer

from convcalc.cli.console import COULD_NOT_RUN, Failure, choose, say

ACTIONS = ("dir", "clear")


def command(
    ctx: typer.Context,
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="dir shows the folder, clear empties it.")
    ],
) -> int:
    """Show or empty the folder of kept results.

    'check', 'show' and 'list' keep their results, and reuse them until a file that they depend on
    changes. --no-cache computes everything again.
    """
    from convcalc.language.sources.gate import reason
    from convcalc.language.sources.kept import VARIABLE, place
    from convcalc.language.sources.kept_folder import clear, content

    settings = ctx.obj
    choose(action, ACTIONS, "ACTION")
    found = place()
    if found.refusal:
        words = f"{found.folder}: {found.refusal}" if found.folder else found.refusal
        raise Failure(f"no results are kept: {words}", f"name a folder of your own in {VARIABLE}")
    if action == "dir":
        settings.write(found.folder)
        held = content(found.folder)
        settings.note(f"{held.results:,} results, {_size(held.size)}")
        return 0
    try:
        removed = clear(found.folder)
    except OSError as error:
        say(f"error: cannot empty {found.folder}: {reason(error)}")
        return COULD_NOT_RUN
    settings.note(f"Removed {removed.results:,} results, {_size(removed.size)}.")
    return 0


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
