"""The assumptions under which memory is counted, each a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from convcalc.diagnostics.suggestion import UnknownName, advise, use
from convcalc.model.quantities.record import Value

OPTIMIZERS: Mapping[str, int] = {  # numbers per trained parameter
    "sgd": 0,
    "momentum": 1,
    "rmsprop": 1,
    "adagrad": 1,
    "lion": 1,
    "adam": 2,
    "adamw": 2,
    "amsgrad": 3,
}
OPTIONS: Mapping[str, str] = {
    "in-place": "activations, dropouts, sums and products write over an input of their size that "
    "nobody needs later; flatten, identity, channel_slice and crop make no tensor",
    "fused": "a batch norm or an activation right behind a layer with weights belongs to it, so "
    "that no tensor is between them",
    "fused-attention": "the attention matrix is never whole in memory",
    "held-inputs": "the caller holds the inputs of the network until the end; held-inputs=2: also "
    "what each block reads until the block's end, down to that depth",
    "training": "one training step: what the backward pass needs is kept, and gradients",
    "checkpoint": "of each block only what it reads is kept, its inside is computed again; "
    "checkpoint=2 for the blocks within",
    **{
        name: f"training with an optimizer of {count} numbers per trained parameter"
        for name, count in OPTIMIZERS.items()
    },
}
DEPTHS = {"held-inputs": 0, "checkpoint": 1}  # the words that take one, and what it is unsaid
FOLDED = "fuse-batch-norm"  # in a report of folded norms
TRAINING = ("checkpoint", *OPTIMIZERS)


class Assumptions(Value):
    """The assumptions under which memory is counted.

    ``held_blocks`` and ``checkpoint`` are depths of blocks, as in ``show --depth``, or 0.
    """

    in_place: bool = False
    fused: bool = False
    fused_attention: bool = False
    held_inputs: bool = False
    held_blocks: int = 0
    training: bool = False
    checkpoint: int = 0
    optimizer: str = "sgd"


def assumptions(words: Iterable[str]) -> Assumptions:
    """The assumptions that some words name, in any order; UnknownName where they make no sense."""
    found: dict[str, int] = {}  # each word with its depth
    for word in words:
        name, equals, number = word.partition("=")
        if name not in OPTIONS or (equals and name not in DEPTHS):
            raise UnknownName(f"no memory option '{word}'", advise(name, OPTIONS, "there are:"))
        if equals and not _is_depth(number):
            message = f"{name} is '{number}', but must be a number from 1"
            raise UnknownName(message, f"for instance '{name}=2'")
        found[name] = int(number) if equals else DEPTHS.get(name, 0)
    _require_sense(found)
    return Assumptions(
        "in-place" in found,
        "fused" in found,
        "fused-attention" in found,
        "held-inputs" in found,
        found.get("held-inputs", 0),
        "training" in found,
        found.get("checkpoint", 0),
        next((name for name in OPTIMIZERS if name in found), "sgd"),
    )


def option_pattern() -> str:
    """The regular expression of a word, for schemas."""
    words = (f"{name}(=[1-9][0-9]*)?" if name in DEPTHS else name for name in OPTIONS)
    return f"^({'|'.join(words)})$"


def _is_depth(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 1000


def _require_sense(found: Mapping[str, int]) -> None:
    """Raises UnknownName for words that exclude or need each other."""
    if "training" in found and "fused" in found:
        raise UnknownName(
            "memory options 'training' and 'fused' exclude each other",
            "what is fused keeps nothing for a backward pass; leave one out",
        )
    for word in TRAINING:
        if word in found and "training" not in found:
            raise UnknownName(f"memory option '{word}' needs 'training'", use(f"training,{word}"))
    chosen = [name for name in OPTIMIZERS if name in found]
    if len(chosen) > 1:
        raise UnknownName(f"memory options name {len(chosen)} optimizers", use(chosen[0]))
