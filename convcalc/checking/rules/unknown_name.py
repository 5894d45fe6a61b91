"""A name that nobody defined.

Why: An expression uses no param or loop name of its scope, a layer reads an id that no layer
above has, or a block is not there. A layer reads what stands above it; a block sees its own
params and the file's, never its caller's.

Example:

    params: {width: 8}
    layers:
    - conv: {out: widht, k: 3}

Fix: use the name that the help line suggests, or define it.

    params: {width: 8}
    layers:
    - conv: {out: width, k: 3}
"""
