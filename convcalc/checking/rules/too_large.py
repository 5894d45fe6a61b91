"""A file or the network that it describes is too large.

Why: Files are limited in bytes, nodes and nesting, networks in layers, so that a slip such as
'repeat: 10**9' ends with a message instead of using up the machine. The limits are settings:
'[limits]' in convcalc.toml.

Example:

    layers:
    - {relu: {}, repeat: 10**9}

Fix: name what repeats under 'blocks', or raise the limit if the size is meant.

    layers:
    - {relu: {}, repeat: 10}
"""
