"""Keras: count_params, which includes running statistics, and the FLOPs of TensorFlow's profiler.

Parameters: ``count_params`` adds all weights of a layer, trained or not: a batch norm has 4 per
channel, where PyTorch counts 2 and keeps the running mean and variance as buffers. With the norms'
buffers ResNet-50 has 25,610,152; Keras' own, 25,636,712, also has a bias in every convolution,
which the norms make useless.

FLOPs: Keras prints none; these are those of the page ``tf-profiler``, the usual ones beside it.

Source: keras/src/layers/layer.py, ``count_params``, 3.15.
"""

from __future__ import annotations

from convcalc.analysis.conventions import Convention
from convcalc.analysis.conventions.quantities import STORED
from convcalc.analysis.conventions.tools.tf_profiler import CONVENTION as PROFILER

CONVENTION = Convention(
    "Keras 3.15 with tf.compat.v1.profiler", PROFILER.counts, other_params=STORED
)
