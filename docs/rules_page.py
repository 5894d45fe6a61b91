"""docs/rules.md, from the records of the rules and their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from convcalc.checking.rules import page, summary
from convcalc.diagnostics.codes import RULES

HEAD = """\
<!-- Written by docs/generate.py; edit convcalc/checking/rules/pages instead. -->

# Rules

What `convcalc check` and the other commands report. `convcalc rule CC103` prints one section of
this page, and `convcalc list rules` the list. A comment `# convcalc: ignore[CC201] reason` on the
line of a finding silences it, and `convcalc.toml` chooses rules and severities:
[convcalc in CI](ci.md).
Unless an example states its own input, it is `[3, 32, 32]`."""

GROUPS = {
    "CC0": "The file",
    "CC1": "Shapes",
    "CC2": "Design",
    "CC3": "Budgets and pins",
    "CC4": "What a change weakens",
    "CC5": "Models of other programs",
}


def rules_page() -> str:
    """Return the text of rules.md."""
    return "\n\n".join([HEAD, index(), *sections()]) + "\n"


def index() -> str:
    """Return the table of all rules."""
    lines = ["| code | name | severity | what |", "|---|---|---|---|"]
    for rule in RULES.values():
        link = f"[{rule.code}](#{rule.code.lower()}-{rule.name})"
        lines.append(f"| {link} | `{rule.name}` | {rule.severity} | {summary(rule)} |")
    return "\n".join(lines)


def sections() -> Iterator[str]:
    """Yield the paragraphs about each rule, by groups."""
    group = ""
    for rule in RULES.values():
        if rule.code[:3] != group:
            group = rule.code[:3]
            yield f"## {GROUPS[group]}"
        yield f"### {rule.code} {rule.name}"
        yield from map(paragraph, re.split(r"\n\n(?! )", page(rule)))


def paragraph(text: str) -> str:
    """Return a paragraph with its indented example, if it has one, as a fenced block."""
    lead, _, code = text.partition("\n\n    ")
    found = re.match(r"(Why|Example|Fix):", lead)
    head = f"**{found[0]}**{lead[found.end() :]}" if found else lead
    if not code:
        return head
    lines = [line.removeprefix("    ") for line in f"    {code}".split("\n")]
    return "\n".join([head, "", "```yaml", *lines, "```"])
