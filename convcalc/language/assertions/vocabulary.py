"""The vocabulary of budgets: the metrics, the bounds each takes, and the parsed assertions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.diagnostics.diagnostic import Place
from convcalc.model.quantities.counts import BYTES, COUNTS, DeclaredCount

# Bounds, in the order in which they are checked. ``warn`` lies before ``max``, or before ``min``
# where there is no ``max``.
LIMITS = ("max", "min", "equals", "warn")
CHANGES = ("max_increase", "max_decrease")
ANYWHERE = ("message",)
BESIDE = ("compare", "locked")  # what stands beside the metrics in a network file


class Metric(NamedTuple):
    """One number that can be limited; ``doc`` says in a line what it is.

    ``kind`` says what its values are: ``count`` (an integer), ``bytes``, ``seconds``, ``axes`` (a
    number per spatial axis), ``ratio`` (between 0 and 1) or ``shape``; ``rule`` is broken by too
    much of it, ``keys`` may be beside the bounds, and ``bounds`` are those that make sense.
    ``field`` is the part of the receptive field that it is, if it is one.
    """

    kind: str
    rule: str
    doc: str
    keys: tuple[str, ...] = ("at",)
    bounds: tuple[str, ...] = (*LIMITS, *CHANGES)
    field: str = ""


def _metric(count: DeclaredCount) -> Metric:
    """The metric of a count."""
    kind = "bytes" if count.unit == BYTES else "count"
    keys = ("at", "convention") if count.of_tools else ("at",)
    return Metric(kind, count.rule, count.doc, keys)


_FIELD_RULE = "receptive-field-budget"
_INPUT = ("at", "input")
METRICS: Mapping[str, Metric] = {
    **{key: _metric(count) for key, count in COUNTS.items() if count.rule},
    "memory": Metric(
        "bytes",
        "memory-over-budget",
        "parameters and buffers, and the most that is alive at once",
        ("dtype", "batch", "part", "options"),
    ),
    "time_bound": Metric(
        "seconds",
        "time-bound-over-budget",
        "the least that a device must spend: of kernels fused, or with one for every layer",
        ("at", "device", "runtime", "dtype", "batch", "end"),
        ("max", "warn", *CHANGES),
    ),
    "layers": Metric("count", "structure-budget", "layers of the network or of a part"),
    "share": Metric(
        "ratio", "structure-budget", "how much of a count a part has", ("of", "metric"), LIMITS
    ),
    "receptive_field": Metric(
        "axes", _FIELD_RULE, "input positions that one output position sees", _INPUT
    ),
    "jump": Metric("axes", _FIELD_RULE, "effective stride on the input", _INPUT, field="jump"),
    "look_ahead": Metric(
        "axes", _FIELD_RULE, "input positions after its own that an output position sees", _INPUT
    ),
    "coverage": Metric(
        "ratio",
        _FIELD_RULE,
        "share of the positions within the receptive field that are read",
        _INPUT,
    ),
    "output": Metric(
        "shape", "shape-differs", "shape of each output, channels first", ("at",), ("equals",)
    ),
    "shapes": Metric("shape", "shape-differs", "shapes of inner outputs by their paths", (), ()),
}
PARTS = (
    "total",
    "weights",
    "activations_peak",
    "kept",
    "gradients",
    "optimizer_states",
)  # of memory
ENDS = ("lower", "upper")  # of the interval of a time bound
MISSING = ("pass", "fail")  # what a budget does where the base has no such network


class Bound(NamedTuple):
    """One limit: ``value`` as an exact number, a tuple per axis or a shape; ``text`` as written.

    A relative change (``2%``) has ``relative`` True and is a fraction of the base's value.
    """

    kind: str
    value: Any
    place: Place
    text: str
    relative: bool = False


class Assertion(NamedTuple):
    """A requirement for one metric of a network.

    ``at`` is the path of the layer or block that is meant, else the network or each of its outputs;
    ``of`` and ``counted`` are the part and the metric of a share. ``convention`` is the tool whose
    number is meant, else it is convcalc's own. ``device``, ``runtime`` and ``end`` belong to a time
    bound. ``origin`` is where it is demanded, if that is not where ``place`` points. ``is_typed``
    says that the file names the ``dtype``.
    """

    metric: str
    bounds: tuple[Bound, ...]
    place: Place
    at: str = ""
    of: str = ""
    counted: str = "params"
    dtype: str = "float32"
    batch: int = 1
    part: str = "total"
    options: tuple[str, ...] = ()
    input: str = ""
    convention: str = ""
    message: str = ""
    origin: str = ""
    device: str = ""
    runtime: str = ""
    end: str = "lower"
    is_typed: bool = False

    @property
    def title(self) -> str:
        """The assertion in a few words: ``receptive_field min 140 at bottom``."""
        words = [self.metric, *(f"{bound.kind} {bound.text}" for bound in self.bounds)]
        if self.convention:
            words.append(f"by {self.convention}")
        if self.at:
            words.append(f"at {self.at}")
        if self.of:
            words.append(f"of {self.of} in {self.counted}")
        if self.metric == "memory":
            words += [self.part] * (self.part != "total")
            words.append(self.dtype + f" batch {self.batch}" * (self.batch != 1))
            words += [", ".join(self.options)] * bool(self.options)
        if self.metric == "time_bound":
            words.append(f"on {self.device}")
            words += [f"runtime {self.runtime}"] * bool(self.runtime)
            words.append(self.dtype + f" batch {self.batch}" * (self.batch != 1))
            words += [f"{self.end} end"] * (self.end != "lower")
        return " ".join(words)


class Compare(NamedTuple):
    """The base that changes are measured against: a git revision or a saved report.

    The path of a saved report counts from the folder of ``file``, by default that of ``place``.
    """

    base: str
    place: Place
    missing: str = "fail"
    file: str = ""


class Named(NamedTuple):
    """A word of the file with its place."""

    text: str
    place: Place


class Budget(NamedTuple):
    """Assertions that belong together, and on which networks they are made.

    In a network file they are made on all its variants at its own input. A repository's budget
    names its ``models`` (patterns of paths), ``variants`` (none: all) and ``inputs`` (none: the
    file's own); ``rules`` gives other severities to rules. What a ``locked`` one finds cannot be
    silenced.
    """

    name: str
    place: Place
    assertions: tuple[Assertion, ...] = ()
    compare: Compare | None = None
    message: str = ""
    models: tuple[Named, ...] = ()
    variants: tuple[Named, ...] = ()
    inputs: tuple[tuple[Any, Named], ...] = ()
    rules: Mapping[str, str] = {}
    locked: bool = False

    def of_type(self, dtype: str) -> Budget:
        """The budget with the memory of numbers of this type, where it names none."""
        return self._replace(
            assertions=tuple(
                each if each.is_typed or each.metric != "memory" else each._replace(dtype=dtype)
                for each in self.assertions
            )
        )
