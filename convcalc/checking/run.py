"""One file after another -> what was found in each, with the settings of the file applied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.checking.budgets.repository import FILE
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.configuration import Configuration, clear_cache, configuration_of
from convcalc.checking.discovery import Found
from convcalc.checking.examination import Examination, Examined
from convcalc.checking.repositories import Repositories, Repository
from convcalc.checking.selection import Selection
from convcalc.checking.suppression import Silence
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.suggestion import advise
from convcalc.language.sources.plain_files import Projects
from convcalc.language.sources.target import Target, TargetError


class Options(NamedTuple):
    """What the command line asks for; empty where the settings of a file decide."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    variant: str = ""
    budgets: str = ""
    stdin: bytes | None = None  # the text of the one file that is named, if it came that way
    debug: bool = False


class Checked(NamedTuple):
    """What was found in one file.

    ``networks`` counts its variants, at each input; ``silenced`` what comments and settings
    have hidden. ``unreadable``: nothing could be said about it.
    """

    file: str
    findings: tuple[Diagnostic, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    networks: int = 0
    silenced: int = 0
    unreadable: bool = False
    sources: Mapping[str, str] = {}

    @property
    def errors(self) -> int:
        """Findings that make the check fail."""
        return sum(found.severity == "error" for found in self.findings)

    @property
    def warnings(self) -> int:
        """Findings that do so only with --strict."""
        return len(self.findings) - self.errors


Each = Callable[[Callable[[Found], "Examined | Checked"], Sequence[Found]], Iterable[Any]]
Judge = Callable[[Diagnostic], Diagnostic | None]


class Run:
    """One run over some files."""

    def __init__(self, options: Options) -> None:
        clear_cache()
        self.options = options
        self.projects = Projects()
        self.silence = Silence()
        self.repositories = Repositories(options.budgets)
        self.reported: dict[tuple[Place, str], str] = {}  # faults of shared files, and to whom

    def check(self, files: Sequence[Found], each: Each = map) -> Iterator[Checked]:
        """Every file in the given order, then the files of budgets that hold for them.

        ``each`` is like ``map``; it may use several processes.
        """
        files = [found for found in files if not self.is_of_budgets(found)]
        for found, examined in zip(files, each(self.examine, files), strict=True):
            yield self.apply_settings(found, examined)
        for repository in self.repositories.loaded():
            yield self.check_budgets(repository)

    def is_of_budgets(self, found: Found) -> bool:
        """Whether a file that was named holds budgets; it is checked after the networks."""
        if os.path.basename(found.file) != FILE or found.problem:
            return False
        self.repositories.add(found.file, configuration_of(os.path.dirname(found.file)))
        return True

    # --- one file, perhaps in a process of its own --------------------------------------------

    def examine(self, found: Found) -> Examined | Checked:
        """What there is in one file; whatever goes wrong with it, the others are checked."""
        try:
            return self.examine_file(found)
        except TargetError as error:
            return _unreadable(found.file, error.message, error.help)
        except Exception as error:
            if self.options.debug:
                raise
            words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            advice = "this is a bug; please report it with the file and CONVCALC_DEBUG=1"
            return _unreadable(found.file, f"convcalc failed: {words}", advice)

    def examine_file(self, found: Found) -> Examined | Checked:
        """All variants of a file, its pins and its budgets."""
        if found.problem:
            return _unreadable(found.file, found.problem, found.advice)
        settings = configuration_of(os.path.dirname(found.file))
        sources = self.projects.sources(found.file, settings.limits.document.bytes)
        try:
            text = self.options.stdin
            text = sources.read(found.file) if text is None else text
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            return _unreadable(found.file, f"cannot read the file: {reason}")
        repository = self.repositories.budgets_file(found.file, settings)
        budgets = repository.budgets_for(found.file) if repository else []
        wanted = found.variant or self.options.variant or settings.variant
        target = Target(found.file, None, text, sources)
        examination = Examination(target, settings, budgets, wanted)
        if found.variant and not examination.variants:
            message = f"the file has no variant '{found.variant}'"
            advice = advise(found.variant, examination.names, "variants:")
            return _unreadable(found.file, message, advice)
        return examination.examine()

    def apply_settings(self, found: Found, examined: Examined | Checked) -> Checked:
        """The findings that count by the settings and the comments."""
        if isinstance(examined, Checked):
            return examined
        settings = configuration_of(os.path.dirname(found.file))
        repository = self.repositories.budgets_file(found.file, settings)
        if repository:
            repository.remember(found.file, examined.variants)
        selection = self.selection(settings, examined.severities)
        judge = self.judge_for(selection, found.file, examined.sources)
        result = _judge_findings(found.file, examined.findings, examined.verdicts, judge)
        if examined.is_complete:
            result = self.with_unused(result, selection)
        return result._replace(networks=examined.networks, sources=examined.sources)

    def check_budgets(self, repository: Repository) -> Checked:
        """A file of budgets: its problems, and what in it holds for nothing."""
        settings = configuration_of(os.path.dirname(repository.file))
        selection = self.selection(settings, {})
        judge = self.judge_for(selection, repository.file, repository.sources)
        result = _judge_findings(repository.file, repository.findings(), (), judge)
        return result._replace(sources=repository.sources)

    # --- what counts --------------------------------------------------------------------------

    def selection(self, settings: Configuration, severities: Mapping[str, str]) -> Selection:
        """What the settings and the command line choose."""
        return Selection(settings, self.options.select, self.options.ignore, severities)

    def judge_for(self, selection: Selection, file: str, sources: Mapping[str, str]) -> Judge:
        """The judge of one file's findings: the settings first, then the comments."""
        self.silence.add({**sources, **self.texts_of_budgets()})

        def judge(found: Diagnostic) -> Diagnostic | None:
            counted = selection.judge(found, file)
            if counted is None or self.silence.silences(counted, file):
                return None
            # What a block means for a network, every network is told: it may be its own fault.
            reported_for = self.reported.setdefault((counted.place, counted.name), file)
            return counted if reported_for == file or counted.code >= "CC1" else None

        return judge

    def texts_of_budgets(self) -> Mapping[str, str]:
        """The files of budgets, at which findings about a network point."""
        return {k: v for each in self.repositories.loaded() for k, v in each.sources.items()}

    def with_unused(self, result: Checked, selection: Selection) -> Checked:
        """The result with a finding for each comment that silenced nothing."""
        unused = self.silence.unused(result.file, selection.active_codes(result.file))
        more = (selection.judge(each, result.file) for each in unused)
        found = [*result.findings, *(each for each in more if each is not None)]
        return result._replace(findings=tuple(_sort(found, result.file)))


def _judge_findings(
    file: str,
    findings: Iterable[Diagnostic],
    verdicts: Iterable[Verdict],
    judge: Judge,
) -> Checked:
    """What is left of findings and verdicts, each finding once."""
    found = list(findings)
    kept = [each for each in map(judge, found) if each is not None]
    judged: list[Verdict] = []
    for verdict in verdicts:
        counted = [each for each in map(judge, verdict.findings) if each is not None]
        judged.append(verdict._replace(findings=tuple(counted)))
        found += verdict.findings
        kept += counted
    silenced = len(found) - len(kept)
    unique = _sort(dict.fromkeys(kept), file)
    return Checked(file, tuple(unique), tuple(judged), silenced=silenced)


def _sort(findings: Iterable[Diagnostic], file: str) -> list[Diagnostic]:
    """By place, those of the file itself first."""
    return sorted(findings, key=lambda each: (each.place.file != file, each.place, each.name))


def _unreadable(file: str, message: str, advice: str = "") -> Checked:
    """A file about which nothing can be said."""
    found = Diagnostic("unreadable-file", message, Place(file, 1, 1), advice)
    return Checked(file, (found,), unreadable=True)
