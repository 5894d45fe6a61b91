"""LSTM and GRU.

    X (seq, batch, in) or, with layout 1, (batch, seq, in); W (directions, gates·hidden, in);
    R (directions, gates·hidden, hidden); Y (seq, directions, batch, hidden)

Source: ONNX operators LSTM and GRU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.importing.foreign import Node
from convcalc.importing.mapping import recurrent
from convcalc.importing.mapping.build import Build, Held, NoRule, Rule
from convcalc.importing.views import BATCH, Group, View, atoms_of, size_of
from convcalc.model.geometry.sizes import axis_names

GATES = {"LSTM": 4, "GRU": 3}
PEEPHOLES = 7  # the input of LSTM


def sequence(build: Build, node: Node) -> Sequence[Held]:
    """The states of all positions, and the last one."""
    if node.value("time") is not None:  # as PyTorch says it
        return recurrent.recurrent(build, node)
    view = build.view(node)
    if len(view.axes) != 3:
        raise NoRule("sequences of vectors have three axes")
    if node.input(PEEPHOLES) or node.value("input_forget", 0):
        raise NoRule("peepholes or coupled gates")
    layout = node.value("layout", 0)
    time, batch = (1, 0) if layout else (0, 1)
    weight, state = build.weight(node, 1), build.weight(node, 2)
    hidden, directions = state.dims[-1], weight.dims[0]
    if weight.dims[-1] != size_of(view.axes[2]):
        raise NoRule(f"a weight for {weight.dims[-1]} channels meets {size_of(view.axes[2])}")
    if weight.dims[1] != GATES[node.op] * hidden or len(state.dims) != 3 or directions > 2:
        raise NoRule("weights of other sizes than its gates")
    others = tuple(atom for atom in view.axes[batch] if view.role(atom) != BATCH)
    target = (view.axes[2], *([others] if others else []), view.axes[time])
    fields: dict[str, Any] = {"bidirectional": True} if directions == 2 else {}
    if not node.input(3):
        fields["bias"] = False
    if others:
        fields["axis"] = axis_names(2)[-1]
    tensor = build.settle(view, target)
    made = build.add(node.op.lower(), tensor, hidden_size=hidden, **fields)
    both, own = atoms_of(directions), atoms_of(hidden)
    found = View(made, view.batch, ((*both, *own), *target[1:]), ())
    axes = [view.axes[batch], view.axes[time], both, own]
    order = (0, 1, 2, 3) if layout else (1, 2, 0, 3)
    whole = found.with_axes(tuple(axes[each] for each in order))
    last_axes = (view.axes[batch], both, own) if layout else (both, view.axes[batch], own)
    return [
        whole,
        *(
            _last(build, found, others, last_axes) if build.is_read(name) else None
            for name in node.outputs[1:]
        ),
    ]


def _last(build: Build, found: View, others: Group, axes: tuple[Group, ...]) -> View:
    """The state behind the last position, of each direction its own."""
    sizes: list[Any] = [size_of(found.stored[0])]
    if others:
        sizes.append(size_of(others))
    made = build.add("opaque", found.tensor, output=sizes, params=0, macs=0, note="last state")
    stored = (found.stored[0], *([others] if others else []))
    return View(made, found.batch, stored, ()).with_axes(axes)


RULES: Mapping[str, Rule] = dict.fromkeys(GATES, sequence)
