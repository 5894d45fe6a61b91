"""Einsum: each letter is an axis; two tensors are a product of matrices, one is turned or summed.

Source: numpy.einsum; ONNX operator Einsum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

from convcalc.importing.foreign import Constant, Node
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.mapping.convolution import apply_linear
from convcalc.importing.mapping.pooling import reduced
from convcalc.importing.mapping.shaping import reshaped
from convcalc.importing.views import BATCH, Group, View, aligned, copied, merged, size_of


class _Term(NamedTuple):
    """A tensor with a letter for each of its axes."""

    letters: str
    view: View

    def groups(self, letters: str) -> Group:
        """The atoms of some axes, one after another, without those of the batch."""
        axes = dict(zip(self.letters, self.view.axes, strict=True))
        return tuple(
            atom for each in letters for atom in axes[each] if self.view.role(atom) != BATCH
        )


def einsum(build: Build, node: Node) -> Sequence[Held]:
    """Einsum of one or two tensors, of which one may be learned."""
    terms, out = _letters(node.value("equation", ""), len(node.inputs))
    operands = [build.held(name) for name in node.inputs]
    if len(operands) == 1:
        return [_alone(build, _Term(terms[0], _as_view(build, operands[0])), out)]
    if len(operands) != 2:
        raise NoRule(f"a product of {len(operands)} tensors, whose order is not stated")
    one, other = operands
    if isinstance(one, Constant):
        one, other, terms = other, one, terms[::-1]
    x = _Term(terms[0], _as_view(build, one))
    if isinstance(other, Constant):
        if len(terms[1]) != len(other.dims):
            raise NoRule("letters that are not the axes of its inputs")
        if not _shared(x.letters, terms[1], out):
            return [_by_matrix(build, x, terms[1], other, out)]
    return [_product(build, x, _Term(terms[1], _as_view(build, other)), out)]


def _letters(equation: str, count: int) -> tuple[list[str], str]:
    """The letters of each input and of the output."""
    text = equation.replace(" ", "")
    if "." in text:
        raise NoRule("an equation with an ellipsis")
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != count or not all(each.isalpha() for each in terms):
        raise NoRule(f"an equation that does not fit its inputs: {equation[:80]}")
    if not arrow:
        letters = left.replace(",", "")
        out = "".join(sorted(each for each in set(letters) if letters.count(each) == 1))
    if any(len(set(each)) != len(each) for each in (*terms, out)):
        raise NoRule("a letter twice in one tensor, its diagonal")
    if not set(out) <= set("".join(terms)):
        raise NoRule("an output with a letter of its own")
    return terms, out


def _as_view(build: Build, operand: View | Constant) -> View:
    """An operand as a tensor; a learned one is a layer of its own."""
    if isinstance(operand, View):
        return operand
    found = build.source_view(operand._replace(dims=(1, *operand.dims)))
    return found._replace(axes=found.axes[1:])


def _alone(build: Build, x: _Term, out: str) -> View:
    """One tensor, its axes in another order, and those that are not in the output summed over."""
    axes = [index for index, each in enumerate(x.letters) if each not in out]
    view = reduced(build, x.view, axes, "sum") if axes else x.view
    return view.with_axes(tuple(view.axes[x.letters.index(each)] for each in out))


def _shared(one: str, other: str, out: str) -> str:
    """The letters of both that the output has as well: batches of matrices."""
    return "".join(each for each in one if each in other and each in out)


def _by_matrix(build: Build, x: _Term, letters: str, weight: Constant, out: str) -> View:
    """A tensor times one learned matrix: what is summed over are channels, in and out."""
    sizes = dict(zip(letters, weight.dims, strict=True))
    summed = "".join(each for each in x.letters if each in letters)
    made = "".join(each for each in out if each not in x.letters)
    if set(summed) & set(out) or any(each not in out for each in x.letters if each not in summed):
        raise NoRule("a sum over an axis of one tensor")
    if {*summed, *made} != set(letters):
        raise NoRule("a sum over an axis of one tensor")
    kept = [each for each in x.letters if each not in summed]
    axes = dict(zip(x.letters, x.view.axes, strict=True))
    inner = tuple(atom for each in letters if each in summed for atom in axes[each])
    view = x.view._replace(axes=(*(axes[each] for each in kept), inner))
    view = apply_linear(
        build,
        view,
        prod([sizes[each] for each in summed]),
        prod([sizes[each] for each in made]),
        has_bias=False,
    )
    return _split(view, kept, [(each, sizes[each]) for each in made], out)


def _split(view: View, kept: Sequence[str], made: Sequence[tuple[str, int]], out: str) -> View:
    """The last axis taken apart into its letters, and all in the order of the output."""
    sizes = [*view.sizes[:-1], *(size for _, size in made)]
    view = reshaped(view, sizes, zero_copies=False)
    letters = [*kept, *(letter for letter, _ in made)]
    return view.with_axes(tuple(view.axes[letters.index(each)] for each in out))


def _product(build: Build, x: _Term, y: _Term, out: str) -> View:
    """Two tensors: letters of both and of the output are batches of matrices, letters of both alone
    are summed over, the others are rows and columns."""
    both = "".join(each for each in x.letters if each in y.letters)
    rows = "".join(each for each in out if each not in y.letters)
    columns = "".join(each for each in out if each not in x.letters)
    if len(both) + len(rows) < len(x.letters) or len(both) + len(columns) < len(y.letters):
        raise NoRule("a sum over an axis of one tensor")
    x, y = _aligned(x, y, both)
    shared = "".join(each for each in both if each in out)
    summed = "".join(each for each in both if each not in out)
    batches = [term.groups(shared) for term in (x, y)]
    if any(size_of(a) != size_of(b) for a, b in [(x.groups(s), y.groups(s)) for s in both]):
        raise NoRule("an axis of size 1 that is repeated")
    if not x.view.batch and y.view.batch:
        raise NoRule("samples of the batch as columns")
    made = build.add(
        "matmul",
        build.settle(x.view, (batches[0], x.groups(rows), x.groups(summed))),
        build.settle(y.view, (batches[1], y.groups(summed), y.groups(columns))),
    )
    new = {each: copied(y.groups(each)) for each in columns}
    stored = (batches[0], x.groups(rows), tuple(atom for each in columns for atom in new[each]))
    axes = {**new, **dict(zip(x.letters, x.view.axes, strict=True))}
    return merged(View(made, x.view.batch, stored, tuple(axes[each] for each in out)))


def _aligned(x: _Term, y: _Term, both: str) -> tuple[_Term, _Term]:
    """Both with the axes of the same letters taken apart alike."""
    own, theirs = ("".join(each for each in term.letters if each not in both) for term in (x, y))
    axes = [dict(zip(term.letters, term.view.axes, strict=True)) for term in (x, y)]
    empty: tuple[Group, ...] = ((),)
    a = (*(axes[0][each] for each in own), *empty * len(theirs), *(axes[0][each] for each in both))
    b = (*empty * len(own), *(axes[1][each] for each in theirs), *(axes[1][each] for each in both))
    pair = aligned(x.view._replace(axes=a), y.view._replace(axes=b))
    if pair is None:
        raise NoRule("sizes that do not fit each other")
    first, second = (dict(zip(own + theirs + both, each.axes, strict=True)) for each in pair)
    return (
        _Term(x.letters, pair[0]._replace(axes=tuple(first[each] for each in x.letters))),
        _Term(y.letters, pair[1]._replace(axes=tuple(second[each] for each in y.letters))),
    )


RULES: Mapping[str, Rule] = {"Einsum": einsum}
