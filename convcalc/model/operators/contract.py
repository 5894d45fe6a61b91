"""The contract of an operator: its base class, and what it returns.

An operator is a record of its fields, defined in ``convcalc/model/ops/<family>/<name>.py``; its
class is the file's name in CamelCase, and the module's docstring is its manual page. It returns
shapes and work, not totals: parameters, bytes and MACs are derived from them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from convcalc.diagnostics.codes import BY_NAME
from convcalc.model.geometry.axis_maps import Axes
from convcalc.model.geometry.channel_maps import ChannelMap
from convcalc.model.operators.fields import REQUIRED, Field
from convcalc.model.quantities.record import Value
from convcalc.model.quantities.shape import Shape

# The kinds of work. MACs are WEIGHTS + DYNAMIC; FLOPs are twice that.
WEIGHTS = "weights"  # multiply-accumulates with learned weights
DYNAMIC = "dynamic"  # multiply-accumulates with weights computed from the input
SAMPLING = "sampling"  # interpolation arithmetic, 2^rank per linear sample and channel
ELEMENTWISE = "elementwise"  # all other arithmetic: bias, norm, activation, pooling, add
KINDS = (WEIGHTS, DYNAMIC, SAMPLING, ELEMENTWISE)


_T = TypeVar("_T")


class Term(NamedTuple):
    """One part of an operator's work: its name, its kind, and its operations (batch included)."""

    name: str
    kind: str
    amount: int


class Problem(NamedTuple):
    """Why an operator cannot be computed, or a warning; refers to fields, never to lines.

    ``name`` is a rule of :mod:`convcalc.diagnostics.codes`; ``field`` is the field to blame, or an
    empty string for the inputs. ``source`` is the index of an input that explains the
    problem ("in_channels comes from 'enc2'"), or -1. ``severity`` overrides that of the
    rule.
    """

    name: str
    field: str
    message: str
    help: str = ""
    source: int = -1
    severity: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the operator cannot be computed, as opposed to a warning."""
        return (self.severity or BY_NAME[self.name].severity) == "error"


class Recorded(NamedTuple):
    """Another layer that an operator refers to by name (field kind ``layer``), such as the
    pooling whose indices an unpooling uses; ``name`` is what the file calls it. The layer's output
    is passed to the operator as a further input, after the others."""

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    output: Shape


class Recurring(NamedTuple):
    """Products of a recurrent layer whose other factor is not its input: so many multiply a state
    that it made itself, so many a constant, the state before the first step."""

    state: int
    constant: int = 0


class Port(NamedTuple):
    """An additional output of an operator, with its own axis maps per input.

    ``id.port`` (or ``prev.port``) refers to it. ``part`` is the part of a composite that makes it.
    """

    output: Shape
    axes: tuple[Axes, ...]
    part: str = ""
    channels: tuple[ChannelMap, ...] = ()


class Part(NamedTuple):
    """A step of a composite: an operator that it is built from, or a :class:`Function`.

    ``name`` is unique in the composite; ``inputs`` are the shapes that the operator works on.
    ``reads`` says whose tensors these are: the composite's input of that index, or the output of
    the earlier part of that name. A part that reads some of the channels reads the tensor.
    """

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    analysis: Analysis
    reads: tuple[int | str, ...]


class _Analysis(NamedTuple):
    """The fields of an Analysis; a tuple with names has no room for what is made of them."""

    output: Shape
    axes: tuple[Axes, ...]
    terms: tuple[Term, ...] = ()
    weights: Mapping[str, tuple[int, ...]] = {}
    buffers: Mapping[str, tuple[int, ...]] = {}
    frozen: frozenset[str] = frozenset()
    facts: Mapping[str, Any] = {}
    ports: Mapping[str, Port] = {}
    parts: tuple[Part, ...] = ()
    result: str = ""
    channels: tuple[ChannelMap, ...] = ()
    arranged: tuple[tuple[int, ...], ...] | None = None
    recurring: Mapping[str, Recurring] = {}
    windows: tuple[int, ...] = ()


class Analysis(_Analysis):
    """The result of applying an operator to its inputs.

    ``axes`` holds one tuple per input, with one map per spatial axis of that input: how the
    output reads that axis. ``channels`` holds one map per input: which of its channels an output
    channel reads; empty where every one reads all. ``weights`` are learned tensors in PyTorch's
    layout: a convolution's ``(out_channels, in_channels / groups, *kernel_size)``, a transposed
    one's ``(in_channels, out_channels / groups, *kernel_size)``. ``frozen`` names those that are
    fixed and never trained. ``buffers`` are stored but not learned (running statistics).
    ``facts`` are further numbers worth showing, by name. ``ports`` are additional outputs.
    ``parts`` are the steps that a composite is built from, in the order in which they run: together
    they do its work. The output is that of the part named ``result``, the last if none is.
    ``arranged`` says where axes move: for channels and each spatial axis of the output, the axes
    of the input that it holds, 0 for the channels; one that several name is split among them. None
    where each stays what it is. ``axes`` are then those of the input before it is moved;
    ``windows`` are the positions that they make on each of its spatial axes, where that differs.
    ``recurring`` says of terms, by name, which of their products are those of a recurrence.
    """

    @cached_property
    def numbers(self) -> dict[Any, Any]:
        """Results that were computed from this analysis by any caller; networks of one file share
        it.
        """
        return {}

    @cached_property
    def elements(self) -> int:
        """Elements of the output."""
        return self.output.numel

    @property
    def activations(self) -> int:
        """Output elements of operators that multiply by learned weights, as fvcore counts them."""
        if self.parts:
            return sum(part.analysis.activations for part in self.parts)
        return self.output.numel if any(term.kind == WEIGHTS for term in self.terms) else 0

    @property
    def modules(self) -> tuple[Part, ...]:
        """The parts that tools which count module by module see: those that are not functions."""
        return tuple(part for part in self.parts if not isinstance(part.operator, Function))

    @property
    def stored(self) -> Mapping[str, tuple[int, ...]]:
        """All stored tensors: weights and buffers."""
        return {**self.weights, **self.buffers}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def operator(cls: type[_T]) -> type[_T]:
    """Class decorator for operators: declared fields become keyword arguments.

    Like a frozen dataclass, but without generating code at every start.
    """
    own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
    for name, declared in own.items():
        if declared.required:
            delattr(cls, name)
        else:
            setattr(cls, name, declared.default)
    cls.declared_fields = {**cls.declared_fields, **own}  # type: ignore[attr-defined]
    return cls


# What of the forward pass an operator needs again for its backward pass.
INPUTS = "inputs"  # what it read
LEARNED = "learned"  # the same, if its weights get a gradient
OUTPUT = "output"  # what it made
EITHER = "either"  # its input, or its output where that stands in the input's place
FACTORS = "factors"  # each of its inputs if another one gets a gradient
NOTHING = "nothing"


class Kept(Value):
    """Tensors that an operator keeps for its backward pass beside inputs and output: so many
    elements of the network's type, and bytes of positions or masks.
    """

    elements: int = 0
    index_bytes: int = 0


class Operator:
    """Base of all operators. ``arity`` is the least and the greatest number of inputs.

    ``in_place``: each output element is a function of the same element of the inputs, so that it
    can be written over one of them. ``view``: the output is elements of the input, where they are;
    ``idle``: in evaluation it is the input.
    ``keeps`` is what the backward pass needs; ``passes``: the gradient of each input is that of the
    output, or a part of it. ``meets``: inputs meet at one place, so that it is a mistake
    if they lie apart. ``indices_of`` is the input whose maxima's places are read, not values.
    Inputs from number ``detached`` on get no gradient: indices, and what only the size is read of.
    """

    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    ranks: ClassVar[tuple[int, int]] = (0, 3)  # spatial axes of the first input
    declared: ClassVar[bool] = False  # numbers were stated in the file, not computed
    in_place: ClassVar[bool] = False
    view: ClassVar[bool] = False
    idle: ClassVar[bool] = False
    keeps: ClassVar[str] = INPUTS
    passes: ClassVar[bool] = False
    meets: ClassVar[bool] = True
    indices_of: ClassVar[int] = -1
    detached: ClassVar[int | None] = None
    declared_fields: ClassVar[Mapping[str, Field]] = {}

    def __init__(self, **given: Any) -> None:
        values = vars(self)
        for name, declared in self.declared_fields.items():
            values[name] = given.pop(name, declared.default)
            if values[name] is REQUIRED:
                raise TypeError(f"{type(self).__name__} needs {name}")
        if given:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(given))}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"operators never change: {name}")

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

    def kept(self, inputs: Sequence[Shape], output: Shape) -> Kept:
        """Return what is kept for the backward pass beside what ``keeps`` says."""
        return Kept()


class Function(Operator):
    """A function of a composite's parts that is not a module: a product, a sum.

    ``tiles``: fused attention never has the whole of its output in memory.
    """

    tiles: ClassVar[bool] = False

    def __init__(self, **traits: Any) -> None:
        vars(self).update(traits)
