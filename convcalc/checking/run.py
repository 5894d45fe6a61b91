"""Checks one file after another and applies the settings of each to its findings."""

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
from convcalc.diagnostics.work import TooMuchWork, check_total, current
from convcalc.language.reading import with_allowed
from convcalc.language.sources.plain_files import Projects
from convcalc.language.sources.target import Target, TargetError


class Options(NamedTuple):
    """The options of the command line; empty where the settings of a file decide."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    variant: str = ""
    budgets: str = ""
    stdin: bytes | None = None  # the text of the one file that is named, if it was piped in
    debug: bool = False


class Checked(NamedTuple):
    """The result for one file.

    ``networks`` counts its variants, each at every input; ``silenced`` counts the findings that
    comments and settings hide; ``skipped`` the layers of its worst variant that have problems or
    depend on such layers. ``unreadable`` means that it could not be checked at all.
    """

    file: str
    findings: tuple[Diagnostic, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    networks: int = 0
    silenced: int = 0
    skipped: int = 0
    unreadable: bool = False
    sources: Mapping[str, str] = {}
    work: int = 0

    @property
    def errors(self) -> int:
        """The number of findings that make the check fail."""
        return sum(found.severity == "error" for found in self.findings)

    @property
    def warnings(self) -> int:
        """The number of findings that make the check fail only with --strict."""
        return len(self.findings) - self.errors


Each = Callable[[Callable[[Found], "Examined | Checked"], Sequence[Found]], Iterable[Any]]
Judge = Callable[[Diagnostic], Diagnostic | None]


class Run:
    """Checks the files of one run; comments and budget files are read once for all of them."""

    def __init__(self, options: Options) -> None:
        clear_cache()
        self.options = options
        self.projects = Projects()
        self.silence = Silence()
        self.repositories = Repositories(options.budgets)
        # Problems of shared files, and the network file for which each was reported first.
        self.reported: dict[tuple[Place, str], str] = {}

    def check(self, files: Sequence[Found], each: Each = map) -> Iterator[Checked]:
        """Yield the result of every file in the given order, then of their budget files.

        ``each`` works like ``map``; it may use several processes.
        """
        files = [found for found in files if not self.is_of_budgets(found)]
        work, spent = current(), 0
        for found, examined in zip(files, each(self.examine, files), strict=True):
            try:
                check_total(spent, work.most)
                spent += examined.work
                with work.share():
                    result = self.apply_settings(found, examined)
            except TooMuchWork as error:
                yield Checked(found.file, (error.diagnostic(found.file),), unreadable=True)
                break
            yield result
        for repository in self.repositories.loaded():
            try:
                with work.share():
                    result = self.check_budgets(repository)
            except TooMuchWork as error:
                problem = error.diagnostic(repository.file)
                result = Checked(repository.file, (problem,), unreadable=True)
            yield result

    def is_of_budgets(self, found: Found) -> bool:
        """Whether a file holds budgets; if so, read it, to be checked after the networks."""
        if os.path.basename(found.file) != FILE or found.problem:
            return False
        self.repositories.add(found.file, configuration_of(os.path.dirname(found.file)))
        return True

    # --- one file, perhaps in a process of its own --------------------------------------------

    def examine(self, found: Found) -> Examined | Checked:
        """Return all findings of one file; whatever goes wrong becomes a finding of that file."""
        try:
            return self.examine_file(found)
        except TargetError as error:
            return _unreadable(found.file, error.message, error.help)
        except TooMuchWork as error:
            return Checked(found.file, (error.diagnostic(found.file),), unreadable=True)
        except Exception as error:
            if self.options.debug:
                raise
            words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            advice = "this is a bug; please report it with the file and CONVCALC_DEBUG=1"
            return _unreadable(found.file, f"convcalc failed: {words}", advice)

    def examine_file(self, found: Found) -> Examined | Checked:
        """Check all variants of a file, its pins and its budgets; raises TargetError."""
        if found.problem:
            return _unreadable(found.file, found.problem, found.advice)
        settings = configuration_of(os.path.dirname(found.file))
        with current().share(settings.limits.work) as work:
            try:
                examined = self.examine_within(found, settings)
            except TooMuchWork as error:
                examined = Checked(found.file, (error.diagnostic(found.file),), unreadable=True)
        return examined._replace(work=work.spent)

    def examine_within(self, found: Found, settings: Configuration) -> Examined | Checked:
        """Check a file within the work that is open."""
        sources = self.projects.sources(found.file, with_allowed(settings.limits).document.bytes)
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
        """Return the findings that count, by the settings and the comments."""
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
        return result._replace(
            networks=examined.networks, skipped=examined.skipped, sources=examined.sources
        )

    def check_budgets(self, repository: Repository) -> Checked:
        """Return the problems of a budget file, among them budgets that apply to no network."""
        settings = configuration_of(os.path.dirname(repository.file))
        selection = self.selection(settings, {})
        judge = self.judge_for(selection, repository.file, repository.sources)
        result = _judge_findings(repository.file, repository.findings(), (), judge)
        return result._replace(sources=repository.sources)

    # --- what counts --------------------------------------------------------------------------

    def selection(self, settings: Configuration, severities: Mapping[str, str]) -> Selection:
        """Return which findings the settings and the command line select."""
        return Selection(settings, self.options.select, self.options.ignore, severities)

    def judge_for(self, selection: Selection, file: str, sources: Mapping[str, str]) -> Judge:
        """Return a function that drops findings of a file, by settings first, then by comments."""
        self.silence.add({**sources, **self.texts_of_budgets()})

        def judge(found: Diagnostic) -> Diagnostic | None:
            counted = selection.judge(found, file)
            if counted is None or self.silence.silences(counted, file):
                return None
            # Problems of how a block is used are reported for every network: they may be its fault.
            reported_for = self.reported.setdefault((counted.place, counted.name), file)
            return counted if reported_for == file or counted.code >= "CC1" else None

        return judge

    def texts_of_budgets(self) -> Mapping[str, str]:
        """Return the texts of the budget files, which findings about networks point into."""
        return {k: v for each in self.repositories.loaded() for k, v in each.sources.items()}

    def with_unused(self, result: Checked, selection: Selection) -> Checked:
        """Return the result with a finding for each comment that silenced nothing."""
        unused = self.silence.unused(result.file, selection.active_codes(result.file))
        more = (selection.judge(each, result.file) for each in unused)
        found = [*result.findings, *(each for each in more if each is not None)]
        return result._replace(findings=tuple(_sort(found, result.file)))


MOST_FINDINGS = 100  # of one file that are shown


def first_findings(result: Checked) -> Checked:
    """The result with the findings that are shown, errors first of all, and how many more there
    are."""
    found = result.findings
    if len(found) <= MOST_FINDINGS:
        return result
    ranked = sorted(range(len(found)), key=lambda place: found[place].severity != "error")
    kept, rest = ranked[:MOST_FINDINGS], ranked[MOST_FINDINGS:]
    first = found[min(rest)]
    severity = "error" if any(found[place].severity == "error" for place in rest) else "warning"
    message = f"and {len(rest):,} more findings in this file"
    more = Diagnostic("too-large", message, first.place, "mend the first ones", severity=severity)
    return result._replace(findings=(*(found[place] for place in sorted(kept)), more))


def _judge_findings(
    file: str,
    findings: Iterable[Diagnostic],
    verdicts: Iterable[Verdict],
    judge: Judge,
) -> Checked:
    """Return the result with the findings and verdicts that the judge keeps, each finding once."""
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
    """Sort findings by place, those of the file itself first."""
    return sorted(findings, key=lambda each: (each.place.file != file, each.place, each.name))


def _unreadable(file: str, message: str, advice: str = "") -> Checked:
    """Return the result for a file that cannot be checked."""
    found = Diagnostic("unreadable-file", message, Place(file, 1, 1), advice)
    return Checked(file, (found,), unreadable=True)
