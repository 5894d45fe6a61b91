"""A call of a Keras layer: its settings, what it reads, and a way to write nodes for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from convcalc.diagnostics.diagnostic import Place
from convcalc.importing.foreign import Constant, Node, Sizes
from convcalc.importing.formats.keras.calls import Call, Read
from convcalc.model.graph.network import Group


class Unfit(Exception):
    """A layer's settings cannot be said by convcalc's operators; the message tells why."""


class Graph(Protocol):
    """Where nodes are written."""

    constants: dict[str, Constant]
    shapes: dict[str, Sizes]

    def add(self, node: Node) -> None:
        """Add a node."""

    def place(self, path: str) -> Place:
        """The place of a layer."""


class LayerCall:
    """One call of a layer."""

    def __init__(
        self,
        graph: Graph,
        call: Call,
        config: Mapping[str, Any],
        names: Mapping[Any, str],
        path: str,
        weights: str,
        scope: tuple[Group, ...],
        is_last: bool,
        trainable: bool,
    ) -> None:
        self.graph = graph
        self.call = call
        self.config = config
        self.names = names
        self.path = path
        self.weights = weights
        self.scope = scope
        self.trainable = trainable
        self.count = 0
        self.kind = str(call.layer.get("class_name"))
        layout = config.get("data_format")
        self.is_last = layout == "channels_last" if layout in _LAYOUTS else is_last

    # --- what it reads ------------------------------------------------------------------------

    @property
    def inputs(self) -> list[str]:
        """The names of the tensors that it reads."""
        return [self.names[read.ref] for read in self.call.reads]

    @property
    def input(self) -> str:
        """The name of the tensor that it reads; Unfit if there are none or several."""
        inputs = self.inputs
        if len(inputs) != 1:
            raise Unfit(f"it reads {len(inputs)} tensors")
        return inputs[0]

    def argument(self, index: int) -> str:
        """An argument of an operation: the name of a tensor, or of a number as a constant."""
        arguments = [*self.call.arguments, *self.call.named.values()]
        if index >= len(arguments):
            raise Unfit(f"it has no argument {index}")
        found = arguments[index]
        if isinstance(found, Read):
            return self.names[found.ref]
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Unfit(f"its argument {index} is neither a tensor nor a number")
        return self.constant(found)

    def constant(self, number: float) -> str:
        """The name of a number."""
        name = f"{self.path}/number{len(self.graph.constants)}"
        self.graph.constants[name] = Constant((), (number,))
        return name

    # --- its settings -------------------------------------------------------------------------

    def flag(self, key: str, default: bool = True) -> bool:
        """A setting that is true or false."""
        found = self.config.get(key)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise Unfit(f"{key} is {found!r:.40}")
        return found

    def whole(self, key: str, default: int | None = None) -> int:
        """A setting that is a whole number."""
        found = self.config.get(key, default)
        if found is None and default is not None:
            return default
        if isinstance(found, float) and found == int(found):
            found = int(found)
        if type(found) is not int:
            raise Unfit(f"{key} is {found!r:.40}, not a whole number")
        return found

    def number(self, key: str, default: float) -> float:
        """A setting that is a number; also as an array of one, as some versions write it."""
        found = self.config.get(key)
        if found is None:
            return default
        if isinstance(found, dict):
            found = found.get("config", found)
            found = found.get("value") if isinstance(found, dict) else found
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Unfit(f"{key} is not a number")
        return float(found)

    def axes(self, key: str, rank: int, default: Any = 1) -> list[int]:
        """A setting with a whole number for each axis, or one for all."""
        found = self.config.get(key)
        found = default if found is None else found
        if type(found) is int:
            return [found] * rank
        if (
            isinstance(found, list)
            and len(found) == rank
            and all(type(each) is int for each in found)
        ):
            return list(found)
        raise Unfit(f"{key} is {found!r:.40}, not {rank} whole numbers")

    # --- nodes --------------------------------------------------------------------------------

    def node(self, op: str, inputs: Sequence[str], **values: Any) -> str:
        """Write a node; the name of its output."""
        self.count += 1
        output = f"{self.path}/{self.count}"
        self.graph.add(
            Node(
                op,
                tuple(inputs),
                (output,),
                values,
                self.path,
                self.graph.place(self.path),
                self.scope,
                trainable=self.trainable,
            )
        )
        return output

    def image(
        self, operator: str, rank: int, tensor: str = "", *, drops: bool = False, **fields: Any
    ) -> str:
        """A layer of batch, channels and ``rank`` positions."""
        return self.node(
            "Layer",
            [tensor or self.input],
            operator=operator,
            fields=fields,
            reads="image",
            rank=rank,
            channels_last=self.is_last,
            drops=drops,
            weights=f"{self.weights}/{operator}",
        )

    def over(self, operator: str, axes: Sequence[int], **fields: Any) -> str:
        """A layer whose channels are some axes."""
        return self.node(
            "Layer",
            [self.input],
            operator=operator,
            fields=fields,
            reads="axes",
            axes=axes,
            weights=f"{self.weights}/{operator}",
        )

    def unmapped(self, reason: str) -> str:
        """A layer without a rule."""
        module = str(self.call.layer.get("module"))
        params = 0 if self.kind in WEIGHTLESS or ".ops." in module else None
        return self.node(
            "Unmapped",
            self.inputs,
            reason=reason,
            note=self.kind,
            params=params,
            channels_last=self.is_last,
        )


_LAYOUTS = ("channels_first", "channels_last")

# Layers of Keras that have no rule here and learn nothing.
WEIGHTLESS = frozenset(
    (
        "Lambda",
        "Dot",
        "RepeatVector",
        "ThresholdedReLU",
        "UnitNormalization",
        "Attention",
        "CenterCrop",
        "Softmax",
        "Masking",
        "TFOpLambda",
        "SlicingOpLambda",
    )
)
