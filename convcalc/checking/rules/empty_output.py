"""A layer has no output, because not a single window fits.

Why: The map is smaller than the kernel spans, padding included. Often the input is too small for
the number of stages.

Example:

    layers:
    - {max_pool: {k: 2, s: 2}, repeat: 5}
    - conv: {out: 8, k: 3}

Fix: pad, leave out a stage, or use a larger input.

    layers:
    - {max_pool: {k: 2, s: 2}, repeat: 4}
    - conv: {out: 8, k: 2}
"""
