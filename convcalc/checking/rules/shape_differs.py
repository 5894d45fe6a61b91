"""A shape is not as demanded.

Why: What reads the network's output, or an inner map, relies on its shape. Shapes are written
without the batch; null stands for any size.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      output: {equals: [8, 32, 32]}

Fix: correct the layer, often its padding or stride, or the demand.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      output: {equals: [8, 30, 30]}
      shapes: {conv: [8, null, null]}
"""
