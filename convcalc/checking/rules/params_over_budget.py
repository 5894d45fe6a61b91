"""More parameters, trainable parameters or buffers than the budget allows.

Why: The size of a model on disk and on a device is the first thing that a budget holds. 'max' is
the limit; 'warn' below it is a warning before it is too late; 'at' limits one part.

Example:

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      params: {max: 200}

Fix: make the network smaller where the notes say that most of it is, or raise the budget on
purpose.

    layers:
    - conv: {out: 8, k: 3}
    budgets:
      params: {max: 224, warn: 224}
"""
