"""Pairs up the two sides of ``convcalc diff``: two networks, or the networks of two folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.comparison.compare import Difference, difference
from convcalc.analysis.report.report import Report
from convcalc.cli.console import CLEAN, FINDINGS, Failure, Settings
from convcalc.cli.loading import Reading
from convcalc.cli.problems import print_problems
from convcalc.diagnostics.work import current
from convcalc.importing.opening import open_source
from convcalc.language.sources.resolve import is_revision
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

if TYPE_CHECKING:
    from convcalc.checking.policy import Policy

SAVED = ".json"


class Sides(NamedTuple):
    """Reads and compares both sides; ``reading`` has the options for reading and analysing.

    ``policy`` makes the settings that say which files of a folder are left out.
    """

    reading: Reading
    settings: Settings
    policy: Callable[[], Policy]

    def differences(self, old: str, new: str) -> tuple[list[Difference], int]:
        """One difference per pair of networks, and the exit code for their problems."""
        folders = is_folder(old), is_folder(new)
        if any(folders) and not all(folders):
            one, other = (new, old) if folders[0] else (old, new)
            advice = "compare like with like"
            if is_revision(one) and "::" not in one and self.files(f"{one}/"):
                advice = f"write '{one}/' for the folder at that revision"
            raise Failure(f"'{other}' is a folder, but '{one}' is not", advice)
        return self.of_folders(old, new) if all(folders) else self.of_networks(old, new)

    def of_networks(self, old: str, new: str) -> tuple[list[Difference], int]:
        """Compares two networks."""
        sides = [self.read_report(word)[0] for word in (old, new)]
        found = [report for report in sides if report is not None]
        if len(found) < len(sides):
            return [], FINDINGS
        _require_same_counting(*found)
        return [difference(f"{old} → {new}", *found)], CLEAN

    def read_report(self, word: str | Target) -> tuple[Report | None, Network | None]:
        """The report of a target or of a saved file; None after printing its errors."""
        file, _, name = word.partition("::") if isinstance(word, str) else ("", "", "")
        if file.endswith(SAVED) and not _is_model(file):
            return _load_saved(file, name or None), None
        ((network, report),) = self.reading.reports([word])
        code = print_problems([network], self.settings, warnings=False)
        return (None if code else report), network

    # --- folders ------------------------------------------------------------------------------

    def of_folders(self, old: str, new: str) -> tuple[list[Difference], int]:
        """Compares two folders, matching networks by path and variant; includes unmatched ones."""
        sides = self.files(old), self.files(new)
        if not any(sides):
            raise Failure(f"no network file in {old} or {new}", "they end in .convcalc.yaml")
        found: list[Difference] = []
        code = CLEAN
        for path in sorted({*sides[0], *sides[1]}):
            targets = [side.get(path) for side in sides]
            if _are_same(*targets) or _is_left_out(path, (old, new), targets):
                continue
            with current().share():
                before, after = map(self.variants, targets)
            if before is None or after is None:
                code = FINDINGS
                continue
            for name in dict.fromkeys((*before, *after)):
                title = f"{path}::{name}" if name else path
                found.append(difference(title, before.get(name), after.get(name)))
        if not found and code == CLEAN:
            self.require_variant(target for side in sides for target in side.values())
        return found, code

    def require_variant(self, targets: Iterable[Target]) -> None:
        """Raises Failure if a variant is asked for that none of the files has."""
        wanted = self.reading.variants
        bases = (open_source(each).network() for each in targets) if wanted else ()
        if wanted and not any({base.base, *base.variants} & {*wanted} for base in bases):
            advice = "leave out --variant to compare all"
            raise Failure(f"no file has a variant '{wanted[0]}'", advice)

    def files(self, word: str) -> Mapping[str, Target]:
        """The network files of a folder by their path below it."""
        if is_revision(word):
            from convcalc.language.sources.git import files_at

            return files_at(word)
        from convcalc.checking.discovery import walk

        below = {path: os.path.relpath(path, word) for path in walk(word, self.policy())}
        return {name.replace(os.sep, "/"): Target(path) for path, name in below.items()}

    def variants(self, target: Target | None) -> Mapping[str, Report] | None:
        """The reports of a file by variant; none if it defines only blocks, None on errors."""
        if target is None:
            return {}
        base = open_source(target).network()
        if any(problem.help.startswith(ONLY_BLOCKS) for problem in base.problems):
            return {}
        names: tuple[str, ...] = ("", *base.variants)
        if wanted := self.reading.variants:
            names = tuple(name for name in names if (name or base.base) in wanted)
            if not names:
                return {}
        pairs = self.reading._replace(variants=names).reports([target])
        found: dict[str, Report] = {}
        for name, (network, report) in zip(names, pairs, strict=True):
            if print_problems([network], self.settings, warnings=False):
                return None
            found[name] = report
        return found


def _is_model(file: str) -> bool:
    """Whether a file named like a saved report is a model of another program."""
    from convcalc.importing.opening import is_model

    try:
        return is_model(file)
    except OSError:
        return False  # which is said where it is read


ONLY_BLOCKS = "it only defines blocks"


def _are_same(old: Target | None, new: Target | None) -> bool:
    """Whether two files and all that they import have the same text, so that nothing changed."""
    if old is None or new is None:
        return False
    texts = [list(open_source(target).sources.values()) for target in (old, new)]
    return texts[0] == texts[1]


def _is_left_out(path: str, words: Sequence[str], targets: Sequence[Target | None]) -> bool:
    """Whether a file is there on both sides, but the settings leave it out on one."""
    return any(
        target is None and not is_revision(word) and os.path.lexists(os.path.join(word, path))  # noqa: PTH118
        for word, target in zip(words, targets, strict=True)
    )


def is_folder(word: str) -> bool:
    """Whether a word names a folder, or one at a revision: ``REV:``, ``REV:./``, ``REV:specs/``."""
    if not is_revision(word):
        return os.path.isdir(word)  # noqa: PTH112 - a word, not yet a path
    path = word.partition(":")[2]
    return path in ("", ".", "..") or path.endswith(("/", "/.", "/.."))


# --- saved reports -------------------------------------------------------------------------------


def _load_saved(file: str, name: str | None) -> Report:
    """Reads a report from a JSON file; raises Failure if it is incomplete."""
    from convcalc.analysis.report.from_json import load_report
    from convcalc.language.sources.gate import REPORT_BYTES, read_all
    from convcalc.language.sources.target import unreadable

    try:
        report = load_report(read_all(file, REPORT_BYTES), file, name)
    except OSError as error:
        raise unreadable(file, error) from None
    if not report.complete:
        raise Failure(f"{file} is the report of a network with errors", "fix it and save it again")
    return report


def _require_same_counting(old: Report, new: Report) -> None:
    """Raises Failure if two reports were made with different --count, --dtype or --memory."""
    for option, one, other in (
        ("--count", ",".join(old.counted), ",".join(new.counted)),
        ("--dtype", old.totals.memory.dtype, new.totals.memory.dtype),
        ("--memory", _memory_words(old), _memory_words(new)),
    ):
        if one != other:
            raise Failure(
                f"the reports were made with {option} {one} and with {option} {other}",
                f"give {option} as the saved report has it",
            )


def _memory_words(report: Report) -> str:
    words = sorted({*report.totals.memory.options} - {"fuse-batch-norm"})  # no word of --memory
    return ",".join(words) or "nothing"
