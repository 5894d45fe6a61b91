"""A measured number is not the pinned one.

Why: 'expect' pins exact numbers per variant, at the declared input and batch 1: published values,
or those of the last release. Whoever changes them should notice.

Example:

    layers:
    - conv: {out: 8, k: 3}
    expect:
      net: {params: 225}

Fix: mend the network; if the new number is meant, 'convcalc pin' writes it.

    layers:
    - conv: {out: 8, k: 3}
    expect:
      net: {params: 224}
"""
