"""Which layers one kernel computes: the rules of a runtime, applied to a network.

A kernel begins with a *lead* and takes in what follows it, as long as a rule of the runtime has a
word for each step. Words are names of operators, or

    weights      multiplies by learned weights
    norm         a norm with stored statistics, which are constants in inference
    activation   each output element is a function of the same element of one input
    join         the same of several inputs: an addition, a product
    attention    the scores of an attention, their bias and their softmax
    product      a product of two tensors that are computed

A step joins the kernel that made one of its inputs if nobody else reads that, the network does not
return it, and the output has as many elements. Of several such kernels it joins the one that starts
last. So no kernel waits for itself: what leaves a kernel does so through its one output, and until
the step joins, the step is all that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from math import prod
from typing import NamedTuple

from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Step, Steps
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS, Function
from convcalc.model.operators.registry import name_of
from convcalc.model.quantities.unknown import UNKNOWN, known

CLASSES = ("weights", "norm", "activation", "join", "attention", "product")


class Rule(NamedTuple):
    """The steps that a kernel may begin with, and those that may join it then, in any order."""

    lead: frozenset[str]
    then: frozenset[str]


class Runtime(NamedTuple):
    """The fusion rules of a runtime. ``folds_norms``: a norm right behind a step with weights
    becomes part of the weights, so that at most a bias is left of it."""

    name: str
    title: str
    file: str
    source: str
    rules: tuple[Rule, ...] = ()
    folds_norms: bool = False


class Kernel:
    """Steps that run as one: ``steps`` in order, the first of which is the lead.

    ``elements`` are those that pass memory: what is read from outside, stored tensors, the output.
    """

    __slots__ = ("_graph", "rule", "steps")

    def __init__(self, graph: _Graph, step: Step, rule: Rule | None) -> None:
        self._graph = graph
        self.steps = [step]
        self.rule = rule

    @property
    def lead(self) -> Step:
        """The step that the kernel begins with."""
        return self.steps[0]

    def macs(self, counted: Collection[str]) -> int:
        """Multiply-accumulates, those of the kinds that are counted."""
        terms = (term for step in self.steps for term in step.analysis.terms)
        return sum(term.amount for term in terms if term.kind in counted)

    def elements(self, *, folds_norms: bool) -> int:
        """The elements that pass memory, each tensor once."""
        made = {step.makes for step in self.steps}
        read: dict[int, dict[int, int]] = {}  # by the tensor that they are parts of
        for value in (value for step in self.steps for value in step.reads):
            root = self._graph.root(value)
            if root not in made:
                read.setdefault(root, {})[value] = self._graph.numel(value)
        parts = [_at_most(sum(each.values()), self._graph.numel(v)) for v, each in read.items()]
        stored = sum(self._stored(step, folds_norms=folds_norms) for step in self.steps)
        return sum(parts) + stored + self.steps[-1].made_elements

    def _stored(self, step: Step, *, folds_norms: bool) -> int:
        """The elements of weights and buffers; of a folded norm what is left of them."""
        if folds_norms and step is not self.lead and "norm" in words_of(step):
            if step is self.steps[1] and "weights" in words_of(self.lead):
                return 0 if "bias" in self.lead.analysis.weights else step.analysis.output.channels
            return 2 * step.analysis.output.channels
        return sum(map(prod, step.analysis.stored.values()))


def _at_most(amount: int, whole: int) -> int:
    return min(amount, whole) if known((amount, whole)) else UNKNOWN


def kernels(network: Network, found: Steps, runtime: Runtime) -> list[Kernel]:
    """The kernels of a network, in the order of their leads in the file.

    Steps that only look at what is there, or do nothing in inference, belong to none.
    """
    graph = _Graph(found)
    made: list[Kernel] = []
    number: dict[int, int] = {}  # the output of a kernel -> which one it is
    for step in found.steps:
        if not graph.runs(step):
            continue
        words = words_of(step, network.layers[step.layer].name)
        joined = [
            number[root]
            for root in map(graph.root, step.reads)
            if root in number and graph.is_free(root, step) and _takes(made[number[root]], words)
        ]
        if joined:
            last = max(joined)
            del number[made[last].steps[-1].makes]
            made[last].steps.append(step)
            number[step.makes] = last
        else:
            number[step.makes] = len(made)
            made.append(Kernel(graph, step, _rule_for(runtime.rules, words)))
    return made


def _takes(kernel: Kernel, words: frozenset[str]) -> bool:
    return kernel.rule is not None and not kernel.rule.then.isdisjoint(words)


def _rule_for(rules: Sequence[Rule], words: frozenset[str]) -> Rule | None:
    """The first rule for a lead."""
    return next((rule for rule in rules if not rule.lead.isdisjoint(words)), None)


def words_of(step: Step, name: str = "") -> frozenset[str]:
    """The words that rules may have for a step; ``name`` is that of the layer if it is a whole."""
    return frozenset(_words(step, name))


def _words(step: Step, name: str) -> Iterator[str]:
    operator, kinds = step.operator, {term.kind for term in step.analysis.terms}
    is_function = isinstance(operator, Function)
    if not is_function:
        yield name if name and not step.part else name_of(operator)
    if WEIGHTS in kinds:
        yield "weights"
    if getattr(operator, "track_running_stats", False):
        yield "norm"
    if is_function and getattr(operator, "tiles", False):
        yield "attention"
    elif DYNAMIC in kinds:
        yield "product"
    elif operator.in_place:
        yield "join" if len(step.reads) > 1 else "activation"


class _Graph:
    """Who reads which value; views are what they look at."""

    def __init__(self, found: Steps) -> None:
        self._found = found
        self._roots: dict[int, int] = {}
        for step in found.steps:
            if step.reads and (step.operator.view or step.operator.idle):
                self._roots[step.makes] = self.root(step.reads[0])
        self._readers: Counter[int] = Counter()
        for step in found.steps:
            if self.runs(step):
                self._readers.update({self.root(value) for value in step.reads})
        self._returned = {self.root(value) for value in found.outputs}

    def root(self, value: int) -> int:
        """The tensor in memory that a value is, or is a part of."""
        return self._roots.get(value, value)

    def runs(self, step: Step) -> bool:
        """Whether a step is work of its own; learned tensors are moved by those that read them."""
        return bool(step.reads) and step.makes not in self._roots

    def numel(self, value: int) -> int:
        """The elements of a value."""
        return self._found.shapes[value].numel

    def is_free(self, value: int, step: Step) -> bool:
        """Whether a value, read by this step alone, need not be in memory."""
        size = self.numel(value)
        alone = self._readers[value] == 1 and value not in self._returned
        whole = all(self.numel(v) == size for v in step.reads if self.root(v) == value)
        return alone and whole and _fits(step, size)


def _fits(step: Step, size: int) -> bool:
    """Whether an input of so many elements may stay within the kernel: it is as large as the
    output, or part of an attention, which never has its matrix in memory. With one input whose
    elements are taken one by one, it is so whatever the size."""
    words = words_of(step)
    if words & {"attention", "product"} or (words & {"norm", "activation"} and len(step.reads) < 2):
        return True
    return known(size) and step.analysis.output.numel == size
