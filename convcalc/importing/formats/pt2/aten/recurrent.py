"""LSTM and GRU, and sampling by a grid."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated


def recurrent(call: Call) -> None:
    """lstm and gru of a whole sequence, whose states begin with zeros or with what is given."""
    weights = call.tensors("params")
    if not weights:
        raise Untranslated("it has no weights")
    gates = 4 if call.op == "lstm" else 3
    rows = call.sizes(weights[0])[0]
    if rows is None or rows % gates or call.get("data") is not None:
        raise Untranslated("packed sequences")
    call.make_one(
        0,
        call.op.upper(),
        call.tensor("input"),
        *weights,
        hidden_size=rows // gates,
        num_layers=call.integer("num_layers", 1),
        bidirectional=int(bool(call.get("bidirectional", False))),
        has_biases=int(bool(call.get("has_biases", True))),
        time=1 if call.get("batch_first", False) else 0,
    )


def grid_sample(call: Call) -> None:
    """grid_sampler of two or three axes."""
    modes = {0: "linear", 1: "nearest", 2: "cubic"}
    mode = call.integer("interpolation_mode", 0)
    if mode not in modes:
        raise Untranslated(f"sampling by the mode {mode}")
    names = [call.tensor("input"), call.tensor("grid")]
    aligned = int(bool(call.get("align_corners", False)))
    call.make("GridSample", *names, mode=modes[mode], align_corners=aligned)


RULES: Mapping[str, Rule] = {
    "lstm": recurrent,
    "gru": recurrent,
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), grid_sample),
}
