"""The frozen results of an analysis.

All counts are exact integers for the whole batch, or ``UNKNOWN``; FLOPs are 2 × MACs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.model.graph.network import NOTHING, Group
from convcalc.model.operators.contract import ELEMENTWISE, SAMPLING, Term
from convcalc.model.quantities.counts import Counts
from convcalc.model.quantities.number_text import count_text, memory_text
from convcalc.model.quantities.presented import Saved, Shown, Tabular, listed, number_of, short
from convcalc.model.quantities.record import Record, Value
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

SCHEMA = "convcalc/report-v1"
PARAMS = "params"  # the key of what another tool counts as parameters


class ReceptiveField(Record):
    """The part of a network input that one output position sees, per spatial axis of that input.

    ``size`` and ``size_min`` are the largest and the smallest extent in input positions,
    padding included, over the phases of the output (they differ after upsampling).
    ``jump`` is the distance in input positions between the centers of neighbouring outputs,
    ``center`` the center of output 0, in positions that count from 0. ``is_global`` says that
    the output also depends on the whole input, beside the local value given here.
    ``unbounded``: a deformable layer can look anywhere, the size is that of its grid.
    ``coverage`` is the share of the positions within the extent that are really read, ``holes``
    how many are not, each for the phase where it is worst. Both are None unless requested, so
    comparisons ignore them.
    ``input_size`` is the size of the network input. ``reason`` tells why something is unknown.
    ``is_global`` holds where the whole input is seen at once, ``global_axes`` say on which axes
    all positions are; ``is_partly_global`` where it is seen at once, but not every position (only
    those of a phase). ``channels`` are the classes of channels that see different things, empty
    where all see the same; the values of the tensor are then the largest.
    """

    size: tuple[int, ...]
    size_min: tuple[int, ...]
    jump: tuple[Fraction, ...]
    center: tuple[Fraction, ...]
    is_global: bool = False
    unbounded: bool = False
    reason: str = ""
    input_size: tuple[int, ...] = ()
    coverage: tuple[Fraction, ...] | None = None
    holes: tuple[int, ...] | None = None
    global_axes: tuple[bool, ...] = ()
    is_partly_global: bool = False
    channels: tuple[ChannelClass, ...] = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReceptiveField):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in COMPARED)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in COMPARED))

    def __repr__(self) -> str:
        if not known(self.size):
            return f"<ReceptiveField unknown{': ' * bool(self.reason)}{short(self.reason)}>"
        words = ["size " + _axes(self.size), "jump " + _axes(self.jump)]
        words += ["center " + _axes(self.center)] + ["global"] * self.is_global
        return f"<ReceptiveField {', '.join(words)}>"


def _axes(values: Sequence[object]) -> str:
    return "×".join(map(str, values)) or "none"


# What is asked for in addition, and the size of the input, make no other field.
COMPARED = tuple(
    name for name in ReceptiveField.record_fields if name not in ("input_size", "coverage", "holes")
)


class ChannelClass:
    """Channels of a tensor that see the same of a network input: their numbers, and what they see;
    None if that is nothing. Without numbers, the channels are not told apart one by one."""

    __slots__ = ("channels", "field")

    def __init__(self, channels: tuple[range, ...], field: ReceptiveField | None) -> None:
        self.channels = channels
        self.field = field

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChannelClass):
            return NotImplemented
        return self.channels == other.channels and self.field == other.field

    def __hash__(self) -> int:
        return hash((self.channels, self.field))

    @property
    def numbers(self) -> int:
        """How many channels these are."""
        return sum(map(len, self.channels))


class LowerBounds(NamedTuple):
    """Lower bounds of sums, by key; only of those that something is missing from.

    A sum without an entry is exact. The bound is the sum of what is known.
    """

    counts: Mapping[str, int] = {}
    convention: Mapping[str, int] = {}
    fused: Mapping[str, int] = {}


EXACT = LowerBounds()  # nothing is missing


if TYPE_CHECKING:  # a protocol takes time to make
    from convcalc.analysis.report.bounds import Roofline

    class Summed(Protocol):
        """An object that holds counts: a layer, a row or totals."""

        @property
        def counts(self) -> Mapping[str, int]: ...
        @property
        def convention(self) -> Mapping[str, int]: ...
        @property
        def fused(self) -> Mapping[str, int]: ...
        @property
        def at_least(self) -> LowerBounds: ...


NO_COUNTS: Mapping[str, int] = {}  # of another tool, or with norms folded: none were asked for


class LayerCore(Record):
    """Fields that are the same for all layers that apply an operator to inputs of the same shapes.

    A network of thousands of layers has few of them.
    """

    operator: str
    fields: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    output: Shape
    weights: Mapping[str, tuple[int, ...]]
    counts: Mapping[str, int]
    terms: tuple[Term, ...]
    declared: bool = False
    facts: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<LayerCore {self.operator} → {self.output}>"


class LayerReport(Saved, Record, Counts):
    """One layer. Shapes carry the batch; each of its ``counts`` is an attribute too: ``macs``.

    ``shares`` is the path of the layer whose weights are used again, or empty, and ``own`` are the
    names of those weights that are the layer's own all the same. ``convention``
    holds the counts of another tool, ``fused`` those that remain when batch norms are folded;
    both are empty unless requested. ``bounds`` are seconds on a device, if one is named (see
    :mod:`convcalc.analysis.report.bounds`), and ``kernel`` is the layer whose kernel does its work
    too, if it begins none. A table may have it for a row (see
    :mod:`convcalc.analysis.report.rows`).
    """

    path: str
    operator: str
    groups: tuple[Group, ...]
    fields: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    output: Shape
    weights: Mapping[str, tuple[int, ...]]
    counts: Mapping[str, int]
    terms: tuple[Term, ...]
    receptive_fields: Mapping[str, ReceptiveField]  # by network input
    source: Place
    declared: bool = False
    shares: str = ""
    own: tuple[str, ...] = ()
    note: str = ""
    facts: Mapping[str, Any] | None = None
    convention: Mapping[str, int] = NO_COUNTS
    fused: Mapping[str, int] = NO_COUNTS
    bounds: Mapping[str, Any] = NO_COUNTS
    kernel: str = ""
    at_least: ClassVar[LowerBounds] = EXACT  # a layer's count is known or it is not
    layers: ClassVar[int] = 1
    outputs: ClassVar[tuple[OutputReport, ...]] = ()
    core: ClassVar[LayerCore]  # in fact each layer's: it holds the fields of its own

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        fields = vars(self)
        core = {name: fields.pop(name) for name in LayerCore.record_fields if name in fields}
        fields["core"] = LayerCore(**core)

    def __repr__(self) -> str:
        sizes = f"{listed(list(map(str, self.inputs)))} → {self.output}"
        numbers = f"{_exact(self.params)} params, {_exact(self.macs)} MACs"
        return f"<LayerReport {short(self.path)}: {self.operator} {sizes}, {numbers}>"

    def replace(self, **changes: Any) -> LayerReport:
        """A copy with some fields changed; it has the same core if those are not in it."""
        if changes.keys() & {*LayerCore.record_fields}:
            return super().replace(**changes)
        return self.of({**vars(self), **changes})

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """The receptive field on the first network input that the layer depends on, if any."""
        return next(iter(self.receptive_fields.values()), None)


def _exact(value: int) -> str:
    return count_text(value, exact=True)


for _name in LayerCore.record_fields:  # the annotations above say of which type they are
    setattr(LayerReport, _name, property(attrgetter(f"core.{_name}")))


class OutputReport(Record):
    """One output of the network: the ``path`` of the layer that makes it, its shape, its fields.

    ``path`` is the name of the input where an input is returned as it is. ``shape`` is None, and
    ``path`` empty, if the output could not be computed. ``receptive_fields`` and ``global_from``
    are by network input; the latter names the first layer towards this output that sees the whole
    of that input, if the output depends on all of it.
    """

    path: str
    shape: Shape | None
    receptive_fields: Mapping[str, ReceptiveField] = NOTHING
    global_from: Mapping[str, str] = NOTHING

    def __repr__(self) -> str:
        field = self.receptive_field
        size = f", receptive field {_axes(field.size)}" if field and known(field.size) else ""
        return f"<OutputReport {short(self.path)}: {self.shape or 'not computed'}{size}>"

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """The receptive field on the first network input that the output depends on, if any."""
        return next(iter(self.receptive_fields.values()), None)

    @property
    def first_global(self) -> str:
        """The first layer that sees the whole of that input, or empty."""
        return next((self.global_from.get(name, "") for name in self.receptive_fields), "")


class Memory(Value):
    """Bytes at one type: parameters and buffers, and the peak of live activations.

    In training also the gradients of the parameters and what the optimizer stores of them;
    ``kept`` are the activations that the forward pass leaves for the backward pass, a part of the
    peak. ``options`` are the assumptions, each a word.
    """

    dtype: str
    weights: int
    activations_peak: int
    kept: int = 0
    gradients: int = 0
    optimizer_states: int = 0
    options: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = f"{memory_text(self.weights)} weights + {memory_text(self.activations_peak)} peak"
        words = ", ".join((self.dtype, *self.options))
        return f"<Memory {memory_text(self.total)} in all: {parts} of activations ({words})>"

    @property
    def total(self) -> int:
        """Bytes of weights, gradients, optimizer and activations together."""
        return self.weights + self.gradients + self.optimizer_states + self.activations_peak


class Totals(Record, Counts):
    """Sums over the layers; each of the ``counts`` is an attribute too: ``params``.

    ``unknown`` lists ``path: what`` for each count of a layer that is not known. ``at_least`` says
    what the other layers add up to, for each sum that is unknown or that skipped layers are
    missing from. ``bounds`` are seconds on a device, if one is named.
    """

    layers: int
    counts: Mapping[str, int]
    memory: Memory
    unknown: tuple[str, ...] = ()
    convention: Mapping[str, int] = NO_COUNTS
    fused: Mapping[str, int] = NO_COUNTS
    at_least: LowerBounds = EXACT
    bounds: Mapping[str, Any] = NO_COUNTS

    def __repr__(self) -> str:
        numbers = f"{_exact(self.params)} params, {_exact(self.macs)} MACs"
        memory = memory_text(self.memory.total)
        return f"<Totals of {number_of(self.layers, 'layer')}: {numbers}, memory {memory}>"


class ToolNumber(NamedTuple):
    """One number of another tool: its key in ``convention``, what the tool calls it, its unit."""

    key: str
    title: str
    unit: str


class ToolConvention(NamedTuple):
    """The other tool whose numbers ``convention`` holds.

    ``uncounted`` are operators that do arithmetic and for which the tool counts nothing.
    ``per_sample``: the tool measures one sample, whatever the batch.
    """

    name: str
    tool: str
    numbers: tuple[ToolNumber, ...]
    uncounted: tuple[str, ...]
    per_sample: bool


class Report(Shown, Saved, Tabular, Record):
    """Everything convcalc knows about one network at one input size.

    ``counted`` are the kinds of work that the MACs add up. ``outputs`` are the shapes of the
    outputs that were computed, ``per_output`` says more of each, also of one that could not be.
    ``receptive_field`` and ``global_from`` are those of the first output: the local value, and the
    first layer that sees the whole input, or empty.
    ``problems`` are errors and warnings; with errors, ``skipped`` layers could not be computed
    and the totals hold only the others (``complete`` is False). ``convention`` is the other tool
    whose numbers are given too, if any, ``roofline`` says which device bounds are for, if any.
    ``recovered`` are the paths of layers with an error that are computed as they were probably
    meant, so that their numbers, and those of layers behind them, may be wrong.
    """

    network: str
    variant: str | None
    description: str
    source: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    counted: tuple[str, ...]
    totals: Totals
    receptive_field: ReceptiveField | None
    global_from: str
    layers: tuple[LayerReport, ...]
    problems: tuple[Diagnostic, ...] = ()
    skipped: int = 0
    convention: ToolConvention | None = None
    per_output: Mapping[str, OutputReport] = NOTHING
    roofline: Roofline | None = None
    recovered: tuple[str, ...] = ()

    def __repr__(self) -> str:
        sizes = [listed(list(map(str, each.values()))) for each in (self.inputs, self.outputs)]
        totals = self.totals
        numbers = f"{count_text(totals.params)} params, {count_text(totals.macs, 'MAC')}"
        missing = "" if self.complete else ", incomplete"
        layers = number_of(totals.layers, "layer")
        return f"<Report {short(self.network)}: {' → '.join(sizes)}, {layers}, {numbers}{missing}>"

    @property
    def complete(self) -> bool:
        """Whether every layer was computed."""
        return self.skipped == 0 and all(p.severity != "error" for p in self.problems)

    @property
    def is_lower_bound(self) -> bool:
        """Whether the totals are at least what is given: layers are missing, and the numbers of the
        others are right."""
        return self.skipped > 0 and not self.recovered


def work_totals(terms: Sequence[Term], counted: Sequence[str]) -> tuple[int, int, int]:
    """MACs (the kinds that are counted), sampling and elementwise operations of some terms."""
    return (
        sum(term.amount for term in terms if term.kind in counted),
        sum(term.amount for term in terms if term.kind == SAMPLING),
        sum(term.amount for term in terms if term.kind == ELEMENTWISE),
    )


def sum_by_key(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several mappings, key by key."""
    found: dict[str, int] = {}
    for each in filter(None, counts):
        for key, amount in each.items():
            found[key] = found.get(key, 0) + amount
    return found


def lower_bounds(
    sums: Summed, parts: Collection[Summed], *, is_partial: bool = False
) -> LowerBounds:
    """The lower bounds of ``sums`` over ``parts``: of the unknown ones, or of all if the sums are
    partial because parts are missing."""
    counts = _known_sums("counts", sums, parts, is_partial)
    convention = _known_sums("convention", sums, parts, is_partial)
    fused = _known_sums("fused", sums, parts, is_partial)
    return LowerBounds(counts, convention, fused) if counts or convention or fused else EXACT


def _known_sums(
    kind: str, sums: Summed, parts: Collection[Summed], is_partial: bool
) -> Mapping[str, int]:
    amounts: Mapping[str, int] = getattr(sums, kind)
    keys = [key for key, amount in amounts.items() if is_partial or not known(amount)]
    return {key: sum(_known_part(kind, key, part) for part in parts) for key in keys}


def _known_part(kind: str, key: str, part: Summed) -> int:
    """Return what is known of an amount: all of it, its lower bound, or nothing."""
    amount: int = getattr(part, kind)[key]
    if known(amount):
        return amount
    bounds: Mapping[str, int] = getattr(part.at_least, kind)
    return bounds.get(key, 0)
