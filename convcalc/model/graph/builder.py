"""Builds a network layer by layer, checking each when it is added.

    >>> import convcalc
    >>> builder = convcalc.Builder("small")
    >>> x = builder.input("image", [3, 224, 224])
    >>> x = builder.add("conv", x, out_channels=64, kernel_size=7, stride=2, padding=3)
    >>> x = builder.add("relu", x)
    >>> report = convcalc.analyse(builder.network())
    >>> report.totals.params
    9472

Importers of other formats, commands that take layers from the command line and Python programs
use it; the network language uses its base class.

Problems are data, collected in ``problems``. Adding a layer that has one returns None instead of a
tensor, and layers that read None are skipped, so that all problems of a network show at once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.diagnostics.diagnostic import Place
from convcalc.diagnostics.rejection import Rejected, rejected
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.model.graph.assembly import MOST_LAYERS, Assembly, Tensor, Value
from convcalc.model.graph.layer_checks import check_fields, check_rank, match_fields, names_layer
from convcalc.model.graph.network import FORMS, Group, Network, parts_of
from convcalc.model.graph.output_checks import missing_flattens
from convcalc.model.graph.sites import Site, Spot
from convcalc.model.operators.contract import Operator, Recorded
from convcalc.model.operators.registry import operator_class
from convcalc.model.operators.words import unknown_operator
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.sizes_text import sizes_of
from convcalc.model.quantities.unknown import UNKNOWN


class Builder(Assembly):
    """A network under construction; see :class:`Assembly` for ``layers`` and ``problems``."""

    def __init__(self, name: str = "network", *, limit: int = MOST_LAYERS) -> None:
        super().__init__(limit)
        self.name = name
        self._paths: set[str] = set()  # paths given by the caller
        self._unnamed: dict[str, list[int]] = {}  # layers added without a path, by operator

    def input(self, name: str, sizes: Sequence[int | None] | str, *, batch: int = 1) -> Tensor:
        """Adds an input: channels, then up to 3 spatial sizes, None where one is not known.

        ``sizes`` may be a text such as ``"3x320x320"``, with ``?`` for an unknown size. Raises
        ValueError if the sizes are not a valid shape, if the name is taken, or if there are
        layers already.
        """
        if self.layers:
            raise ValueError("inputs come before the first layer")
        if name in self.inputs:
            raise ValueError(f"the input '{name}' already exists")
        sizes = sizes_of(sizes, f"input '{name}'") if isinstance(sizes, str) else sizes
        if not 1 <= len(sizes) <= 4 or sizes[0] is None:
            raise ValueError(f"input '{name}' needs channels and up to 3 spatial sizes")
        if any(size is not None and (type(size) is not int or size < 1) for size in sizes):
            raise ValueError(f"input '{name}' has a size that is not a positive integer")
        if type(batch) is not int or batch < 1:
            raise ValueError(f"input '{name}' has a batch that is not a positive integer")
        spatial = tuple(UNKNOWN if size is None else size for size in sizes[1:])
        return self.add_input(name, Shape(batch, sizes[0], spatial))

    def add(
        self,
        operator: str,
        inputs: Value | Sequence[Value],
        *,
        path: str = "",
        place: Place | Site | None = None,
        note: str = "",
        trainable: bool = True,
        form: str = "",
        composites: Sequence[Group] | None = None,
        **fields: Any,
    ) -> Value:
        """Adds a layer; returns its output, or None if it has a problem or reads None.

        ``fields`` are those of the operator, by their full or short names; a field that names
        another layer takes its tensor. They are checked against their declarations like those of a
        network file. ``path`` names the layer, by default after its operator; the composites
        that it belongs to are ``composites``, by default those of the dotted path. ``place`` says
        where the layer is in its source, by default the line that calls this. ``form`` is what
        it is in code, if no module of PyTorch's: ``function``, ``method`` or ``subclass``.
        """
        site = _site(place)
        read = [inputs] if inputs is None or isinstance(inputs, Tensor) else list(inputs)
        if not all(each is None or isinstance(each, Tensor) for each in read):
            raise TypeError(
                f"the inputs of '{operator}' are not tensors of this builder: {inputs!r}"
            )
        if any(each not in FORMS for each in parts_of(form).values() or [form]):
            raise ValueError(
                f"the form of '{operator}' is none of {', '.join(FORMS[1:])}: {form!r}"
            )
        above = tuple(_groups_of(path) if composites is None else composites)
        output: Value = None
        try:
            self._reserve_path(path, site)
            made, further = self._make_operator(operator, fields, read, site)
            if made is None or None in further:
                self.skip()
            else:
                tensors = [*read, *further]
                named = path or operator
                output = self.add_layer(
                    operator,
                    made,
                    tensors,
                    named,
                    site,
                    above,
                    note,
                    trainable=trainable,
                    form=form,
                )
        except Rejected as error:
            self.problems += error.diagnostics
            self.skip()
        if output is not None and not path:
            self._unnamed.setdefault(operator, []).append(output.number - len(self.inputs))
        return output

    def network(
        self,
        outputs: Mapping[str, Value] | Sequence[Value] | None = None,
        *,
        description: str = "",
        file: str = "",
        sources: Mapping[str, str] | None = None,
    ) -> Network:
        """The network of the layers so far.

        ``outputs`` are what it returns, by name or in a list, by default the last tensor; those
        that could not be made are in ``output_names`` alone, without a name as ``output[1]``.
        ``file`` says where the network comes from, ``sources`` holds texts that places point into,
        by file.
        """
        self._name_layers()
        last = len(self.inputs) + len(self.layers) - 1
        names = [*self.inputs, *(layer.path for layer in self.layers)]
        if outputs is None:
            named: dict[str, int | None] = {names[last]: last} if names else {}
        elif isinstance(outputs, Mapping):
            named = {name: value.number if value else None for name, value in outputs.items()}
        else:
            named = dict(
                (names[value.number], value.number) if value else (f"output[{index}]", None)
                for index, value in enumerate(outputs)
            )
        returned = {name: number for name, number in named.items() if number is not None}
        problems = [
            *self.problems,
            *missing_flattens(self.layers, len(self.inputs), returned.values()),
        ]
        return Network(
            self.name,
            None,
            description,
            file,
            dict(self.inputs),
            returned,
            tuple(self.layers),
            tuple(sorted(dict.fromkeys(problems), key=lambda found: found.place)),
            self.skipped,
            sources or {},
            tuple(named),
        )

    # --- inside -------------------------------------------------------------------------------

    def _make_operator(
        self, name: str, fields: Mapping[str, Any], inputs: Sequence[Value], site: Site
    ) -> tuple[Operator | None, list[Value]]:
        """The operator, or None if an input is missing, and the further tensors that it reads."""
        try:
            cls = operator_class(name)
        except UnknownName:
            message, advice = unknown_operator(name)
            raise rejected("unknown-operator", message, site.place, advice) from None
        given = match_fields(name, cls, fields, site)
        further = {key: each for key, each in given.items() if names_layer(cls, key)}
        recorded = {key: self._record_of(key, each, site) for key, each in further.items()}
        if None in inputs:
            return None, []
        if inputs:
            check_rank(name, cls, inputs[0].shape, site.place)  # type: ignore[union-attr]
        elif cls.arity[0]:
            raise rejected("missing-key", f"'{name}' needs an input", site.place)
        rank = inputs[0].shape.rank if inputs else 0  # type: ignore[union-attr]
        values = check_fields(cls, {**given, **recorded}, rank, site)
        return self.intern(cls(**values)), list(further.values())

    def _record_of(self, field: str, tensor: Any, site: Site) -> Recorded | None:
        """The value of a field that refers to a layer by its output tensor."""
        if tensor is None:
            return None
        if not isinstance(tensor, Tensor):
            message = f"{field} is {tensor!r}, but a tensor is expected"
            raise rejected("wrong-type", message, site.field_place(field) or site.place)
        found = self.record(tensor.label, tensor)
        if found is None:
            message = f"{field} needs a layer, but '{tensor.label}' is an input"
            raise rejected("wrong-type", message, site.field_place(field) or site.place)
        return found

    def _reserve_path(self, path: str, site: Site) -> None:
        if path in self._paths:
            raise rejected("duplicate-id", f"the path '{path}' is taken", site.place)
        if path:
            self._paths.add(path)

    def _name_layers(self) -> None:
        """Numbers the layers of one operator that were added without a path."""
        for operator, indices in self._unnamed.items():
            for number, index in enumerate(indices) if len(indices) > 1 else ():
                path = f"{operator}[{number}]"
                if path not in self._paths:
                    self.layers[index] = self.layers[index]._replace(path=path)


# --- places and paths --------------------------------------------------------------------------


def _site(place: Place | Site | None) -> Site:
    """The site of a layer: the one given, or the line of the program that adds it."""
    if place is None:
        frame = sys._getframe(2)
        return Spot(Place(frame.f_code.co_filename, frame.f_lineno, 1))
    return Spot(place) if isinstance(place, Place) else place


def _groups_of(path: str) -> list[Group]:
    """The composites of a dotted path: ``stage[0].conv`` belongs to ``stage[0]``."""
    *above, _ = path.split(".")
    return [Group(".".join(above[: k + 1]), each.partition("[")[0]) for k, each in enumerate(above)]
