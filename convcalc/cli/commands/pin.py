"""``convcalc pin``: writes the measured numbers into ``expect`` of network files."""

import os
from collections.abc import Sequence
from glob import has_magic
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from convcalc.cli.commands._policy import chosen_policy
from convcalc.cli.console import CLEAN, COULD_NOT_RUN, FINDINGS, Failure, say
from convcalc.cli.options import Config, Isolated
from convcalc.diagnostics.visible import visible

if TYPE_CHECKING:
    from convcalc.checking.policy import Policy
    from convcalc.cli.console import Settings
    from convcalc.language.file_facts import NetworkFile


class Pinned(NamedTuple):
    """The outcome for one file: its content before and after, and the exit code of a failure."""

    path: str
    old: bytes = b""
    new: bytes = b""
    code: int = CLEAN


def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATHS]...",
            show_default=False,
            help="Network files, folders or globs; by default the current folder.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a file would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show the changes, exit with 1 if any.")
    ] = False,
    config: Config = "",
    isolated: Isolated = False,
) -> int:
    """Write the measured numbers into 'expect'.

    Updates the numbers that a file pins; a variant without an entry gets params, macs and
    output. Nothing else in the file changes, not by a byte. A network with problems is not
    pinned. Models of other programs are not changed: model.onnx is pinned in
    model.convcalc.yaml beside it, which is created if needed.
    """
    from convcalc.cli.progress import progress

    settings = ctx.obj
    policy = chosen_policy(config, isolated=isolated)
    files = _files(paths or [settings.root or os.curdir], policy)
    done = []
    with progress("pinning", len(files), settings) as step:
        for path in files:
            done.append(_pin_within(path, settings))
            step(path)
    changed = [each for each in done if each.new != each.old]
    code = max((each.code for each in done), default=CLEAN)
    if diff:
        text = "".join(_difference(each) for each in changed)
        if text:
            settings.write(text.removesuffix("\n"), returns=True)
    if check or diff:
        for each in changed:
            settings.note(f"would pin {each.path}")
        return max(code, FINDINGS if changed else CLEAN)
    for each in changed:
        code = max(code, _write(each, settings))
    return code


def _files(words: Sequence[str], policy: "Policy") -> list[str]:
    """The files of all words as 'check' finds them, but none that ships."""
    from convcalc.checking.discovery import discover

    for word in words:
        if not os.path.lexists(word) and not has_magic(word):
            raise Failure(f"no such file: {word}", "pin takes files, folders and globs")
    found = discover(words, policy=policy)
    if not found:
        raise Failure(f"no network file in {', '.join(words)}", "they end in .convcalc.yaml")
    return [each.file for each in found]


def _pin_within(path: str, settings: "Settings") -> Pinned:
    """Pins one file with a share of the command's work."""
    from convcalc.diagnostics.work import current

    with current().share():
        return _pin(path, settings)


def _pin(path: str, settings: "Settings") -> Pinned:
    """Pins one file in memory; prints why if that is not possible."""
    from convcalc.checking.budgets.pin_edits import Refused
    from convcalc.cli.problems import print_problems
    from convcalc.language.limits import LIMITS, with_allowed
    from convcalc.language.sources.gate import read
    from convcalc.language.sources.target import TargetError

    try:
        beside = "" if _is_ours(path) else _beside(path)
        if beside and not os.path.lexists(beside):
            old, path, text = b"", beside, _first_text(path)
        else:
            path = beside or path
            old = text = read(path, with_allowed(LIMITS).document.bytes)
    except OSError as error:
        _say_failure("read", path, error)
        return Pinned(path, code=COULD_NOT_RUN)
    try:
        networks = _networks(path, text)
        code = print_problems(networks, settings, warnings=False)
        return (
            Pinned(path, old, old, code)
            if code
            else Pinned(path, old, _new_content(networks, path, text))
        )
    except (Refused, TargetError) as error:
        say(f"error: {path} is not pinned: {error}")
        return Pinned(path, old, old, FINDINGS)


_TEXTS = (".yaml", ".yml")


def _is_ours(path: str) -> bool:
    """Whether a file is a network of the language, and no model of another program in YAML."""
    if not path.endswith(_TEXTS):
        return False
    from convcalc.importing.formats import HEAD, detect
    from convcalc.language.sources.gate import read

    return not detect(read(path, HEAD - 1), path)


def _beside(model: str) -> str:
    """The network file that pins a model, beside it."""
    return f"{os.path.splitext(model)[0]}.convcalc.yaml"  # noqa: PTH122


def _first_text(model: str) -> bytes:
    """A network file that has the layers of a model."""
    import re
    from json import dumps

    name = os.path.basename(model)  # noqa: PTH119
    plain = re.fullmatch(r"[A-Za-z][\w.-]*", name)
    return f"convcalc: 1\nmodel: {name if plain else dumps(name)}\n".encode()


def _networks(path: str, content: bytes) -> "list[NetworkFile]":
    """The base and every variant; none if the file only defines blocks."""
    from convcalc.importing.opening import open_source
    from convcalc.language.sources.target import Target

    source = open_source(Target(path, None, content))
    base = source.network()
    names = {problem.help for problem in base.problems}
    if "it only defines blocks, for 'imports'" in names:
        return []
    return [base, *map(source.network, base.variants)]


def _new_content(networks: "Sequence[NetworkFile]", path: str, old: bytes) -> bytes:
    """The content with the numbers of all networks, verified by reading it again."""
    from convcalc.analysis.analyse import analyse
    from convcalc.checking.budgets.pin_edits import Pin, Refused, pinned_text

    if not networks:
        return old
    reports = [analyse(network) for network in networks]

    def pin(content: bytes, networks: "Sequence[NetworkFile]") -> bytes:
        pins = [
            Pin(network.name, report, network.expect.get(network.name, {}))
            for network, report in zip(networks, reports, strict=True)
        ]
        return pinned_text(content.decode(), pins).encode()

    new = pin(old, networks)
    if new != old:
        again = _networks(path, new)
        if any(problem.severity == "error" for each in again for problem in each.problems) or (
            pin(new, again) != new
        ):
            raise Refused("'expect' has a form that cannot be rewritten; write it in lines")
    return new


def _write(pinned: Pinned, settings: "Settings") -> int:
    """Writes one file; returns the exit code, so that a failure does not stop the others."""
    from convcalc.language.sources.atomic_write import replace_file, write_file

    try:
        if pinned.old:
            replace_file(pinned.path, pinned.old, pinned.new)
        else:
            write_file(pinned.path, pinned.new)
    except OSError as error:
        _say_failure("write", pinned.path, error)
        return COULD_NOT_RUN
    settings.note(f"pinned {pinned.path}")
    return CLEAN


def _say_failure(verb: str, path: str, error: OSError) -> None:
    from convcalc.language.sources.gate import advice, reason

    help_ = f"\n  = help: {advice(error)}" if advice(error) else ""
    say(f"error: cannot {verb} {path}: {reason(error)}{help_}")


def _difference(pinned: Pinned) -> str:
    """The change as a unified diff that ``patch`` understands."""
    import io
    from difflib import unified_diff

    old, new = (list(io.StringIO(text.decode(), "\n")) for text in (pinned.old, pinned.new))
    path = visible(pinned.path)
    lines = unified_diff(old, new, path, path)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
