"""Checks many files: finds them, reads the settings, runs the rules and the budgets."""

# How findings are written; the modules are those of convcalc/output/findings.
FORMATS = ("full", "concise", "json", "github", "gitlab", "junit", "sarif", "markdown")
