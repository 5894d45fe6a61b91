"""A feature of YAML that network files do not use.

Why: Anchors, aliases and merge keys can expand without bounds, tags can name code. Params, blocks
and 'repeat' say the same with a name that a reader can look up.

Example:

    layers:
    - conv: &first {out: 8, k: 3}

Fix: name what repeats under 'params' or 'blocks'.

    layers:
    - conv: {out: 8, k: 3}
"""
