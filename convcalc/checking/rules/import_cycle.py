"""Imports lead back to the file that they started from.

Why: Each file of the circle would need the other to be read first.

Example:

    imports: {b: bad.convcalc.yaml}
    blocks:
      Conv: [conv: {out: 8, k: 3}]
    layers: [b.Conv]

Fix: move what both files need into a third.

    blocks:
      Conv: [conv: {out: 8, k: 3}]
    layers: [Conv]
"""
