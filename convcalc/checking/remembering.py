"""The kept results of ``check``: what was found in a file, as long as nothing of it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.examined import Examined
from convcalc.diagnostics.diagnostic import Diagnostic, Place, Related
from convcalc.diagnostics.work import current
from convcalc.language.sources.files import Sources
from convcalc.language.sources.gate import read
from convcalc.language.sources.kept import Kept
from convcalc.language.sources.reads import MAPPED, Reads, digest, noted
from convcalc.language.sources.target import Target

T = TypeVar("T")


class Shelf:
    """The kept results of the files that belong to the project of ``sources``."""

    def __init__(self, kept: Kept, sources: Sources, allow_code: bool) -> None:
        self.kept = kept
        self.sources = sources
        self.allow_code = allow_code

    def result(
        self, target: Target, words: Sequence[object], examine: Callable[[], T]
    ) -> Examined | T:
        """The result for a target that was examined with the same words; else ``examine``'s."""
        key = self.key(target, words)
        found = self.kept.find(key, self.read)
        if found is not None:
            examined = from_text(found[0], self.texts(found[1]))
            if examined is not None:
                return examined
        with noted() as reads:
            spent = current().spent
            result = examine()
        work = current().spent - spent
        if isinstance(result, Examined) and reads.is_complete and current().left >= 0:
            self.kept.keep(key, reads, to_text(result._replace(work=work), self.texts(reads)))
        return result

    def key(self, target: Target, words: Sequence[object]) -> str:
        """The name of the result of a target."""
        text = target.text if isinstance(target.text, bytes) else b""
        options = repr((*words, self.allow_code, target.format, self.sources.root))
        return self.kept.key("check", target.file, digest(text), options)

    def read(self, path: str, most: int, root: str) -> bytes:
        """The content of a file, read once for all files of the project."""
        if most == self.sources.most and root in ("", self.sources.root):
            return self.sources.read(path)
        return read(path, most, root)

    def texts(self, reads: Reads) -> dict[str, str]:
        """The texts of the files that were read as sources."""
        found = {}
        for path, most, root in reads.found:
            if most == MAPPED:
                continue
            with suppress(OSError):
                content = self.read(path, most, root)
                found[path] = content.decode("utf-8", "replace").removeprefix("\ufeff")
        return found


# --- as text -----------------------------------------------------------------------------------


def to_text(examined: Examined, texts: Mapping[str, str]) -> str:
    """The text of a result; the sources that are among ``texts`` are left out."""
    import json

    same = [file for file, text in examined.sources.items() if texts.get(file) == text]
    other = {file: text for file, text in examined.sources.items() if file not in same}
    verdicts = [
        each._replace(
            findings=tuple(map(_plain, each.findings)), hidden=tuple(map(_plain, each.hidden))
        )
        for each in examined.verdicts
    ]
    found = examined._replace(
        findings=tuple(map(_plain, examined.findings)),
        verdicts=tuple(verdicts),
        sources={},
    )
    return json.dumps([found, list(examined.sources), other], separators=(",", ":"))


def from_text(content: str, texts: Mapping[str, str]) -> Examined | None:
    """The result that was written as a text; None if a source is missing."""
    import json

    values, files, other = json.loads(content)
    sources = {file: other.get(file, texts.get(file)) for file in files}
    if None in sources.values():
        return None
    found = Examined(*values)
    return found._replace(
        findings=tuple(map(_finding, found.findings)),
        verdicts=tuple(map(_verdict, found.verdicts)),
        sources=sources,
        variants=tuple(found.variants),
        changes=(),
    )


def _plain(found: Diagnostic) -> Any:
    """A finding as a list; the places in it are lists too."""
    return tuple(found)


def _place(values: Sequence[Any]) -> Place:
    return Place(*values)


def _finding(values: Sequence[Any]) -> Diagnostic:
    name, message, place, advice, related, within, severity, measured, notes = values
    return Diagnostic(
        name,
        message,
        _place(place),
        advice,
        tuple(Related(_place(at), note) for at, note in related),
        within,
        severity,
        measured,
        tuple(notes),
    )


def _verdict(values: Sequence[Any]) -> Verdict:
    found = Verdict(*values)
    return found._replace(
        place=_place(found.place),
        findings=tuple(map(_finding, found.findings)),
        hidden=tuple(map(_finding, found.hidden)),
    )
