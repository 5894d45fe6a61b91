"""What the file states is not what comes out.

Why: 'in' and 'shape' beside a layer, and stated sizes of an operator, are promises for the
reader; they are checked so that they stay true.

Example:

    layers:
    - {conv: {out: 8, k: 3}, shape: [8, 32, 32]}

Fix: correct the statement, or the layer.

    layers:
    - {conv: {out: 8, k: 3}, shape: [8, 30, 30]}
"""
