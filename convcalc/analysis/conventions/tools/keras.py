"""Keras: count_params, which includes running statistics, and the FLOPs of TensorFlow's profiler.

Parameters: ``count_params`` adds all weights of a layer, trained or not: a batch norm has 4 per
channel, where PyTorch counts 2 and keeps the running mean and variance as buffers. With the norms'
buffers ResNet-50 has 25,610,152; Keras' own, 25,636,712, also has a bias in every convolution,
which the norms make useless.

An LSTM has one bias per gate there, not two.

FLOPs: Keras prints none; these are those of the page ``tf-profiler``, the usual ones beside it.

Source: keras/src/layers/layer.py, ``count_params``, 3.15.
"""

from __future__ import annotations

from math import prod

from convcalc.analysis.conventions import Convention
from convcalc.analysis.conventions.leaves import Leaf
from convcalc.analysis.conventions.quantities import STORED, Rule
from convcalc.analysis.conventions.tools.tf_profiler import CONVENTION as PROFILER


def _one_bias(leaf: Leaf) -> int:
    """The numbers of an LSTM without the second bias."""
    weights = leaf.analysis.weights.items()
    return sum(prod(sizes) for name, sizes in weights if not name.startswith("bias_hh"))


CONVENTION = Convention(
    "Keras 3.15 with tf.compat.v1.profiler",
    PROFILER.counts,
    params={"lstm": Rule("P of one bias", _one_bias)},
    other_params=STORED,
)
