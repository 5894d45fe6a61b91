"""An import cannot be read.

Why: It is looked for beside the importing file, then among the files that ship. Nothing is
fetched, and nothing outside the project's folder is read.

Example:

    imports: {b: blocks/nowhere.convcalc.yaml}
    layers:
    - b.ConvBn: {out: 8}

Fix: give the path as seen from the importing file; 'convcalc list blocks' shows what ships.

    imports: {b: blocks/conv_bn.convcalc.yaml}
    layers:
    - b.ConvBn: {out: 8}
"""
