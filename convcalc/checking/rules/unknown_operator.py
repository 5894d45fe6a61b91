"""No operator of that name.

Why: Operators are written lower_snake, blocks PascalCase. The names of other tools (Conv2d,
deconv, dense) are recognised in the help line.

Example:

    layers:
    - max_pol: {k: 2}

Fix: use the suggested name; 'convcalc list operators' shows them all.

    layers:
    - max_pool: {k: 2}
"""
