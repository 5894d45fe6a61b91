"""Two things of one name.

Why: References and paths could not tell them apart.

Example:

    layers:
    - {conv: {out: 8, k: 3}, id: stem}
    - {relu: {}, id: stem}

Fix: give one of them another id.

    layers:
    - {conv: {out: 8, k: 3}, id: stem}
    - {relu: {}, id: act}
"""
