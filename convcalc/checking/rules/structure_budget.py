"""The number of layers, or a part's share, is not as demanded.

Why: 'layers' counts the layers of the network or of a part; 'share' holds how much of a metric
one part may have, so that a head does not outgrow its backbone.

Example:

    layers:
    - conv: {out: 8, k: 3}
    - global_avg_pool
    - {linear: {out: 10}, id: head}
    budgets:
      share: {of: head, metric: params, max: 20%}

Fix: make the part smaller, or the rest larger.

    layers:
    - conv: {out: 8, k: 3}
    - global_avg_pool
    - {linear: {out: 10}, id: head}
    budgets:
      share: {of: head, metric: params, max: 30%}
"""
