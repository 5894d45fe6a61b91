"""Tensors of different shapes meet.

Why: An addition or a multiplication needs equal shapes, or sizes of 1 that are repeated. Often a
stride or a projection is missing on the shortcut.

Example:

    layers:
    - residual: [conv: {out: 8, k: 3, p: 1}]

Fix: make both sides alike, for instance by a 1x1 convolution in 'shortcut'.

    layers:
    - residual: [conv: {out: 8, k: 3, p: 1}]
      shortcut: [conv: {out: 8, k: 1}]
"""
