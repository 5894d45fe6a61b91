"""The formats of tables, one module each: ``text(table, payload, style)`` gives what is printed.

A new format is a module here and its name in ``FORMATS``.
"""

from __future__ import annotations

FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex", "html")
