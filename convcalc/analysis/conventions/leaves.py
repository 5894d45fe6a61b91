"""A network as counting tools see it: one leaf per module, composites as their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.model.graph.fusion import last_part
from convcalc.model.graph.network import Layer, Network, parts_of
from convcalc.model.graph.readers import sole_readers
from convcalc.model.operators.composing import part_terms
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Analysis, Operator, Part, Term
from convcalc.model.operators.registry import name_of
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN, known

# The function that tools see where a composite works on its parts' results, by term name.
_BETWEEN = {
    "gate.activation": "sigmoid",
    "scale": "mul",
    "gate": "mul",
    "scores": "matmul",
    "aggregate": "matmul",
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "activation": "activation",
    "add": "add",
}


class Leaf(NamedTuple):
    """One module, or a function between modules (``mul``, ``matmul``), with what it works on.

    ``producer`` is the operator whose output only this leaf reads, ``consumer`` the only one
    that reads this leaf's output; None where there are several. ``shared`` leaves use the
    weights of an earlier one again, but for ``own`` numbers; ``trains`` is False where all weights
    are frozen.
    ``form`` is what it is in code: a function, a method, a module of a derived class.
    ``samples`` is the batch of the network; a head on regions works on several rows per sample.
    """

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    analysis: Analysis
    parts: tuple[Leaf, ...] = ()
    producer: Operator | None = None
    consumer: Operator | None = None
    shared: bool = False
    own: int = 0
    trains: bool = True
    samples: int = 1
    form: str = ""

    @property
    def x(self) -> Shape:
        """The first input."""
        return self.inputs[0]

    @property
    def output(self) -> Shape:
        """The shape of the output."""
        return self.analysis.output

    @property
    def batch(self) -> int:
        """The size of the first axis of its input: samples, or regions of samples."""
        return self.x.batch

    @property
    def weight(self) -> tuple[int, ...]:
        """The shape of the weight, in PyTorch's layout."""
        return self.analysis.weights["weight"]

    @property
    def has_bias(self) -> bool:
        """Whether a learned bias is added."""
        return "bias" in self.analysis.weights

    @property
    def trained(self) -> int:
        """Learned parameters that are not frozen."""
        frozen = self.analysis.frozen
        sizes = (prod(n) for name, n in self.analysis.weights.items() if name not in frozen)
        return sum(sizes) if self.trains else 0

    @property
    def works(self) -> bool:
        """Whether it does any arithmetic; an unknown amount is some."""
        return any(not known(term.amount) or term.amount for term in self.analysis.terms)

    @property
    def unruled(self) -> int:
        """The count without a rule: 0, as the tool prints; unknown for work declared in a file."""
        return UNKNOWN if type(self.operator).declared and self.works else 0

    def work(self, *kinds: str) -> int:
        """The operations of some kinds."""
        return sum(term.amount for term in self.analysis.terms if term.kind in kinds)

    def field(self, name: str) -> Any:
        """A field of the operator; None if it has no such field."""
        return getattr(self.operator, name, None)


def leaves(network: Network) -> Iterator[Leaf]:
    """Yield one leaf per layer, in order; that of a composite has parts."""
    only = sole_readers(network)
    makers = {reader: index for index, reader in only.items()}
    samples = max((shape.batch for shape in network.inputs.values()), default=1)
    for index, layer in enumerate(network.layers):
        producer, consumer = makers.get(index), only.get(index)
        leaf = _leaf(layer.name, layer.operator, layer.shapes, layer.analysis)
        facts = {"trains": layer.trainable, "samples": samples}
        leaf = _set_all(leaf, shared=layer.shares >= 0, **facts)
        leaf = _formed(leaf, layer.form)
        leaf = leaf._replace(own=sum(prod(layer.analysis.weights.get(w, (0,))) for w in layer.own))
        made_by = None if producer is None else _maker(network.layers[producer])
        read_by = None if consumer is None else network.layers[consumer].operator
        yield _set_consumer(leaf._replace(producer=made_by), read_by)


def _maker(layer: Layer) -> Operator:
    """The operator that makes a layer's output: of a composite, its last part."""
    last = last_part(layer.analysis)
    return last.operator if last else layer.operator


def _set_consumer(leaf: Leaf, consumer: Operator | None) -> Leaf:
    """A leaf with its only consumer; of a composite, its last part gets it too."""
    if last_part(leaf.analysis):
        *parts, last = leaf.parts
        leaf = leaf._replace(parts=(*parts, last._replace(consumer=consumer)))
    return leaf._replace(consumer=consumer)


def _set_all(leaf: Leaf, **facts: Any) -> Leaf:
    """A leaf with these facts set on it and on all of its parts."""
    return leaf._replace(parts=tuple(_set_all(part, **facts) for part in leaf.parts), **facts)


def _formed(leaf: Leaf, form: str) -> Leaf:
    """A leaf with its form in code on it and on all of its parts, or on some of them."""
    if not form:
        return leaf
    of_parts = parts_of(form)
    if not of_parts:
        return _set_all(leaf, form=form)
    names = [part.name for part in leaf.analysis.modules]
    named = ((part, of_parts.get(name, "")) for part, name in zip(leaf.parts, names, strict=False))
    parts = [_set_all(part, form=its) for part, its in named]
    return leaf._replace(parts=(*parts, *leaf.parts[len(parts) :]))


def _leaf(name: str, operator: Operator, inputs: tuple[Shape, ...], analysis: Analysis) -> Leaf:
    """A leaf with its parts, and the work between them."""
    parts = [
        _leaf(name_of(part.operator), part.operator, part.inputs, part.analysis)
        for part in analysis.modules
    ]
    if parts:
        parts = [
            *_link_neighbours(parts, analysis.modules),
            *_between(name, operator, inputs, analysis),
        ]
    return Leaf(name, operator, inputs, analysis, tuple(parts))


def _link_neighbours(parts: Sequence[Leaf], made: Sequence[Part]) -> Iterator[Leaf]:
    """The parts with producer and consumer set, where a part reads the output of the one before."""
    for index, leaf in enumerate(parts):
        before = index > 0 and made[index].reads == (made[index - 1].name,)
        after = index + 1 < len(parts) and made[index + 1].reads == (made[index].name,)
        yield leaf._replace(
            producer=parts[index - 1].operator if before else None,
            consumer=parts[index + 1].operator if after else None,
        )


def _between(
    name: str, operator: Operator, inputs: tuple[Shape, ...], analysis: Analysis
) -> Iterator[Leaf]:
    """The terms of a composite that none of its parts has, each as a leaf of its own."""
    of_parts = Counter(term for part in analysis.modules for term in _term_names(part))
    for term in analysis.terms:
        if of_parts[term] > 0:
            of_parts[term] -= 1
            continue
        last = _BETWEEN.get(term.name.rpartition(".")[2], f"{name} {term.name}")
        word = _BETWEEN.get(term.name, last)
        shape = _matrix(word, operator, analysis) or _shape_of(word, term, analysis, inputs[0])
        alone = Analysis(shape, (), (term,))
        yield Leaf(word, operator, (shape,), alone)


def _term_names(part: Part) -> list[Term]:
    """The terms of a part, named as in the composite; a single one may have the part's name."""
    lone = [term._replace(name=part.name) for term in part.analysis.terms]
    return list({*part_terms(part.name, part.analysis.terms), *(lone if len(lone) == 1 else ())})


def _matrix(word: str, operator: Operator, analysis: Analysis) -> Shape | None:
    """The attention matrix as a softmax sees it, the keys of a head as channels; None if there is
    none."""
    made = [part.analysis.output for part in analysis.parts if part.name == "softmax"]
    heads = getattr(operator, "heads", 0)
    if word != "softmax" or not made or not heads:
        return None
    (matrix,) = made
    return Shape(matrix.batch, matrix.channels // heads, (heads * matrix.positions,))


def _shape_of(word: str, term: Term, analysis: Analysis, x: Shape) -> Shape:
    """A tensor with as many elements as the term works on; a softmax sums over the channels."""
    scores = sum(each.amount // 3 for each in analysis.terms if each.name == "softmax")
    if word == "softmax" or term.name == "scores":
        return Shape(x.batch, x.positions, (scores // (x.batch * x.positions),))
    if word == "matmul":
        return analysis.output
    return Shape(x.batch, term.amount // x.batch)


def multiplications(leaf: Leaf) -> int:
    """Multiply-accumulates, with learned weights or with computed ones."""
    return leaf.work(WEIGHTS, DYNAMIC)


def bias_additions(leaf: Leaf) -> int:
    """Output elements if there is a bias, else 0."""
    return leaf.output.numel if leaf.has_bias else 0


def input_macs(leaf: Leaf) -> int:
    """Multiply-accumulates of a transposed convolution, over its input positions."""
    return leaf.batch * leaf.x.positions * prod(leaf.weight)


def output_macs(leaf: Leaf) -> int:
    """The same over its output positions, which some tools count: too many by stride^rank."""
    return leaf.batch * leaf.output.positions * prod(leaf.weight)
