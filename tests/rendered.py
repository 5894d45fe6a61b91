"""Markdown as GitHub and GitLab show it, by their own parsers, and what they look for in the text.

GitHub parses with cmark-gfm, GitLab with comrak. Both then look through the texts outside of code
for mentions, references and the like, of which no parser knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple

import cmarkgfm
import comrak
from cmarkgfm.cmark import Options


class Rendered(NamedTuple):
    """A document: its elements in order, its whole text, and its text outside of code."""

    tags: list[str]
    text: str
    prose: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.prose: list[str] = [""]
        self.code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "span" and attrs == [("data-escaped-char", None)]:
            return  # how GitLab marks that a sign was escaped
        self.tags.append(tag if tag != "span" or not attrs else f"span {attrs[0][0]}")
        self.code += tag in ("code", "pre")
        self.prose.append("")

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in ("code", "pre")
        self.prose.append("")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if not self.code:
            self.prose[-1] += data

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"!{data}")


def _read(html: str) -> Rendered:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Rendered(reader.tags, "".join(reader.texts), list(filter(None, reader.prose)))


def github(text: str) -> Rendered:
    """What GitHub shows, before it looks for references."""
    return _read(
        cmarkgfm.markdown_to_html_with_extensions(
            text,
            Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES,
            ["table", "autolink", "strikethrough", "tasklist", "tagfilter"],
        )
    )


def gitlab(text: str) -> Rendered:
    """What GitLab shows, before it looks for references."""
    extensions, parsing, rendering = (
        comrak.ExtensionOptions(),
        comrak.ParseOptions(),
        comrak.RenderOptions(),
    )
    for name in (
        *("alerts", "autolink", "description_lists", "footnotes", "inline_footnotes"),
        *("math_code", "math_dollars", "multiline_block_quotes", "shortcodes", "strikethrough"),
        *("table", "tasklist", "wikilinks_title_before_pipe", "cjk_friendly_emphasis"),
    ):
        setattr(extensions, name, True)
    parsing.relaxed_autolinks = parsing.relaxed_tasklist_matching = True
    rendering.unsafe_ = rendering.escaped_char_spans = True
    return _read(comrak.render_markdown(text, extensions, parsing, rendering))


RENDERERS = (github, gitlab)

# https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/
# autolinked-references-and-urls, and https://docs.gitlab.com/user/markdown/#gitlab-specific-references
REFERENCES = {
    "mention": r"@[\w-]",
    "issue": r"#[\w\"]|(?<![^\W_])(?:(?i:gh-\d)|[A-Z][A-Z0-9_]+-\d)",
    "merge request": r"![\d\"]",
    "snippet or formula": r"\$",
    "milestone": r"%[\w\"]",
    "label": r"~[\w\"]",
    "epic": r"&[\w\"]",
    "commit": r"(?<![^\W_])(?=\d*[a-f])[0-9a-f]{7,40}(?![^\W_])",
    "emoji": r":[\w+-]+:",
    "link": r"\w://|(?i:www\.|mailto:)",
    "change": r"[{\[]\+.*\+[}\]]|[{\[]-.*-[}\]]",
    "entity": r"\[\w+:\w+\]|\*\w+:",
}


def references(page: Rendered) -> Iterator[str]:
    """The references that a service would find in the text outside of code."""
    for text in page.prose:
        for name, pattern in REFERENCES.items():
            if found := re.search(pattern, text):
                yield f"{name}: {found[0]}"
