"""The outputs of a network: the tensors that it returns, by the names that the file gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import Rejected
from convcalc.language.expand.expansion import Expansion
from convcalc.language.expand.loops import condition_holds
from convcalc.language.head.head import Head
from convcalc.language.parse.arguments import require_names
from convcalc.language.syntax import nodes
from convcalc.language.syntax.evaluation import evaluator
from convcalc.model.graph.assembly import Tensor, Value
from convcalc.model.quantities.shape import Shape

_NO_OUTPUT = -1  # the number of a tensor that is not there


def outputs(
    head: Head, expansion: Expansion, last: Value, shapes: Mapping[str, Shape]
) -> dict[str, int | None]:
    """The numbers of the tensors that the network returns, by name; the last one by default.

    None for a tensor that could not be made.
    """
    node = head.top("outputs")
    if node is None:
        return {last.label: last.number} if last else {}
    found: dict[str, int | None] = {}
    parts = node.items if isinstance(node, nodes.Sequence) else [node]
    if not parts:
        head.problem("missing-key", "'outputs' is empty", node.place, "leave it out, or name ids")
    others: list[tuple[str, Place]] = []
    for each in parts:
        part = _present(head, each)
        if part is None:
            continue
        text = part.text if isinstance(part, nodes.Scalar) else ""
        tensor = expansion.tensor(text)
        if isinstance(tensor, Tensor):
            found[text] = tensor.number
        elif expansion.failed(text):
            found[text] = None
        else:
            found[text] = None  # in its place among the others
            others.append((text, part.place))
    found.update(_by_path(head, others, expansion, shapes))
    return {name: number for name, number in found.items() if number != _NO_OUTPUT}


def _present(head: Head, node: nodes.Node) -> nodes.Node | None:
    """The node that names an output; of ``{id: aux, if: train}``, None where that is false."""
    if not isinstance(node, nodes.Mapping):
        return node
    name, condition = node.get("id"), node.get("if")
    unknown = [key for key, _ in node.entries if key.text not in ("id", "if")]
    if unknown or name is None:
        place = unknown[0].place if unknown else node.place
        message = "an output must be an id, or {id: aux, if: train}"
        head.problem("unknown-key" if unknown else "missing-key", message, place)
        return None
    try:
        if condition is None:
            return name
        require_names(condition, head.unit.names)
        holds = condition_holds((evaluator(condition), condition), dict(head.unit.scope))
    except Rejected as error:
        head.report(*error.diagnostics)
        return None
    return name if holds else None


def _by_path(
    head: Head,
    named: Sequence[tuple[str, Place]],
    expansion: Expansion,
    shapes: Mapping[str, Shape],
) -> dict[str, int]:
    """The numbers of tensors by paths that are not top-level ids; reports unknown paths."""
    if not named:
        return {}
    from convcalc.model.graph.paths import PathError, Paths  # few files need them

    paths = Paths(expansion.layering.layers, shapes)
    found: dict[str, int] = {}
    for text, place in named:
        try:
            found[text] = paths.tensor(text)
        except PathError:
            found[text] = _NO_OUTPUT
            error = paths.no_such_path(text, [*shapes, *expansion.failures()])
            head.problem("unknown-name", error.message, place, error.help)
    return found
