"""The parameters of each command that take a value: written by a test, held to typer's.

Whoever completes a value needs no more, and typer takes longer to import than most values to find.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Mapping

# What each command does.
ABOUT: Mapping[str, str] = {
    "show": "Show what a network costs and sees",
    "check": "Check network files",
    "diff": "Show what changed from one network to another, or between the networks of two folders",
    "verify": "Say whether a design and a model are the same network, and if not, where they differ",
    "pin": "Write the measured numbers into 'expect'",
    "layer": "Show a single layer, without a file",
    "rf": "Show receptive fields: size, jump, center, coverage, holes, halo",
    "explain": "Explain where numbers come from: formulas, and the places of what goes into them",
    "import": "Write a model as a network file, the way a person would write it",
    "get": "Print one number of a network",
    "list": "List operators, networks, blocks, columns, metrics, rules, conventions, formats, or params",
    "operator": "Show the manual page of an operator, or of a word of the language",
    "convention": "Show the manual page of a convention",
    "rule": "Show what a rule is about, why, an example, and how to fix it",
    "schema": "Print the JSON Schema of network files",
    "new": "Write a network file to start from",
    "export": "Write a network as PyTorch or Keras code, or as an ONNX file",
    "cache": "Show or empty the folder of kept results",
    "version": "Show the version of convcalc",
    "help": "Show a page of the manual, or list its topics",
}

# Options of every command.
SHARED: Mapping[str, str] = {
    "-f": "output_format",
    "--output-format": "output_format",
    "-o": "output_file",
    "--output-file": "output_file",
    "--color": "color",
    "--root": "root",
    "--limit": "limit",
}

# The output formats of each command, and of those before a command.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "": ("table", "json", "csv", "tsv", "markdown", "latex", "html"),
    "show": ("table", "json", "csv", "tsv", "markdown", "latex", "html"),
    "check": ("full", "concise", "json", "github", "gitlab", "junit", "sarif", "markdown"),
    "diff": ("table", "json", "markdown"),
    "verify": ("table", "json", "markdown"),
    "pin": (),
    "layer": ("table", "json", "csv", "tsv", "markdown", "latex", "html"),
    "rf": ("table", "json", "csv", "tsv", "markdown", "latex", "html"),
    "explain": ("table", "markdown", "json"),
    "import": (),
    "get": ("raw", "json"),
    "list": ("table", "json", "csv", "tsv", "markdown", "latex", "html"),
    "operator": ("table", "markdown", "json"),
    "convention": ("table", "markdown", "json"),
    "rule": ("table", "markdown", "json"),
    "schema": (),
    "new": (),
    "export": (),
    "cache": (),
    "version": ("table", "json"),
    "help": ("table", "markdown", "json"),
}

# Arguments in order, and options of each command; a star is for several words.
COMMANDS: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "show": (
        ("targets*",),
        {
            "--depth": "depth",
            "--by": "by",
            "--variant": "variant",
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--set": "set",
            "--set-from": "set_from",
            "--columns": "columns",
            "--sort": "sort",
            "--top": "top",
            "--count": "count",
            "--dtype": "dtype",
            "--convention": "convention",
            "--memory": "memory",
        },
    ),
    "check": (
        ("paths*",),
        {
            "--select": "select",
            "--ignore": "ignore",
            "--variant": "variant",
            "--budgets": "budgets",
            "--policy": "policy",
            "--config": "config",
            "--summary-file": "summary_file",
            "--stdin-filename": "stdin_filename",
            "-i": "input",
            "--input": "input",
            "--set": "set",
            "--dtype": "dtype",
        },
    ),
    "diff": (
        ("old", "new"),
        {
            "--depth": "depth",
            "--fail-on": "fail_on",
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--set": "set",
            "--set-from": "set_from",
            "--count": "count",
            "--dtype": "dtype",
            "--convention": "convention",
            "--memory": "memory",
            "--variant": "variant",
            "--policy": "policy",
            "--config": "config",
        },
    ),
    "verify": (
        ("design", "model"),
        {
            "--fold-norms": "fold_norms",
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--set": "set",
            "--set-from": "set_from",
        },
    ),
    "pin": (("paths*",), {"--config": "config"}),
    "layer": (
        ("operator", "fields*"),
        {
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--count": "count",
            "--dtype": "dtype",
            "--convention": "convention",
            "--columns": "columns",
            "--cost": "cost",
        },
    ),
    "rf": (
        ("target",),
        {
            "--at": "at",
            "--position": "position",
            "--svg": "svg",
            "--stack": "stack",
            "--suggest": "suggest",
            "--of": "of",
            "--channel": "channel",
            "--depth": "depth",
            "--columns": "columns",
            "--variant": "variant",
            "-i": "input",
            "--input": "input",
            "--set": "set",
            "--set-from": "set_from",
        },
    ),
    "explain": (
        ("target", "parts*"),
        {
            "--variant": "variant",
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--set": "set",
            "--set-from": "set_from",
            "--count": "count",
            "--dtype": "dtype",
            "--convention": "convention",
            "--versus": "versus",
        },
    ),
    "import": (
        ("models*",),
        {"--as": "together", "-i": "input", "--input": "input", "--batch": "batch"},
    ),
    "get": (
        ("path", "target"),
        {
            "--variant": "variant",
            "-i": "input",
            "--input": "input",
            "--batch": "batch",
            "--set": "set",
            "--set-from": "set_from",
            "--count": "count",
            "--dtype": "dtype",
            "--convention": "convention",
            "--memory": "memory",
        },
    ),
    "list": (("kind", "filter"), {}),
    "operator": (("name",), {}),
    "convention": (("name",), {}),
    "rule": (("code",), {}),
    "schema": (("kind",), {}),
    "new": (("name",), {"--template": "template", "--from": "from_"}),
    "export": (
        ("target",),
        {
            "--to": "to",
            "--variant": "variant",
            "-i": "input",
            "--input": "input",
            "--set": "set",
            "--set-from": "set_from",
        },
    ),
    "cache": (("action",), {}),
    "version": ((), {}),
    "help": (("name",), {}),
}
