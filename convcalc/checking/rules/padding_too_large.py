"""Padding that is larger than it can be.

Why: Reflected padding needs other positions to reflect, circular padding at most one round, and a
pooling window must not lie in the padding alone.

Example:

    layers:
    - max_pool: {k: 2, p: 2}

Fix: use less padding.

    layers:
    - max_pool: {k: 2, p: 1}
"""
