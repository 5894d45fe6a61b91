"""Weights that cannot be shared.

Why: 'share' uses the weights of another layer again, so that their shapes must be the same;
mostly the channels behind the two differ.

Example:

    layers:
    - {conv: {out: 8, k: 3}, id: a}
    - {conv: {out: 8, k: 3}, share: a}

Fix: give both layers inputs of equally many channels.

    layers:
    - conv: {out: 8, k: 1}
    - {conv: {out: 8, k: 3}, id: a}
    - {conv: {out: 8, k: 3}, share: a}
"""
