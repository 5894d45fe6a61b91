"""A word that YAML 1.1 and YAML 1.2 read differently.

Why: 'no', 'off', 'yes' and 'on' are booleans to one reader and words to the other; 010 is 8 to
one and 10 to the other. A file that means two things is refused.

Example:

    layers:
    - conv: {out: 8, k: 3, bias: no}

Fix: write true or false, or put the word in quotes; write numbers without leading zeros.

    layers:
    - conv: {out: 8, k: 3, bias: false}
"""
