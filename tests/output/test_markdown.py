"""Whatever is in a text, Markdown shows it and makes nothing of it: by the parsers of services."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendered import RENDERERS, Rendered, github, gitlab, references

from convcalc.diagnostics.visible import visible
from convcalc.output.markdown import code_block, escape, escape_line

HOSTILE = (
    *("@user", "@org/team", "x@y.zz", "a.b@c.de,", "#1", "org/repo#1", "GH-1", "!1", "!`x`", "$1"),
    *("%1", "~label", '~"a label"', "&1", "&amp;", "&#64;user", "deadbeef", "https://evil.zz"),
    *("www.evil.zz", "mailto:a@b.cc", "<https://evil.zz>", "ftp://x.yy/", "[a](https://e.zz)"),
    *("![a](b)", "[a][b]", "[a]: b", "[^1]", "^[x]", "[[wiki]]", "[[a|b]]", ":tada:", ":+1:"),
    *("$x$", "$$x$$", "$`x`$", "a$ `b` $c", "\\(x\\)", "**b**", "__b__", "*i*", "_i_", "~~s~~"),
    *("`c`", "``c", "`", "a`b``c", "```", "<b>", "<br>", "<!-- c -->", "<script>x</script>"),
    *("</details>", "&lt;", "| a | b |", "a|b", "a\\|b", "a\\", "\\", "|", "||x||", "# h", "#h"),
    *("- x", "+ x", "* x", "1. x", "1) x", "> q", ">>> q", "---", "===", "***", "- [ ] t", "[x] t"),
    *("/approve", "/label ~x", ":::x", "{+ x +}", "[- x -]", "{- x -}", "[+ x +]", "[contact:1]"),
    *(
        "*iteration:1",
        "> [!NOTE]",
        "    code",
        "\tcode",
        "a\nb",
        "a  ",
        "\u202e",
        "JIRA-12",
        "a_b_c",
    ),
    *("_a", "a_", "it's", '"q"', "a--b", "...", "term\n: x", "::error::x", "##[error]x", "a:b:c"),
    *("x.yaml:3:4: y", "é", "日本", "5 %", "2 * 3", "a & b", "a < b > c", "a~b", "http:x", "`@u"),
)
PIECES = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.sampled_from(list("@#$%&~!:/\\`*_[](){}<>|^+-=.'\" \n\t")),
        st.sampled_from(["user", "1", "www.", "http", "x", "\u200b", "é", "  "]),
    ),
    max_size=7,
).map("".join)


def shown(text: str) -> str:
    """The text as convcalc shows it where nothing is escaped."""
    return " ".join(visible(text).split())


def require_text_alone(page: Rendered, tags: list[str], text: str) -> None:
    """Only the elements that were meant, and code; the text, and no reference in it."""
    assert [tag for tag in page.tags if tag != "code"] == tags
    assert " ".join(page.text.split()) == text
    assert list(references(page)) == []


@pytest.mark.parametrize("render", RENDERERS)
@given(text=PIECES)
def test_a_text_within_a_line_is_text(render: Callable[[str], Rendered], text: str) -> None:
    page = render(f"Text: {escape(visible(text))}")
    require_text_alone(page, ["p"], " ".join(f"Text: {shown(text)}".split()))


@pytest.mark.parametrize("render", RENDERERS)
@given(text=PIECES)
def test_a_text_in_a_list_is_text(render: Callable[[str], Rendered], text: str) -> None:
    page = render(f"- {escape_line(visible(text))}\n- end")
    require_text_alone(page, ["ul", "li", "li"], f"{shown(text)} end".strip())


@pytest.mark.parametrize("render", RENDERERS)
@given(text=PIECES)
def test_a_text_at_the_beginning_of_a_line_is_text(
    render: Callable[[str], Rendered], text: str
) -> None:
    if shown(text):
        page = render(escape_line(visible(text)))
        require_text_alone(page, ["p"], shown(text))


@pytest.mark.parametrize("render", RENDERERS)
@given(text=PIECES)
def test_a_bold_title_is_text(render: Callable[[str], Rendered], text: str) -> None:
    if shown(text):
        page = render(f"**{escape(visible(text))}**")
        require_text_alone(page, ["p", "strong"], shown(text))


@pytest.mark.parametrize("render", RENDERERS)
@given(one=PIECES, other=PIECES)
@example(one="a\\", other="`")
@example(one="`", other="`|`")
def test_a_cell_of_a_table_is_text(render: Callable[[str], Rendered], one: str, other: str) -> None:
    cells = [escape(visible(one)), escape(visible(other))]
    page = render(f"| a | b |\n|---|---|\n| {' | '.join(cells)} |")
    tags = ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    require_text_alone(page, tags, " ".join(f"a b {shown(one)} {shown(other)}".split()))


@pytest.mark.parametrize("render", RENDERERS)
@given(text=PIECES)
def test_a_block_of_code_holds_its_lines(render: Callable[[str], Rendered], text: str) -> None:
    page = render(f"before\n\n{code_block(text)}\n\nafter")
    assert page.tags == ["p", "pre", "code", "p"]
    assert page.text == f"before\n{text.removesuffix(chr(10))}\n\nafter\n" or text.endswith("\n")


def test_the_parsers_would_find_what_is_not_escaped() -> None:
    assert "a" in github("www.evil.zz").tags
    assert "a" in gitlab("[[wiki]]").tags
    assert "span data-math-style" in gitlab("$x$").tags
    assert "🎉" in gitlab(":tada:").text
    assert [*references(github("\\@user &#35;1"))] == ["mention: @u", "issue: #1"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("stem.conv[0]", r"stem.conv\[0]"),
        ("in_channels of _x", r"in_channels of \_x"),
        ("fixes #1 of @user", "fixes `#1` of `@user`"),
        ("a|#b", r"a\|`#b`"),
        ("a`b@", "``a`b@``"),
        ("a\x1b", "`a\\x1b`"),
        ("1. x", "1. x"),
        ("100 %, 25557032", "100 %, 25557032"),
    ],
)
def test_words_stay_words_and_only_a_word_in_which_something_is_found_is_code(
    text: str, escaped: str
) -> None:
    assert escape(visible(text)) == escaped
