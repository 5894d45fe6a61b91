"""``convcalc convention``: the manual page of another tool's counting convention."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from convcalc.analysis.conventions import Convention
    from convcalc.output.columns import Column

FORMATS = ("table", "markdown", "json")


def command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="For instance fvcore; see 'list conventions'.")
    ],
) -> int:
    """Show the manual page of a convention.

    What the tool counts, what it leaves out, and which of its numbers are wrong.
    """
    from convcalc.analysis.conventions import (
        convention,
        form_entries,
        manual,
        parameters_text,
        rule_entries,
    )
    from convcalc.analysis.conventions.quantities import legend
    from convcalc.output.lines import page_lines
    from convcalc.output.markdown import code_block
    from convcalc.output.table import MARKDOWN_HINT, Fact, Table, render

    settings = ctx.obj
    form = settings.format(FORMATS)
    name = name.lower()
    found = convention(name)
    entries = rule_entries(found)
    keys = [count.key for count in found.counts]
    parameters = parameters_text(found)
    forms = form_entries(found)
    texts = [
        *(text for entry in entries for text in entry.rules),
        parameters,
        *(f.text for f in forms),
    ]
    payload = {
        "name": name,
        "tool": found.tool,
        "manual": manual(name),
        "rules": {e.operator: dict(zip(keys, e.rules, strict=True)) for e in entries},
        "params": parameters,
        "forms": [entry._asdict() for entry in forms],
    }
    table = Table(
        "",
        _columns(found),
        entries,
        footer=(
            Fact("parameters", parameters),
            *(Fact(f"a {form}", f"{title}: {text}") for form, title, text in forms),
            *(Fact(symbol, meaning) for symbol, meaning in legend(texts).items()),
        ),
        hint=MARKDOWN_HINT,
    )
    style = settings.style()
    text = render(form, table, payload, style)
    if form != "json":
        page = manual(name)
        is_code = form == "markdown"
        head = [f"# {name}", code_block(page)] if is_code else [name, page_lines(page, style.width)]
        text = "\n\n".join([*head, text])
    settings.write(text)
    return 0


def _columns(found: "Convention") -> tuple["Column", ...]:
    """The operator, and the rule for each number."""
    from convcalc.output.columns import Column

    def rule(index: int) -> "Column":
        count = found.counts[index]
        title = f"{count.title} ({count.unit})"
        return Column(count.key, title, lambda entry: entry.rules[index], folds=True)

    rules = (rule(index) for index in range(len(found.counts)))
    return (Column("operator", "operator", attrgetter("operator")), *rules)
