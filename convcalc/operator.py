"""The contract of an operator.

An operator is a frozen dataclass of its fields in ``convcalc/ops/<name>.py``; its class is
the file's name in CamelCase and the module's docstring is its manual page. It returns
shapes and work, not totals: parameters, bytes and MACs follow from them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from convcalc.diagnostics import nearest
from convcalc.fields import Field, declared
from convcalc.formula import formula
from convcalc.geometry import SAME, Axes, after
from convcalc.shape import Shape

# The kinds of work. MACs are WEIGHTS + DYNAMIC; FLOPs are twice that.
WEIGHTS = "weights"  # multiply-accumulates with learned weights
DYNAMIC = "dynamic"  # multiply-accumulates with weights computed from the input
SAMPLING = "sampling"  # interpolation arithmetic, 2^rank per linear sample and channel
ELEMENTWISE = "elementwise"  # all other arithmetic: bias, norm, activation, pooling, add
KINDS = (WEIGHTS, DYNAMIC, SAMPLING, ELEMENTWISE)


_T = TypeVar("_T")


class Term(NamedTuple):
    """One part of an operator's work: its name, its kind, how many operations (batch included)."""

    name: str
    kind: str
    amount: int


class Problem(NamedTuple):
    """Why an operator cannot do its work; names fields, never lines.

    ``name`` is a rule of :mod:`convcalc.diagnostics`; ``field`` is the field to blame, or an
    empty string for the inputs. ``source`` is the index of an input that explains the
    problem ("in_channels comes from 'enc2'"), or -1.
    """

    name: str
    field: str
    message: str
    help: str = ""
    source: int = -1
    severity: str = "error"


class Recorded(NamedTuple):
    """Another layer that an operator refers to by name (field kind ``layer``), such as the
    pooling whose indices an unpooling uses; ``name`` is what the file calls it. The tensor that
    the layer makes comes to the operator as a further input, after the others."""

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    output: Shape


class Port(NamedTuple):
    """A further output of an operator, beside its main one, with its own axis maps per input.

    ``id.port`` (or ``prev.port``) refers to it.
    """

    output: Shape
    axes: tuple[Axes, ...]


class Part(NamedTuple):
    """A sibling that a composite is built from: its name there, and what it reads."""

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    analysis: Analysis


class Analysis(NamedTuple):
    """What an operator makes of its inputs.

    ``axes`` holds one tuple per input, with one map per spatial axis of that input: how the
    output reads that axis. ``weights`` are learned tensors in PyTorch's layout: a convolution's
    ``(out_channels, in_channels / groups, *kernel_size)``, a transposed one's
    ``(in_channels, out_channels / groups, *kernel_size)``. ``frozen`` names those of them that
    are fixed and never trained. ``buffers`` are stored but not learned (running statistics).
    ``facts`` are further numbers worth showing, by name. ``ports`` are further outputs.
    ``inner_activations`` are the output elements of a composite's weighted parts; None where
    the operator is one piece. ``parts`` are the siblings that a composite is built from, in order:
    what tools that count module by module see of it.
    """

    output: Shape
    axes: tuple[Axes, ...]
    terms: tuple[Term, ...] = ()
    weights: Mapping[str, tuple[int, ...]] = {}
    buffers: Mapping[str, tuple[int, ...]] = {}
    frozen: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = {}
    ports: Mapping[str, Port] = {}
    inner_activations: int | None = None
    parts: tuple[Part, ...] = ()

    @property
    def activations(self) -> int:
        """Output elements of what multiplies by learned weights, as fvcore counts them."""
        if self.inner_activations is not None:
            return self.inner_activations
        return self.output.numel if any(term.kind == WEIGHTS for term in self.terms) else 0

    @property
    def stored(self) -> Mapping[str, tuple[int, ...]]:
        """All tensors that are kept: weights and buffers."""
        return {**self.weights, **self.buffers}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def operator(cls: type[_T]) -> type[_T]:
    """Makes a class an operator: a frozen dataclass of its fields.

    Comparison, hash and text are those of the base: to generate them for each class would
    cost start-up time.
    """
    return dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)


class Operator:
    """Base of all operators. ``arity`` is the least and the greatest number of inputs."""

    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    ranks: ClassVar[tuple[int, int]] = (0, 3)  # spatial axes of the first input
    declared: ClassVar[bool] = False  # numbers were stated in the file, not computed

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"

    def check(self, inputs: Sequence[Shape]) -> Iterator[Problem]:
        """Every reason why :meth:`analyse` cannot run on these inputs, and warnings."""
        return iter(())

    def analyse(self, inputs: Sequence[Shape]) -> Analysis:
        """Output shape, weights, work and axis maps; only after a :meth:`check` without errors."""
        raise NotImplementedError


_O = TypeVar("_O", bound=Operator)


# --- what many operators say ------------------------------------------------------------------


def unchanged(shape: Shape, *terms: Term, **more: Any) -> Analysis:
    """The analysis of an operator that keeps the shape and reads each position from itself."""
    return Analysis(shape, ((SAME,) * shape.rank,), terms, **more)


@formula
def sliding_macs(batch: int, out_size: tuple[int, ...], weight: tuple[int, ...]) -> int:
    """MACs of a window that slides: every output position uses each weight once."""
    return batch * prod(out_size) * prod(weight)


@formula
def stamping_macs(batch: int, in_size: tuple[int, ...], weight: tuple[int, ...]) -> int:
    """MACs of a kernel that is stamped: every *input* position uses each weight once."""
    return batch * prod(in_size) * prod(weight)


@formula
def work(operations: int, elements: int) -> int:
    """So many operations for each element."""
    return operations * elements


@formula
def work_of_taps(elements: int, kernel_size: tuple[int, ...]) -> int:
    """One operation for each element and tap."""
    return elements * prod(kernel_size)


@formula
def interpolation(rank: int, samples: int) -> int:
    """Linear interpolation reads the two neighbours of each sample on every axis."""
    neighbours: int = 2**rank
    return neighbours * samples


@formula
def share(channels: int, groups: int) -> int:
    """What each of several equal groups has of the channels."""
    return channels // groups


def bias_terms(bias: bool, output: Shape) -> tuple[Term, ...]:
    """One addition per output element, if there is a bias."""
    return (Term("bias", ELEMENTWISE, output.numel),) if bias else ()


def sibling(cls: type[_O], owner: Operator, **changes: Any) -> _O:
    """Another operator with those of its fields that ``owner`` has too, as composites need it."""
    shared = {name: getattr(owner, name) for name in fields_of(cls) if hasattr(owner, name)}
    return cls(**{**shared, **changes})


def chained(parts: Mapping[str, Operator], x: Shape) -> Analysis:
    """The joined analysis of operators in a row, as composites are built.

    Each part's weights and terms carry the part's name: ``depthwise.weight``; the term of
    the weight itself is called like the part.
    """
    axes: Axes = (SAME,) * x.rank
    terms: list[Term] = []
    weights: dict[str, tuple[int, ...]] = {}
    buffers: dict[str, tuple[int, ...]] = {}
    frozen: set[str] = set()
    activations = 0
    steps: list[Part] = []
    for name, part in parts.items():
        step = part.analyse([x])
        steps.append(Part(name, part, (x,), step))
        axes = tuple(map(after, step.axes[0], axes, x.spatial))
        x = step.output
        activations += step.activations
        terms += part_terms(name, step.terms)
        weights |= {f"{name}.{key}": shape for key, shape in step.weights.items()}
        buffers |= {f"{name}.{key}": shape for key, shape in step.buffers.items()}
        frozen |= {f"{name}.{key}" for key in step.frozen}
    done = Analysis(x, (axes,), tuple(terms), weights, buffers, frozenset(frozen))
    return done._replace(inner_activations=activations, parts=tuple(steps))


def part_terms(name: str, terms: Sequence[Term]) -> list[Term]:
    """The terms of a composite's part under the part's name.

    The term of the weight is called like the part, and so is one that the part is named after:
    the norm of a part ``reduce.norm`` does not become ``reduce.norm.norm``.
    """
    own = ("weight", name.rpartition(".")[2])
    return [
        Term(name if term.name in own else f"{name}.{term.name}", term.kind, term.amount)
        for term in terms
    ]


def chained_problems(parts: Mapping[str, Operator], x: Shape) -> Iterator[Problem]:
    """The problems of operators in a row, up to the first part that has one."""
    for part in parts.values():
        problems = list(part.check([x]))
        yield from problems
        if any(problem.severity == "error" for problem in problems):
            return
        x = part.analyse([x]).output


def divisors(number: int) -> str:
    """The divisors of a channel count, as a help text lists them."""
    found = [str(d) for d in range(1, min(number, 4096) + 1) if number % d == 0]
    shown = found if len(found) <= 12 else [*found[:10], "…", found[-1]]
    return f"divisors of {number}: {', '.join(shown)}"


def uneven_groups(
    groups: int, channels: int, what: str, field: str = "groups"
) -> Iterator[Problem]:
    """A problem if ``groups`` does not divide a channel count."""
    if channels % groups:
        message = f"{field} {groups} does not divide {what} {channels}"
        source = 0 if what == "in_channels" else -1
        yield Problem("does-not-divide", field, message, divisors(channels), source)


# --- finding operators -------------------------------------------------------------------------


@cache
def operator_names() -> list[str]:
    """Every operator, from the files of ``convcalc/ops``; nothing is imported."""
    from pathlib import Path

    found = (Path(__file__).parent / "ops").glob("[a-z]*.py")
    return sorted(path.stem for path in found)


@cache
def operator_class(name: str) -> type[Operator]:
    """The operator of that name; KeyError with a suggestion if there is none."""
    if name.isidentifier() and name[0] != "_":
        try:
            module = import_module(f"convcalc.ops.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"convcalc.ops.{name}":
                raise
        else:
            found: type[Operator] = getattr(module, camel_case(name))
            return found
    raise KeyError(nearest(name, operator_names()))


def name_of(operator: Operator) -> str:
    """What an operator is called in a file: its module's name."""
    return type(operator).__module__.rpartition(".")[2]


def camel_case(name: str) -> str:
    """``max_pool`` to ``MaxPool``."""
    return "".join(part.capitalize() for part in name.split("_"))


_FIELDS: dict[type[Operator], Mapping[str, Field]] = {}


def fields_of(operator: type[Operator]) -> Mapping[str, Field]:
    """The declared fields of an operator by name."""
    found = _FIELDS.get(operator)
    if found is None:
        found = _FIELDS[operator] = declared(operator)
    return found
