"""A comment silences a finding that is not there.

Why: An 'ignore' that outlives its finding hides the next one at its line. A comment names the
codes that it silences and should give the reason; it stands at the end of the line, or on a line
of its own above it. Errors of the file itself (CC0xx and CC1xx) cannot be silenced: nothing
behind them was computed.

Example:

    layers:
    - conv: {out: 8, k: 3}   # convcalc: ignore[CC204] the paper does so

Fix: remove the comment, or the codes that are not needed.

    layers:
    - conv: {out: 8, k: 3}
"""
