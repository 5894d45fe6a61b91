"""``convcalc help`` and ``convcalc operator WORD``: the pages of the book in the terminal."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command import Command, verb
from command_pages import man_pages
from places import ROOT
from rich.cells import cell_len

from convcalc.cli.commands import help as help_module
from convcalc.diagnostics.visible import fence
from convcalc.language.manual import words
from convcalc.model.operators.registry import operator_names
from convcalc.output.table import Style
from convcalc.output.topics import find_topic, page, topics
from convcalc.output.views.page import page_text

DOCS = ROOT / "docs"
SHOWN = [topic for topic in topics().values() if not topic.command]
help_ = verb("help")
operator = verb("operator")


def test_every_page_of_the_book_is_a_topic() -> None:
    listed = {topic.file for topic in topics().values()}
    assert listed == {path.name for path in DOCS.glob("*.md")}


def test_a_name_means_one_topic() -> None:
    names = [name for topic in topics().values() for name in {topic.topic, *topic.also}]
    assert len(names) == len(set(names))
    assert find_topic("PyTorch") is find_topic("frameworks.md") is not None
    assert find_topic("nonsense") is None


def test_without_a_topic_all_are_listed(help_: Command) -> None:
    ran = help_()
    assert ran.code == 0
    assert all(topic.topic in ran.out and topic.about in ran.out for topic in topics().values())
    listed = json.loads(help_("-f json").out)
    assert [entry["topic"] for entry in listed] == [*topics()]


@pytest.mark.parametrize("name", [topic.topic for topic in SHOWN])
def test_a_topic_shows_its_page(name: str, help_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = help_(name)
    assert (ran.code, ran.err) == (0, "")
    topic = topics()[name]
    assert help_(f"{name} -f markdown").out.strip() == fence(page(topic))
    assert json.loads(help_(f"{name} -f json").out)["text"] == page(topic)
    assert "](" not in re.sub(r"(?m)^    .*$", "", ran.out)
    for title in re.findall(r"^## (.+)$", page(topic), re.MULTILINE):
        assert title.replace("`", "") in ran.out.replace("`", "")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_page_is_as_wide_as_the_terminal(width: int) -> None:
    """But for code, which is never wrapped, and never wider than 100 characters."""
    topic = topics()["files"]
    text = page_text(page(topic), Style(width=width))
    fenced = re.findall(r"^```.*?\n(.*?)^```$", page(topic), re.MULTILINE | re.DOTALL)
    code = {line.strip() for block in fenced for line in block.splitlines()}
    lines = [line for line in text.splitlines() if not line.startswith("    ")]
    lines = [line for line in lines if not any(line.strip() in each for each in code)]
    assert max(map(cell_len, lines)) <= min(width, 100)
    assert max(map(cell_len, lines)) > min(width, 100) - 12


def test_a_long_word_in_a_table_is_broken_and_not_cut() -> None:
    word = "torch.nn.functional.scaled_dot_product_attention"
    text = page_text(f"| a |\n|---|\n| {word} |\n", Style(width=30))
    assert word in "".join(text.split())
    assert "…" not in text


def test_code_is_shown_as_it_is() -> None:
    code = "layers:\n  - conv: {out: 8,   k: 3}   # [a](b.md) `c`"
    text = page_text(f"```yaml\n{code}\n```\n", Style(width=60))
    assert text == "\n".join(f"    {line}" for line in code.splitlines())
    narrow = page_text(f"```yaml\n{code}\n```\n", Style(width=30))
    assert narrow.splitlines() == [
        "    layers:",
        "      # [a](b.md) `c`",
        "      - conv: {out: 8,   k: 3}",
    ]


def test_links_become_what_a_terminal_can_follow(help_: Command) -> None:
    ran = help_("numbers")
    assert "(convcalc help conventions)" in " ".join(ran.out.split())
    shown = page_text(
        "[a](ci.md#gitlab) [b](operators.md#conv) [c](https://x.org) [d](../specs) `[e](f.md)`",
        Style(width=200),
        help_module._target,
    )
    assert (
        shown == "a (convcalc help ci) b (convcalc operator conv) c (https://x.org) d `[e](f.md)`"
    )


def test_without_color_code_has_backticks_and_with_color_it_is_bold() -> None:
    assert page_text("use `add`", Style(width=40)) == "use `add`"
    assert page_text("use `add`", Style(width=40, color=True)) == "use \x1b[1madd\x1b[0m"


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("show", "show --help"),
        ("relu", "operator relu"),
        ("residual", "operator residual"),
        ("CC103", "rule CC103"),
        ("gridding", "rule gridding"),
        ("thop", "convention thop"),
        ("operators", "list operators"),
        ("rules", "list rules"),
    ],
)
def test_other_names_show_their_own_page(name: str, same: str, convcalc: Command) -> None:
    assert convcalc(f"help {name}") == convcalc(same)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("tutorail", "'convcalc help tutorial'"),
        ("recieptive-field", "'convcalc help receptive-fields'"),
        ("Conv2d", "'convcalc help conv'"),
        ("residaul", "'convcalc help residual'"),
        ("qqqq", "topics: convcalc, tutorial"),
        ("x" * 5000, "topics: convcalc, tutorial"),
    ],
)
def test_an_unknown_topic_gets_the_nearest_names(name: str, advice: str, help_: Command) -> None:
    ran = help_(name)
    assert ran.code == 2
    assert "unknown topic" in ran.err
    assert advice in ran.err


# --- words of the language -----------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted(set(words()) - set(operator_names())))
def test_a_word_of_the_language_has_a_page(word: str, operator: Command) -> None:
    ran = operator(word)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(words()[word].title)
    assert json.loads(operator(f"{word} -f json").out)["manual"] == words()[word].text
    assert operator(f"{word} -f markdown").out.startswith(f"# {words()[word].title}\n\n")


def test_no_word_of_the_language_is_an_operator() -> None:
    assert set(words()) & set(operator_names()) == set()


def test_a_misspelt_word_gets_the_right_one(operator: Command) -> None:
    ran = operator("residul")
    assert ran.code == 2
    assert "use 'residual'" in ran.err


# --- manual pages --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", man_pages())
@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_a_manual_page_is_one_that_groff_reads(name: str) -> None:
    command = ["groff", "-man", "-Tutf8", "-P-cbou", "-ww", str(DOCS / name)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert ran.stderr == ""
    headings = re.findall(r"^([A-Z][A-Z ]+)$", ran.stdout, re.MULTILINE)
    assert headings[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert headings[-1] == "SEE ALSO"


def test_no_manual_page_is_left_over() -> None:
    assert {f"man/{path.name}" for path in Path(DOCS, "man").iterdir()} == set(man_pages())


def test_a_manual_page_has_all_options(convcalc: Command) -> None:
    text = man_pages()["man/convcalc-show.1"].replace("\\-", "-")
    shared = man_pages()["man/convcalc.1"].replace("\\-", "-")
    for option in re.findall(r"(--[a-z-]+)", convcalc("show --help").out.partition("Options:")[2]):
        assert option in text + shared or option == "--help"
