"""docs/language.md, from the manual of the language and the declarations behind the schema."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.language.manual import PARTS, part
from convcalc.output.schemas.entries import key_entries, key_table

HEAD = """\
<!-- Written by docs/generate.py; edit convcalc/language/manual/pages instead. -->

# The language

What a network file may hold: every key, the names that expressions may use, and the pitfalls of
YAML. `convcalc operator WORD` prints one section in the terminal (`convcalc operator residual`),
`convcalc new NAME` starts a file, and `convcalc schema` prints the JSON Schema by which editors
complete and check one. Every example on this page is run by the tests; where one shows layers
alone, the input is `[3, 32, 32]`."""


def language_page() -> str:
    """Return the text of language.md."""
    return "\n\n".join([HEAD, *index(), *parts()]) + "\n"


def index() -> Iterator[str]:
    """Yield a list of all words by the parts that describe them."""
    lines = []
    for name in PARTS:
        found = part(name)
        words = [f"[`{w}`](#{anchor(s.title)})" for s in found.sections for w in s.words]
        listed = ", ".join(word for word in words if " " not in word.partition("`]")[0])
        head = f"[{found.title}](#{anchor(found.title)})"
        lines.append(f"- **{head}**" + (f": {listed}" if listed else ""))
    yield "\n".join(lines)


def parts() -> Iterator[str]:
    """Yield the paragraphs of all parts."""
    for name in PARTS:
        found = part(name)
        yield f"## {found.title}"
        if found.text:
            yield found.text
        for section in found.sections:
            yield f"### {section.title}"
            yield section.text
            entries = [entry for word in section.words for entry in key_entries(word)]
            if entries:
                yield key_table(entries)


def anchor(title: str) -> str:
    """Return the anchor that GitHub and the site give to a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
