"""A block that calls itself.

Why: Directly or through others, it would never end.

Example:

    blocks:
      Grow: [relu, Grow]
    layers: [Grow]

Fix: use 'repeat' for what comes several times.

    blocks:
      Grow: [relu]
    layers:
    - {Grow: {}, repeat: 3}
"""
