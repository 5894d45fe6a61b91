"""Normalisation, reductions."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.importing.formats.pt2.call import Call, Rule, Untranslated

REDUCED = {
    "mean": "ReduceMean",
    "sum": "ReduceSum",
    "amax": "ReduceMax",
    "amin": "ReduceMin",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp",
    "all": "ReduceMin",
    "any": "ReduceMax",
}


def batch_norm(call: Call) -> None:
    """batch_norm of one of its names, by running statistics."""
    if call.get("training", False):
        raise Untranslated("it was exported in training mode")
    keys = ("weight", "bias", "running_mean", "running_var")
    x = call.tensor("input")
    call.make_one(0, "BatchNormalization", x, *(call.optional(key) for key in keys))


def instance_norm(call: Call) -> None:
    """instance_norm."""
    keys = ("weight", "bias")
    call.make("InstanceNormalization", call.tensor("input"), *map(call.optional, keys))


def group_norm(call: Call) -> None:
    """group_norm."""
    x = call.tensor("input")
    groups = call.integer("num_groups" if call.get("num_groups") is not None else "group", 1)
    call.make_one(
        0,
        "GroupNormalization",
        x,
        call.optional("weight"),
        call.optional("bias"),
        num_groups=groups,
    )


def layer_norm(call: Call) -> None:
    """layer_norm and rms_norm over the last axes."""
    op = "RMSNormalization" if call.op == "rms_norm" else "LayerNormalization"
    names = [call.tensor("input"), call.optional("weight"), call.optional("bias")]
    call.make_one(0, op, *names, axis=-len(call.integers("normalized_shape")))


def reduce(call: Call) -> None:
    """A reduction over axes; ``max`` and ``min`` of one axis also say where it is."""
    x = call.tensor()
    if call.get("other") is not None:  # of two tensors
        call.make("Max" if call.op == "max" else "Min", x, call.tensor("other"))
        return
    axes = call.axes("dim", call.rank(x))
    keeps = int(bool(call.get("keepdim", False)))
    call.make_one(0, REDUCED[call.op], x, axes=tuple(axes), keepdims=keeps)


def vector_norm(call: Call) -> None:
    """The norm of vectors along axes."""
    x = call.tensor()
    order = call.first("ord", "p")
    op = {None: "ReduceL2", 2: "ReduceL2", 1: "ReduceL1"}.get(order)
    if op is None:
        raise Untranslated(f"a norm of order {order}")
    axes = call.axes("dim", call.rank(x))
    call.make(op, x, axes=tuple(axes), keepdims=int(bool(call.get("keepdim", False))))


def variance(call: Call) -> None:
    """var and std: the mean of squares of what is left when the mean is taken away."""
    x = call.tensor()
    axes = tuple(call.axes("dim", call.rank(x)))
    centred = call.add("Sub", x, call.add("ReduceMean", x, axes=axes, keepdims=1))
    keeps = int(bool(call.get("keepdim", False)))
    squares = call.add("Mul", centred, centred)
    if call.op == "var":
        call.make("ReduceMean", squares, axes=axes, keepdims=keeps)
    else:
        call.make("Sqrt", call.add("ReduceMean", squares, axes=axes, keepdims=keeps))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(REDUCED, reduce),
    "batch_norm": batch_norm,
    "native_batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "cudnn_batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "group_norm": group_norm,
    "native_group_norm": group_norm,
    "layer_norm": layer_norm,
    "native_layer_norm": layer_norm,
    "rms_norm": layer_norm,
    "linalg_vector_norm": vector_norm,
    "norm": vector_norm,
    "var": variance,
    "std": variance,
}
