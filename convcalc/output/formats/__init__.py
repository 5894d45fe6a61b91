"""The formats of tables: each is a module with a function ``fragments(table, payload, style)``.

To add a format, add a module here and its name to ``FORMATS``.
"""

from __future__ import annotations

FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex", "html")
