"""``model: FILE``, a network whose layers another program's file holds, and ``verify: FILE``, one
that a model is held against.

The network file says the rest: the size of the input, pins, budgets, variants. Who reads the model
is not the language's affair: the caller hands over a function that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.language.file_facts import Verified
from convcalc.language.head.head import Head
from convcalc.language.head.inputs import Inputs
from convcalc.language.sources.files import Files
from convcalc.language.sources.gate import reason
from convcalc.language.sources.target import TargetError
from convcalc.language.syntax import nodes
from convcalc.model.graph.network import Network
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known


class Models(Protocol):
    """Reads a model file."""

    def __call__(
        self, files: Files, path: str, variant: str, inputs: Inputs, batch: int
    ) -> Network:
        """The network of a model at some inputs; its problems are in it.

        OSError if it cannot be read, TargetError if it has no such variant or input.
        """


def model_network(
    head: Head, models: Models | None, shapes: Mapping[str, Shape], batch: int
) -> Network | None:
    """The network of the model that a file names; None if it cannot be read, which is reported."""
    node = head.top("model")
    try:
        if not isinstance(node, nodes.Scalar) or not node.text or models is None:
            assert node is not None
            if isinstance(node, nodes.Sequence) and "model" in head.root.keys:
                message = "'model' is the path of a model file, not a list of layers"
                place = head.root.keys["model"].place
                raise rejected("wrong-type", message, place, "use 'layers'")
            raise rejected("wrong-type", "'model' is the path of a model file", node.place)
        return _read(head, node, models, _sizes(shapes), batch)
    except Rejected as error:
        head.report(*error.diagnostics)
        return None


def verified(head: Head, models: Models | None) -> Verified | None:
    """The model that this variant is held against; None if it names none.

    What is at the top is that of the base: another variant is another network.
    """
    node = head.own("verify")
    if node is None:
        return None
    if not isinstance(node, nodes.Scalar) or not node.text:
        head.problem("wrong-type", "'verify' is the path of a model file", node.place)
        return None
    if models is None:
        return None
    return Verified(
        node.text, node.place, lambda inputs: _read(head, node, models, inputs, batch=1)
    )


def _read(head: Head, node: nodes.Scalar, models: Models, inputs: Inputs, batch: int) -> Network:
    name, _, variant = node.text.partition("::")
    files = head.units.files
    path = files.import_paths(head.unit.file, name)[0]
    if "://" in name or "\0" in name or not files.is_allowed(path):
        message = f"'{name}' lies outside the project's folder {files.root}"
        link = "" if "\0" in name else files.refusal(path)
        raise rejected("unreadable-import", link or message, node.place)
    try:
        return models(files, path, variant, inputs, batch)
    except OSError as error:
        message = f"cannot read '{name}': {reason(error)}"
        raise rejected("unreadable-import", message, node.place) from None
    except TargetError as error:
        raise rejected("unreadable-import", error.message, node.place, error.help) from None


def _sizes(shapes: Mapping[str, Shape]) -> Inputs:
    """Sizes of inputs as a caller gives them; those of the only one without its name."""
    found = {
        name: [size if known(size) else None for size in shape.dims[1:]]
        for name, shape in shapes.items()
    }
    return found["input"] if list(found) == ["input"] else found or None
