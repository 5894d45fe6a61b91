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


# What the page about YAML warns of: the cell of its table, the layers with it, and right ones.
PITFALLS = {
    "`out:64`": ("- conv: {out:64, k: 3}", "- conv: {out: 64, k: 3}"),
    "`k: 3x3`": ("- conv: {out: 8, k: 3x3}", "- conv: {out: 8, k: [3, 5]}"),
    "`k: (3, 3)` inside": ("- conv: {out: 8, k: (3, 3)}", "- conv: {out: 8, k: [3, 3]}"),
    "`out: max(c, 8)` inside": (
        "- conv: {out: max(c, 8), k: 3}",
        '- conv: {out: "max(c, 8)", k: 3}',
    ),
    "`out: widths[1]` inside": (
        "- conv: {out: widths[1], k: 3}",
        '- conv: {out: "widths[1]", k: 3}',
    ),
    "`from: body[*]` inside": (
        "- {relu: {}, repeat: 2, id: body}\n- concat: [body[*]]",
        '- {relu: {}, repeat: 2, id: body}\n- concat: ["body[*]"]',
    ),
    "`bias: no`": ("- conv: {out: 8, k: 3, bias: no}", "- conv: {out: 8, k: 3, bias: false}"),
    "`k: 03`": ("- conv: {out: 8, k: 03}", "- conv: {out: 8, k: 3}"),
    "a tab": ("\t- relu", "- relu"),
    "the same key twice": ("- conv: {out: 8, out: 9, k: 3}", "- conv: {out: 9, k: 3}"),
    "`&anchor`": ("- &a relu\n- *a", "- {relu: {}, repeat: 2}"),
    "two documents": ("- relu\n---\nx: 1", "- relu"),
    "Outside of": ("- conv: {out: [3}", "- conv:\n    out: max(c, 8)\n    k: 3"),
}


@pytest.mark.parametrize("cell", PITFALLS)
def test_a_pitfall_of_yaml_is_refused_and_what_is_advised_works(cell: str, folder: Path) -> None:
    assert cell in part("yaml").text
    wrong, right = PITFALLS[cell]
    head = "convcalc: 1\ninput: [3, 32, 32]\nparams: {c: 8, widths: [8, 16]}\nlayers:\n"
    for name, layers in (("wrong", wrong), ("right", right)):
        (folder / f"{name}.convcalc.yaml").write_text(f"{head}{layers}\n", "utf-8")
    with pytest.raises(convcalc.NetworkError):
        convcalc.load("wrong.convcalc.yaml")
    assert convcalc.load("right.convcalc.yaml").problems == ()
