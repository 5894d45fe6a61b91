"""Problems as data: where, what, and what would be right; their text comes last.

The form of the text is compiler-like: a code and a kebab-case name, one sentence, the
source line with a caret, related places, and a help line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# Every problem's code and name. A code never changes its meaning.
RULES: Mapping[str, str] = {
    "CC000": "unreadable-file",
    "CC001": "syntax",
    "CC002": "duplicate-key",
    "CC003": "unknown-key",
    "CC004": "wrong-type",
    "CC005": "bad-expression",
    "CC006": "unknown-name",
    "CC007": "import-cycle",
    "CC008": "ambiguous-scalar",
    "CC009": "unused-ignore",
    "CC010": "missing-key",
    "CC011": "out-of-range",
    "CC012": "unknown-operator",
    "CC013": "too-large",
    "CC014": "unsupported-yaml",
    "CC015": "unreadable-import",
    "CC016": "block-cycle",
    "CC017": "duplicate-id",
    "CC018": "unknown-variant",
    "CC101": "shape-mismatch",
    "CC102": "concat-mismatch",
    "CC103": "does-not-divide",
    "CC104": "unread-positions",
    "CC105": "empty-output",
    "CC106": "even-kernel-same",
    "CC107": "output-padding-too-large",
    "CC108": "wrong-rank",
    "CC109": "stated-differently",
    "CC110": "share-mismatch",
    "CC111": "padding-too-large",
    "CC112": "flatten-missing",
    "CC113": "unsupported-combination",
    "CC201": "gridding",
    "CC202": "checkerboard",
    "CC203": "bias-before-norm",
    "CC204": "strided-pointwise",
    "CC205": "conditional-residual",
    "CC301": "params-over-budget",
    "CC302": "work-over-budget",
    "CC303": "receptive-field-budget",
    "CC304": "shape-differs",
    "CC305": "memory-over-budget",
    "CC306": "regression",
    "CC307": "expect-drift",
    "CC308": "below-budget",
    "CC309": "structure-budget",
    "CC310": "unknown-number",
    "CC311": "no-such-model",
    "CC312": "number-differs",
}
CODES: Mapping[str, str] = {name: code for code, name in RULES.items()}


class Place(NamedTuple):
    """A stretch of one source line. Lines and columns count from 1; ``end`` is exclusive."""

    file: str
    line: int
    column: int
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Related(NamedTuple):
    """Another place that a problem is about, and what it has to do with it."""

    place: Place
    note: str


class Diagnostic(NamedTuple):
    """One problem of one file.

    ``within`` tells the composite in which it was met, for instance ``in Up (called at :29)``,
    ``measured`` what was found where the caret points, ``notes`` further facts, one a line.
    """

    name: str
    message: str
    place: Place
    help: str = ""
    related: tuple[Related, ...] = ()
    within: str = ""
    severity: str = "error"
    measured: str = ""
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The stable code that belongs to the name."""
        return CODES[self.name]


class NetworkError(Exception):
    """A network could not be read or analysed; carries every problem that was found."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(f"{d.place}: {d.message}" for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


def nearest(word: str, choices: Iterable[str]) -> str:
    """The closest of ``choices``, or an empty string if none is close."""
    from difflib import get_close_matches  # only wrong input pays for this import

    return next(iter(get_close_matches(word, list(choices), n=1, cutoff=0.65)), "")


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place, each defect once: a block that is called ten times has its defect once."""
    unique = {(d.place, d.name): d for d in reversed(list(diagnostics))}
    return sorted(unique.values(), key=lambda d: (d.place, d.name))


def full_text(diagnostic: Diagnostic, sources: Mapping[str, str]) -> str:
    """The message with its source lines; ``sources`` maps a file to its text."""
    place = diagnostic.place
    related = [r for r in diagnostic.related if r.place.file == place.file]
    width = max(len(str(r.place.line)) for r in [Related(place, ""), *related])
    margin = " " * width
    within = f"   {diagnostic.within}" if diagnostic.within else ""
    lines = [
        f"{diagnostic.severity}[{diagnostic.code}] {diagnostic.name}: {diagnostic.message}",
        f"{margin}--> {place}{within}",
    ]
    if quoted := _quoted(place, "^", diagnostic.measured, width, sources):
        lines += [f"{margin} |", *quoted]
    for other in diagnostic.related:
        same_file = other.place.file == place.file
        quoted = _quoted(other.place, "-", other.note, width, sources) if same_file else []
        lines += quoted or [f"{margin} = {other.place}: {other.note}"]
    lines += [f"{margin} = {note}" for note in diagnostic.notes]
    if diagnostic.help:
        lines.append(f"{margin} = help: {diagnostic.help}")
    return "\n".join(lines)


def _quoted(
    place: Place, mark: str, note: str, width: int, sources: Mapping[str, str]
) -> list[str]:
    """The source line with its mark below; empty if the text is not at hand."""
    text = sources.get(place.file, "").split("\n")
    if not 0 < place.line <= len(text) or place.file not in sources:
        return []
    line = text[place.line - 1].rstrip("\r")
    # A tab and a control character take one column each, so that the mark stands right.
    shown = "".join(c if c.isprintable() else " " for c in line)
    start = min(place.column, len(line) + 1)
    length = max(1, min(place.end or start + 1, len(line) + 1) - start)
    if len(shown) > _LONGEST:
        left = max(0, start - _LONGEST // 2)
        shown, start = shown[left : left + _LONGEST], start - left
        length = min(length, _LONGEST)
    caret = " " * (start - 1) + mark * length + (f" {note}" if note else "")
    return [f"{place.line:>{width}} | {shown}", f"{' ' * width} | {caret}"]


_LONGEST = 120  # characters of a source line that are quoted
