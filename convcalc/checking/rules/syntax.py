"""The text is not YAML.

Why: A bracket or a quote is never closed, a colon has no space behind it, an expression with
commas stands unquoted, or the bytes are not UTF-8. Nothing behind the fault can be read with
certainty.

Example:

    layers:
    - conv: {out: max(8, 16), k: 3}

Fix: quote an expression that has commas or brackets in it.

    layers:
    - conv: {out: 'max(8, 16)', k: 3}
"""
