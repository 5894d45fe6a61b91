"""Checks one file after another and applies the settings of each to its findings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from convcalc.checking.budgets import FILE
from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.configuration import ALL, Configuration
from convcalc.checking.discovery import Found, expected
from convcalc.checking.examined import Examined, Held
from convcalc.checking.policy import Choice, Policy, policy_of
from convcalc.checking.predecessors import Predecessors, predecessors, reader
from convcalc.checking.remembering import Shelf
from convcalc.checking.repositories import Repository
from convcalc.checking.selection import Selection
from convcalc.checking.suppression import Silence
from convcalc.checking.trees import RevisionTree
from convcalc.checking.weakening.change import Change, limited
from convcalc.checking.weakening.suppressions import new_comments
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.faults import fault
from convcalc.diagnostics.suggestion import advise
from convcalc.diagnostics.work import TooMuchWork, check_total, current
from convcalc.importing.opening import is_model
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.head.inputs import Inputs
from convcalc.language.limits import with_allowed
from convcalc.language.sources.files import Projects
from convcalc.language.sources.gate import REPORT_BYTES, SETTINGS_BYTES, reason
from convcalc.language.sources.gate import advice as advice_on
from convcalc.language.sources.kept import open_kept
from convcalc.language.sources.project import project
from convcalc.language.sources.shipped import shipped_folder
from convcalc.language.sources.target import Target, TargetError
from convcalc.model.quantities.presented import number_of, short


class Options(NamedTuple):
    """The options of the command line; empty where the settings of a file decide."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    variant: str = ""
    budgets: str = ""
    stdin: bytes | None = None  # the text of the one file that is named, if it was piped in
    debug: bool = False
    policy: str = ""
    config: str = ""
    isolated: bool = False
    allow_code: bool = False
    inputs: Inputs = None  # in place of those of the files
    params: tuple[tuple[str, str], ...] = ()  # values in place of those of the files
    dtype: str = ""  # of the numbers in memory, for budgets that name none
    keep: bool = False  # whether results are kept, and those that were

    @property
    def choice(self) -> Choice:
        """The files of settings and budgets that are named."""
        return Choice(self.config, self.budgets, self.isolated)


class Hidden(NamedTuple):
    """A finding that does not count, and what silences it: a comment or else the settings."""

    found: Diagnostic
    by_comment: bool


class Checked(NamedTuple):
    """The result for one file.

    ``networks`` counts its variants, each at every input; ``hidden`` are the findings that comments
    and settings silence; ``skipped`` counts the layers of its worst variant that have problems or
    depend on such layers. ``unreadable`` means that it could not be checked at all, ``is_library``
    that it only defines blocks.
    """

    file: str
    findings: tuple[Diagnostic, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    networks: int = 0
    hidden: tuple[Hidden, ...] = ()
    skipped: int = 0
    unreadable: bool = False
    sources: Mapping[str, str] = {}
    is_library: bool = False
    work: int = 0

    def __repr__(self) -> str:
        counts = f"{number_of(self.errors, 'error')}, {number_of(self.warnings, 'warning')}"
        return f"<Checked {short(self.file)}: {counts}>"

    @property
    def errors(self) -> int:
        """The number of findings that make the check fail."""
        return sum(found.severity == "error" for found in self.findings)

    @property
    def silenced(self) -> int:
        """The number of findings that comments and settings silence."""
        return len(self.hidden)

    @property
    def warnings(self) -> int:
        """The number of findings that make the check fail only with --strict."""
        return len(self.findings) - self.errors


Each = Callable[[Callable[[Found], "Examined | Checked"], Sequence[Found]], Iterable[Any]]


class Run:
    """Checks the files of one run; comments and budget files are read once for all of them.

    ``own`` is what the tree says, ``held`` what it is held to: the same, or with ``--policy`` what
    a revision says.
    """

    def __init__(self, options: Options, own: Policy | None = None) -> None:
        self.options = options
        self.own = own or Policy(choice=options.choice)
        is_held = bool(options.policy)
        self.held = policy_of(options.policy, options.choice) if is_held else self.own
        self.predecessors = Predecessors()
        self.projects = Projects(str(shipped_folder()))
        self.kept = open_kept() if options.keep and not is_held else None
        self.silence = Silence(self.text_before if is_held else None)
        # Problems of shared files, and the network file for which each was reported first.
        self.reported: dict[tuple[Place, str], str] = {}

    def check(
        self, files: Sequence[Found], each: Each = map, words: Sequence[str] = ()
    ) -> Iterator[Checked]:
        """Yield the result of every file in the given order, then of their budget files.

        ``each`` works like ``map``; it may use several processes. ``words`` are those that the
        files were found by: with a policy, they say which networks are gone.
        """
        files = [found for found in files if not self.is_of_budgets(found)]
        if self.tree is not None:
            self.predecessors = self.find_predecessors(self.tree, files, words)
        is_unreadable = False
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
            is_unreadable |= result.unreadable
            yield result
        try:
            changes = self.changes_of_shared_files([found.file for found in files])
        except TargetError:
            if not is_unreadable:
                raise
            changes = {}  # what cannot be read was told for each file
        for repository in self.own.repositories.loaded():
            try:
                with work.share():
                    result = self.check_budgets(repository, changes.pop(repository.file, []))
            except TooMuchWork as error:
                problem = error.diagnostic(repository.file)
                result = Checked(repository.file, (problem,), unreadable=True)
            yield result
        for file, listed in changes.items():
            yield self.check_changes(file, listed)

    def is_of_budgets(self, found: Found) -> bool:
        """Whether a file holds budgets; if so, read it, to be checked after the networks."""
        if os.path.basename(found.file) != FILE or found.problem:
            return False
        settings = self.held.configuration(os.path.dirname(found.file))
        self.own.repositories.read(found.file, settings)
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
            if known := fault(error):
                return _unreadable(found.file, *known)
            words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            advice = "this is a bug; please report it with the file, what the command prints with "
            advice += "CONVCALC_DEBUG=1, and what 'convcalc --version --verbose' prints"
            return _unreadable(found.file, f"convcalc failed: {words}", advice)

    def examine_file(self, found: Found) -> Examined | Checked:
        """Check all variants of a file, its pins and its budgets; raises TargetError."""
        if found.problem:
            return _unreadable(found.file, found.problem, found.advice)
        settings = self.held.configuration(os.path.dirname(found.file))
        with current().share(settings.limits.work) as work:
            try:
                examined = self.examine_within(found, settings)
            except TooMuchWork as error:
                examined = Checked(found.file, (error.diagnostic(found.file),), unreadable=True)
        return examined._replace(work=max(examined.work, work.spent))

    def examine_within(self, found: Found, settings: Configuration) -> Examined | Checked:
        """Check a file within the work that is open."""
        sources = self.projects.sources(found.file, with_allowed(settings.limits).document.bytes)
        try:
            text = self.options.stdin
            of_model = text is None and (found.format or is_model(found.file))
            if text is None:
                text = b"" if of_model else sources.read(found.file)
        except OSError as error:
            message = f"cannot read the file: {reason(error)}"
            return _unreadable(found.file, message, advice_on(error))
        repository = self.own.repository(found.file)
        budgets = repository.budgets_for(found.file) if repository else []
        target = Target(found.file, None, text, sources)
        if of_model:  # of which most is never looked at
            target = Target(found.file, format=found.format)
        if self.kept is None or self.options.stdin is not None:
            return self.examine_target(found, target, settings, budgets)
        options = self.options
        asked = (found.variant, options.variant, options.inputs, options.params, options.dtype)
        words = (*asked, settings.variant, settings.limits, budgets)
        shelf = Shelf(self.kept, sources, self.options.allow_code)
        return shelf.result(
            target, words, lambda: self.examine_target(found, target, settings, budgets)
        )

    def examine_target(
        self, found: Found, target: Target, settings: Configuration, budgets: Sequence[Budget]
    ) -> Examined | Checked:
        """Check a file that is read, or a model."""
        from convcalc.checking.examination import Examination

        held = self.held_to(found.file, target.text) if self.tree is not None else None
        named = found.variant or self.options.variant
        wanted = named or settings.variant
        code = self.options.allow_code
        given = {"inputs": self.options.inputs, "params": dict(self.options.params)}
        more: dict[str, Any] = {"allow_code": code, "dtype": self.options.dtype, **given}
        examination = Examination(target, settings, budgets, wanted, held, **more)
        if not named and wanted != ALL and examination.is_locked:
            examination = Examination(target, settings, budgets, ALL, held, **more)
        if found.variant and not examination.variants:
            message = f"the file has no variant '{found.variant}'"
            advice = advise(found.variant, examination.names, "variants:")
            return _unreadable(found.file, message, advice)
        return examination.examine()

    def apply_settings(self, found: Found, examined: Examined | Checked) -> Checked:
        """Return the findings that count, by the settings and the comments."""
        if isinstance(examined, Checked):
            return examined
        project().names.update(examined.sources)  # they may have been read in another process
        settings = self.held.configuration(os.path.dirname(found.file))
        repository = self.own.repository(found.file)
        if repository:
            repository.remember(found.file, examined.variants)
        judge = self.judge_of(settings, found.file, examined.sources, examined.severities)
        judge.add(examined.findings)
        judge.add_verdicts(examined.verdicts)
        judge.add_changes(examined.changes)
        if examined.is_complete:
            judge.add_unused()
        return judge.result._replace(
            networks=examined.networks,
            skipped=examined.skipped,
            sources=examined.sources,
            is_library=examined.is_library,
        )

    def check_budgets(self, repository: Repository, changes: Sequence[Change]) -> Checked:
        """Return the problems of a budget file, among them budgets that apply to no network."""
        settings = self.held.configuration(os.path.dirname(repository.file))
        judge = self.judge_of(settings, repository.file, repository.sources)
        locked, others = repository.findings()
        judge.add(others)
        judge.add(locked, locked=True)
        judge.add_changes(changes)
        return judge.result._replace(sources=repository.sources)

    def judge_of(
        self,
        settings: Configuration,
        file: str,
        sources: Mapping[str, str],
        severities: Mapping[str, str] | None = None,
    ) -> Judge:
        """Return the judge of the findings of a file, once all comments that matter are read."""
        selection = Selection(settings, self.options.select, self.options.ignore, severities or {})
        self.silence.add({**sources, **self.texts_of_budgets()})
        judge = Judge(file, selection, self.silence, self.reported)
        judge.add_changes(self.new_comments(sources))
        return judge

    def texts_of_budgets(self) -> Mapping[str, str]:
        """Return the texts of the budget files, which findings about networks point into."""
        loaded = self.own.repositories.loaded()
        return {k: v for each in loaded for k, v in each.sources.items()}

    def unmatched_variants(
        self, files: Sequence[Found], done: Sequence[Checked]
    ) -> Iterator[tuple[str, str]]:
        """Yield message and advice for each variant that is to be checked, but that no file has."""
        results = {result.file: result for result in done}
        asked: dict[tuple[str, str], list[Checked]] = {}
        for found in files:
            settings = self.held.configuration(os.path.dirname(found.file))
            key = settings.variant, settings.file
            if self.options.variant:
                key = self.options.variant, ""
            if key[0] != ALL and not found.variant and found.file in results:
                asked.setdefault(key, []).append(results[found.file])
        for (name, file), some in asked.items():
            if not any(each.networks or each.findings or each.is_library for each in some):
                advice = "write all, or the name of a variant"
                yield f"no file has the variant '{name}'", f"{file}: {advice}" if file else advice

    # --- with a policy ------------------------------------------------------------------------

    @property
    def tree(self) -> RevisionTree | None:
        """The tree of the policy; None without one."""
        return self.held.tree if isinstance(self.held.tree, RevisionTree) else None

    def find_predecessors(
        self, tree: RevisionTree, files: Sequence[Found], words: Sequence[str]
    ) -> Predecessors:
        """Return which network of the policy each file was, and which of them are gone."""
        limit = self.held.configuration(os.curdir).limits.document.bytes
        shown = [found.file for found in files if not found.problem]
        here, there = reader(self.own.tree.read, limit), reader(tree.read, limit)
        return predecessors(shown, expected(words, self.held), tree, here, there)

    def held_to(self, file: str, text: str | bytes | None) -> Held:
        """Return what the policy holds a file to."""
        assert self.tree is not None
        path = self.predecessors.path(file)
        repository = self.held.repository(path)
        other = self.held.repository(file)
        budgets = repository.budgets_for(path, file) if repository else []
        if other is not None and other is not repository:
            names = {budget.name for budget in budgets}
            budgets += [each for each in other.budgets_for(file) if each.name not in names]
        before = None
        inside = self.tree.inside(path)
        if inside is not None and inside in self.tree.names:
            target = self.tree.target(inside)
            before = target if target.text != text else None
        return Held(budgets, before, path, self.read_saved)

    def read_saved(self, path: str) -> bytes:
        """Return the content of a saved report in the policy; OSError if there is none."""
        assert self.tree is not None
        if self.tree.inside(path) is None:
            raise FileNotFoundError(2, "no such file or directory")
        return self.tree.read(path, REPORT_BYTES)

    def text_before(self, file: str) -> str | None:
        """Return the text of a file in the policy, under the name it had; None if it is new."""
        if self.tree is None:
            return None
        path = self.predecessors.path(file)
        try:
            limits = self.held.configuration(os.path.dirname(path)).limits
            content = self.tree.read(path, limits.document.bytes)
        except (OSError, TargetError):
            return None
        return content.decode("utf-8", "replace").removeprefix("\ufeff")

    def new_comments(self, sources: Mapping[str, str]) -> list[Change]:
        """Return a change for each comment of these files that the policy does not have."""
        added = (self.silence.added.pop(file, []) for file in sources)
        return [each for ignores in added for each in new_comments(ignores)]

    def changes_of_shared_files(self, files: Sequence[str]) -> dict[str, list[Change]]:
        """Return what settings, budgets and ignore files ask less than in the policy, by file."""
        found: dict[str, list[Change]] = {}
        if self.tree is not None:
            from convcalc.checking.weakening.comparison import Comparison

            for each in Comparison(self.own, self.held, files, self.predecessors).changes():
                found.setdefault(each.found.place.file, []).append(each)
        return {file: limited(changes) for file, changes in found.items()}

    def check_changes(self, file: str, changes: Sequence[Change]) -> Checked:
        """Return the changes of a file that is neither a network nor of budgets."""
        settings = self.held.configuration(os.path.dirname(file))
        judge = self.judge_of(settings, file, {})
        judge.add_changes(changes)
        sources = {}
        if changes and changes[0].found.place.line:
            with suppress(OSError):
                content = self.own.tree.read(file, SETTINGS_BYTES)
                sources = {file: content.decode("utf-8", "replace")}
        return judge.result._replace(sources=sources)


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
    more = Diagnostic("too-large", message, first.place, "fix the first ones", severity=severity)
    return result._replace(findings=(*(found[place] for place in sorted(kept)), more))


class Judge:
    """Decides which findings of one file count: by the settings first, then by the comments."""

    def __init__(
        self,
        file: str,
        selection: Selection,
        silence: Silence,
        reported: dict[tuple[Place, str], str],
    ) -> None:
        self.file = file
        self.selection = selection
        self.silence = silence
        self.reported = reported
        self.kept: dict[Diagnostic, None] = {}
        self.hidden: dict[Hidden, None] = {}
        self.verdicts: list[Verdict] = []

    def add(self, findings: Iterable[Diagnostic], *, locked: bool = False) -> None:
        """Judge findings; nothing silences them if they are ``locked``."""
        for each in findings:
            self.judge(each, locked=locked)

    def add_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Judge the findings of budgets and pins."""
        for each in verdicts:
            judged = [(found, self.judge(found, locked=each.locked)) for found in each.findings]
            self.verdicts.append(
                each._replace(
                    findings=tuple(new for _, new in judged if isinstance(new, Diagnostic)),
                    hidden=tuple(new.found for _, new in judged if isinstance(new, Hidden)),
                    broken=any(old.severity == "error" for old, _ in judged),
                )
            )

    def add_changes(self, changes: Iterable[Change]) -> None:
        """Judge what the tree changes in what it is held to."""
        for each in changes:
            self.judge(each.found, locked=each.locked)

    def add_unused(self) -> None:
        """Add a finding for each comment that silenced nothing."""
        for each in self.silence.unused(self.file, self.selection.active_codes(self.file)):
            self.judge(each)

    def judge(self, found: Diagnostic, *, locked: bool = False) -> Diagnostic | Hidden | None:
        """Return a finding as it counts, or as it is hidden; None if another file reports it."""
        counted = self.selection.judge(found, self.file, locked=locked)
        if counted is None or (not locked and self.silence.silences(counted, self.file)):
            hidden = Hidden(found, counted is not None)
            self.hidden[hidden] = None
            return hidden
        # Problems of how a block is used are reported for every network: they may be its fault.
        reported_for = self.reported.setdefault((counted.place, counted.name), self.file)
        if reported_for != self.file and counted.code < "CC1":
            return None
        self.kept[counted] = None
        return counted

    @property
    def result(self) -> Checked:
        """The findings that count, those of the file itself first, and those that are hidden."""
        kept = sorted(self.kept, key=lambda f: (f.place.file != self.file, f.place, f.name))
        return Checked(self.file, tuple(kept), tuple(self.verdicts), hidden=tuple(self.hidden))


def _unreadable(file: str, message: str, advice: str = "") -> Checked:
    """Return the result for a file that cannot be checked."""
    found = Diagnostic("unreadable-file", message, Place(file, 1, 1), advice)
    return Checked(file, (found,), unreadable=True)
