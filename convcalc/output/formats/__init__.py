"""Tables as terminal text, JSON, CSV, Markdown, LaTeX or HTML."""
