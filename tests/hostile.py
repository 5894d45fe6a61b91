"""Texts of a stranger, files that hold them wherever a text can stand, and what no output has.

What is looked for is written down here anew, from the standards and the documents of the services,
and not taken from convcalc.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from rendered import RENDERERS, references

TEXTS: Mapping[str, str] = {
    "lines": "a\n::stop-commands::x\n::error::b\u2028::d\u2029::e",
    "returns": "a\r::stop-commands::x\x85::b\x0c::c\x1c::d\ufeff",
    "command": "::stop-commands::x",
    "blank_command": " \t::add-mask::x",
    "old_commands": "##[add-mask]x ##vso[task.setvariable variable=a]x ##teamcity[x] ###[group]",
    "terminal": "\x1b[31mred\x1b[8m\x1b]0;title\x07\x9b31m\b\x7f\x00",
    "colour": "\x1b[1m\x1b[0m\x1b[2m",
    "bidi": "a\u202egnp.\u2066x\u2069\u200e\u200f\u061c",
    "unseen": "a\u200bb\u200c\u200d\u2060\u00ad\u180e\u3164\u034f\ufe0f\ue000",
    "tags": "a\U000e0041\U000e0101\U000e007f\U0010ffff\ufdd0",
    "marks": "\u0338x" + "\u0301" * 40 + "\u20dd",
    "markdown": "@user #1 [a](https://e.zz) ![i](j) www.e.zz :tada: $x$ `c` <b>x</b> | ~~s~~ !1 &1",
    "markup": "</td><script>a</script>]]>&lt;<!-- \\end{tabular}\\input{x}%$^^M </svg>\"'",
    "formula": '=HYPERLINK("https://e.zz")',
    "minus": "-1+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "annotation": "x,file=y:z%0A::error::x%3A%2C",
    "table": "a|b\tc,d;e",
    "long": "x" * 60_000,
    "blank": " \u3000\xa0\u2003 ",
    "letters": "é ß 日本語 עברית हिन्दी ﬁ 🎉",
}


def quoted(text: str) -> str:
    """A text as YAML writes it between double quotes."""
    plain = (c if c.isascii() and c.isprintable() and c not in '"\\' else _code(c) for c in text)
    return f'"{"".join(plain)}"'


def _code(character: str) -> str:
    return f"\\U{ord(character):08x}"


# --- files -------------------------------------------------------------------------------------

# Of each file the places for texts, %0 to %9; each takes another text.
FILES: Mapping[str, str] = {
    "right": """\
convcalc: 1
name: %0
description: %1
source: %2
note: %3
inputs: {x: [3, 8, 8]}
params: {w: {default: 8, help: %4}}
variants: {%5: {w: 4}}
blocks:
  B: {params: {c: int}, layers: [{conv: {out: c, k: 3, p: 1}, id: i}]}
layers:
- {conv: {out: w, k: 3, s: 2}, id: a}
- {B: {c: 4}, id: b}
- {upsample: {scale: 2}, id: up}
outputs: [b, up]
budgets:
  params: {max: 1}
expect:
  %0: {params: 1}
  %5: {params: 1}
""",
    "names": """\
convcalc: 1
name: %0
inputs: {%1: [3, 8, 8]}
blocks:
  %2: {params: {c: int}, layers: [{conv: {out: c, k: 3}, id: %3}]}
layers:
- {conv: {out: 8, k: 3}, id: %4}
- {conv: {out: 8, k: 3}, id: %4}
- {%2: {c: 4}, id: %5}
- {relu: {}, from: %6}
""",
    "wrong": """\
convcalc: 1
%0: 1
name: x
input: [3, 8, 8]
imports: {%1: %2}
params: {%3: 1, q: %4}
variants: {v: {%5: 1}}
layers:
- {conv: {out: %6, k: 3}}
- {conv: {out: 8, k: 3, %7: 1}}
- {%8: {out: 8}}
- {relu: {}, if: %9}
- {conv: {out: 8, k: 3, groups: 3}, id: g}
""",
    "asserted": """\
convcalc: 1
name: x
input: [3, 8, 8]
layers:
- {conv: {out: 8, k: 3}}
budgets:
  params: {max: %0}
  %1: {max: 1}
  macs: {%2: 1}
  receptive_field: {min: 1, at: %3}
  memory: {max: 1, dtype: %4}
  compare: {base: %5, missing: %6}
expect:
  %7: {params: 1}
  x: {%8: 1, output: %9}
""",
}


def filled(template: str, first: int) -> str:
    """A file with the texts in its places, beginning with one of them."""
    texts = [*TEXTS.values()]

    def text(place: re.Match[str]) -> str:
        return quoted(texts[(first + int(place[1])) % len(texts)])

    return re.sub(r"%(\d)", text, template)


# --- what was written --------------------------------------------------------------------------

CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Default_Ignorable_Code_Point of Unicode, where Python calls it a letter or a mark.
IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# What GitHub, Azure Pipelines and TeamCity take for commands.
COMMANDS = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE)
ANNOTATION = re.compile(r"::(error|warning) title=convcalc \(CC\d+\),[^\n]*")
LONGEST_LINE = 50_000
TAGS = {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "p", "strong", "ul", "li", "code"} | {
    *("pre", "details", "summary", "h1", "h3", "br", "! convcalc:report "),
}


def faults(text: str, form: str) -> Iterator[str]:
    """What must not be in an output, whatever the format."""
    for character in sorted(set(text) - {"\n"}):
        is_strange = unicodedata.category(character) in CATEGORIES or IGNORED.match(character)
        if is_strange and not (character == "\t" and form == "tsv"):
            yield f"the character {character!r}"
    for line in text.split("\n"):
        if COMMANDS.search(line) and not (form == "github" and ANNOTATION.fullmatch(line)):
            yield f"a command: {line[:100]!r}"
        if len(line) > LONGEST_LINE and form not in ("json", "sarif", "gitlab", "csv", "tsv"):
            yield f"a line of {len(line)} characters: {line[:60]!r}"
    yield from _READERS.get(form, lambda _: iter(()))(text) if text.strip() else ()


def _of_json(text: str) -> Iterator[str]:
    json.loads(text)
    if not text.isascii():
        yield "JSON that is not ASCII"


def _of_sarif(text: str) -> Iterator[str]:
    """A message of the form ``[text](target)`` is a link: §3.11.6 of SARIF 2.1.0."""
    yield from _of_json(text)
    for result in json.loads(text)["runs"][0]["results"]:
        for place in (result, *result.get("relatedLocations", ())):
            if re.search(r"\[[^\]]*\]\(", place["message"]["text"]):
                yield f"a link: {place['message']['text'][:100]!r}"


def _of_xml(text: str) -> Iterator[str]:
    root = ET.fromstring(text)
    known = {"testsuites", "testsuite", "testcase", "failure", "error", "system-out"}
    yield from (f"the element {each.tag}" for each in root.iter() if each.tag not in known)


def _of_csv(text: str) -> Iterator[str]:
    yield from _of_rows(list(csv.reader(io.StringIO(text), strict=True)))


def _of_tsv(text: str) -> Iterator[str]:
    yield from _of_rows([line.split("\t") for line in text.rstrip("\n").split("\n")])


def _of_rows(rows: list[list[str]]) -> Iterator[str]:
    for row in rows:
        if len(row) != len(rows[0]):
            yield f"a row of {len(row)} cells below {len(rows[0])}"
        for cell in row:
            if cell.startswith(("=", "+", "-", "@")) and not re.fullmatch(r"-?[\d.]+", cell):
                yield f"a formula: {cell[:60]!r}"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}


def _of_html(text: str) -> Iterator[str]:
    reader = _Tags()
    reader.feed(text)
    known = {*("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")}
    known |= {"class", "style", "scope", "colspan"}
    yield from (f"the element or attribute {each}" for each in reader.found - known)


def _of_markdown(text: str) -> Iterator[str]:
    for render in RENDERERS:
        page = render(text)
        yield from (f"the element {tag}" for tag in page.tags if tag not in TAGS)
        yield from references(page)


def _of_latex(text: str) -> Iterator[str]:
    lines = [line for line in text.split("\n") if not line.startswith("%")]
    commands = re.findall(r"\\([a-zA-Z]+)", "\n".join(lines))
    known = {*("begin", "end", "toprule", "midrule", "bottomrule", "par", "noindent")}
    known |= {*("footnotesize", "ldots", "times", "cdot", "rightarrow")}
    yield from (
        f"the command {each}"
        for each in commands
        if each not in known and not each.startswith("text")
    )
    for line in lines:
        bare = re.sub(r"\\[\\{}&#%$_]", "", line)
        if bare.count("{") != bare.count("}") or "%" in bare or "^" in bare or "#" in bare:
            yield f"not balanced: {line[:100]!r}"


_READERS = {
    "json": _of_json,
    "sarif": _of_sarif,
    "gitlab": _of_json,
    "junit": _of_xml,
    "csv": _of_csv,
    "tsv": _of_tsv,
    "html": _of_html,
    "markdown": _of_markdown,
    "latex": _of_latex,
}
