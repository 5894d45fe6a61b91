"""The declarations of operator fields: meaning, short name, bounds.

Operator classes take their fields from here, so that a name means the same thing everywhere, and
the reader, the JSON Schema and the manual all use one declaration.
Per-axis fields hold one value per spatial axis once the reader has seen the input.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from convcalc.model.geometry.sizes import AXIS_NAMES


class _Required:
    """The type of REQUIRED, the default of a field that has none."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


class Field(NamedTuple):
    """The declaration of one field.

    ``kind`` is one of

    - ``int``, ``float``, ``bool``: a number or an expression;
    - ``count``: an integer that may carry a suffix k M G T;
    - ``word``: one of ``choices``;
    - ``axes``: integers, one per spatial axis or one for all;
    - ``scales``: numbers (exact fractions), likewise;
    - ``sizes``: like ``axes``, where null keeps the axis as it is;
    - ``padding``: integers per axis, pairs per side, or a padding word;
    - ``ints``: a list of integers of any length;
    - ``shape``: channels and spatial sizes of a tensor, null where unknown, or one of ``choices``;
    - ``layer``: the id of a layer above (the operator gets a ``Recorded``);
    - ``extent``: a receptive field: integers per axis, or the word ``unknown`` or
      ``global``.
    """

    kind: str
    doc: str
    short: str = ""
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a network file must give the field."""
        return self.default is REQUIRED


def field(kind: str, doc: str, default: Any = REQUIRED, **more: Any) -> Any:
    """Declares a field in the body of an operator's class; typed as the field's value.

    The functions below declare the common fields and kinds.
    """
    return Field(kind, doc, default=default, **more)


# --- fields that many operators share --------------------------------------------------------


def out_channels(default: Any = REQUIRED, doc: str = "number of output channels") -> Any:
    return field("int", doc, default, short="out", minimum=1)


def kernel_size(default: Any = REQUIRED, doc: str = "taps per axis") -> Any:
    return field("axes", doc, default, short="k", minimum=1)


def stride(
    default: Any = 1, doc: str = "input positions from one window to the next, per axis"
) -> Any:
    return field("axes", doc, default, short="s", minimum=1)


def dilation(default: Any = 1) -> Any:
    return field("axes", "distance of neighbouring taps, per axis", default, short="d", minimum=1)


def padding(
    default: Any = 0,
    doc: str = "positions added before and after each axis, per axis [h, w], per side "
    "[[top, bottom], [left, right]], or a word: valid, same (TensorFlow's: size = "
    "ceil(n / stride)), half (floor(extent / 2) on each side), causal",
    minimum: float | None = 0,
) -> Any:
    return field("padding", doc, default, short="p", minimum=minimum)


def groups(default: Any = 1, doc: str = "groups of channels that do not mix") -> Any:
    return field("int", doc, default, short="g", minimum=1)


def bias(default: Any = True) -> Any:
    return field("bool", "whether a learned bias is added to each output channel", default)


def weight_norm() -> Any:
    doc = (
        "what is done to the weight before it multiplies: standard (weight standardisation), "
        "scaled (the same with a learned gain per output), weight (weight norm) or spectral"
    )
    kinds = ("none", "standard", "scaled", "weight", "spectral")
    return field("word", doc, "none", choices=kinds)


def affine(default: Any = True) -> Any:
    return field("bool", "whether a learned scale and shift follow", default)


def axis(default: Any = REQUIRED, doc: str = "channels or a spatial axis, by its name") -> Any:
    return field("word", doc, default, choices=AXIS_NAMES)


# --- one function per kind, for all other fields ---------------------------------------------


def integer(doc: str, default: Any = REQUIRED, **more: Any) -> Any:
    """An integer; ``minimum``, ``maximum`` and ``short`` may be given."""
    return field("int", doc, default, **more)


def number(doc: str, default: Any = REQUIRED, **more: Any) -> Any:
    """A real number."""
    return field("float", doc, default, **more)


def flag(doc: str, default: Any = REQUIRED) -> Any:
    """True or false."""
    return field("bool", doc, default)


def word(choices: tuple[str, ...], doc: str, default: Any = REQUIRED) -> Any:
    """One of a few words."""
    return field("word", doc, default, choices=choices)


def layer(doc: str, default: Any = REQUIRED) -> Any:
    """The id of another layer."""
    return field("layer", doc, default)


def axes(doc: str, default: Any = REQUIRED, **more: Any) -> Any:
    """Integers, one per spatial axis."""
    return field("axes", doc, default, **more)
