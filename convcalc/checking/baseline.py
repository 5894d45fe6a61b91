"""A baseline for an existing repository: silences every finding, so that only new ones fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.checking.run import Checked
from convcalc.checking.suppression import UNUSED, can_be_silenced
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.sources.atomic_write import replace_file
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import read_all, reason
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.syntax import document_limits, nodes, reader

_MOST = 2**24  # bytes of a file that gets a comment


class Added(NamedTuple):
    """How many findings were silenced, and the files that could not be written."""

    silenced: int
    failures: Mapping[str, str]


def silence(results: Iterable[Checked]) -> Added:
    """Write an ignore comment at every finding that can be silenced.

    No other byte of a file changes; a file that cannot be rewritten is left as it is.
    """
    wanted: dict[str, dict[int, list[Diagnostic]]] = {}
    done = list(results)
    files = {result.file for result in done}
    ours = Files("", str(shipped_folder()), _MOST)
    for result in done:
        for found in result.findings:
            file = found.place.file
            if file not in files and ours.is_shipped(file):
                continue  # not the user's file; 'ignore-file' in the network silences the finding
            if can_be_silenced(found) and found.name != UNUSED:
                lines = wanted.setdefault(file, {})
                lines.setdefault(found.place.line, []).append(found)
    count, failures = 0, {}
    for path, lines in wanted.items():
        try:
            old = read_all(path, _MOST)
            new, silenced = add_comments(old.decode("utf-8"), lines)
            if silenced:
                replace_file(path, old, new.encode("utf-8"))
            count += silenced
        except (OSError, UnicodeDecodeError) as error:
            failures[path] = reason(error) if isinstance(error, OSError) else str(error)
    return Added(count, failures)


def add_comments(text: str, lines: Mapping[int, Sequence[Diagnostic]]) -> tuple[str, int]:
    """Return the text with a comment at each of the lines, and how many findings they silence.

    The comment goes above a line if, at its end, YAML would read it as part of a value.
    """
    parts = text.split("\n")
    before = _content(text)
    count = 0
    for number in sorted(lines, reverse=True):
        codes = ", ".join(dict.fromkeys(found.code for found in lines[number]))
        for attempt in (_append_comment, _insert_above):
            changed = attempt(parts, number - 1, f"# convcalc: ignore[{codes}]")
            if _content("\n".join(changed)) == before:
                parts = changed
                count += len(lines[number])
                break
    return "\n".join(parts), count


def _append_comment(parts: list[str], index: int, comment: str) -> list[str]:
    line = parts[index].rstrip("\r")
    ending = parts[index][len(line) :]
    return [*parts[:index], f"{line.rstrip()}  {comment}{ending}", *parts[index + 1 :]]


def _insert_above(parts: list[str], index: int, comment: str) -> list[str]:
    line = parts[index]
    indent = line[: len(line) - len(line.lstrip())]
    ending = "\r" if line.endswith("\r") else ""
    return [*parts[:index], f"{indent}{comment}{ending}", *parts[index:]]


def _content(text: str) -> Any:
    """Return the values of a file without their places; None if the file has problems."""
    root, problems = reader.read(text, "", document_limits.Limits(bytes=_MOST))
    return None if root is None or problems else _plain(root)


def _plain(node: nodes.Node) -> Any:
    if isinstance(node, nodes.Mapping):
        return [(key.text, _plain(value)) for key, value in node.entries]
    if isinstance(node, nodes.Sequence):
        return [_plain(item) for item in node.items]
    return (node.text, node.plain)
