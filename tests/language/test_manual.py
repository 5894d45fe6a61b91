"""Every word of the language has a section in its manual, and every example of the manual works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import convcalc
from convcalc.language.manual import PARTS, part, section_of, words
from convcalc.language.parse.tree import COMPOSITES, PARAM_KEYS, PARAM_TYPES, SIBLINGS, TOP_KEYS
from convcalc.language.syntax.expressions import FUNCTIONS
from convcalc.language.syntax.sizes import SIZES
from convcalc.output.schemas.entries import key_entries

CONFIG = '{"width": 1, "model": {"stages": [{"width": 24}]}, "data": {}}'
SECTIONS = [section for name in PARTS for section in part(name).sections]
TEXTS = {
    **{part(name).title: part(name).text for name in PARTS},
    **{section.title: section.text for section in SECTIONS},
}
EXAMPLES = [
    pytest.param(block, id=f"{title} {number}")
    for title, text in TEXTS.items()
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.DOTALL))
]


def whole(example: str) -> str:
    """An example as a file: a list is its layers, and what it lacks is added."""
    if example.startswith("- "):
        example = "layers:\n" + example
    has = yaml.safe_load(example)
    if "input" not in has and "inputs" not in has:
        example = f"input: [3, 32, 32]\n{example}"
    return example if "convcalc" in has else f"convcalc: 1\n{example}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_network_without_problems(example: str, folder: Path) -> None:
    (folder / "config.json").write_text(CONFIG, "utf-8")
    (folder / "net.convcalc.yaml").write_text(whole(example), "utf-8")
    network = convcalc.load("net.convcalc.yaml")
    assert [problem.message for problem in network.problems] == []
    report = convcalc.analyse(network)
    assert report.totals.macs is not None


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 35


@pytest.mark.parametrize(
    "word",
    [*TOP_KEYS, *SIBLINGS, *COMPOSITES, *PARAM_KEYS, *FUNCTIONS, *sorted(SIZES), "in_channels"],
)
def test_a_word_has_a_section(word: str) -> None:
    section = section_of(word)
    assert section is not None
    assert (
        f"`{word}" in section.text or word in section.title or word in PARAM_KEYS or "in_" in word
    )


@pytest.mark.parametrize("word", [*TOP_KEYS, *SIBLINGS, *COMPOSITES])
def test_a_key_has_its_place_and_its_values(word: str) -> None:
    entries = list(key_entries(word))
    assert entries
    assert all(entry.value and entry.where for entry in entries)


def test_all_types_of_params_are_named() -> None:
    (entry,) = (entry for entry in key_entries("params") if entry.key == "type")
    assert entry.value == f"one of {', '.join(PARAM_TYPES)}"


def test_a_summary_is_one_sentence() -> None:
    for section in words().values():
        assert section.summary.endswith((".", "below:")), section.summary


def test_what_is_no_word_has_no_section() -> None:
    assert section_of("residuals") is None
    assert section_of("conv") is None
