"""The schemas of budgets and settings accept what the readers accept, and reject mistakes."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator
from places import TESTS

from convcalc.checking.budgets.repository import read_budgets
from convcalc.checking.configuration import configuration
from convcalc.language.assertions.vocabulary import METRICS
from convcalc.language.sources.target import TargetError
from convcalc.language.syntax import nodes, reader
from convcalc.output.schemas.budgets import budgets_schema
from convcalc.output.schemas.settings import settings_schema

BUDGETS, SETTINGS = Draft7Validator(budgets_schema()), Draft7Validator(settings_schema())
FILES = sorted((TESTS / "rules").glob("*/*/convcalc.budgets.yaml"))
HEAD = "convcalc-budgets: 1\nbudgets:\n- name: a\n  models: [x.convcalc.yaml]\n  "


def plain(node: nodes.Node | None) -> Any:
    if isinstance(node, nodes.Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, nodes.Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    return node.value if node else None


@pytest.mark.parametrize("validator", [BUDGETS, SETTINGS], ids=["budgets", "settings"])
def test_they_are_draft_7(validator: Draft7Validator) -> None:
    Draft7Validator.check_schema(validator.schema)


def accepted(text: str) -> tuple[bool, bool]:
    """By the reader, and by the schema."""
    _, problems = read_budgets(text, "b.yaml")
    return not problems, BUDGETS.is_valid(plain(reader.read(text, "b.yaml")[0]))


@pytest.mark.parametrize(
    "text",
    [
        *(path.read_text("utf-8") for path in FILES),
        HEAD + "assert: {params: {max: 5M, warn: 4.5M}, macs: [{max: 3e8}, {min: 1}]}\n",
        HEAD + "inputs: [3x224x224, '3x320x320', [3, 8, null]]\n  assert: {layers: {max: 3}}\n",
        HEAD + "inputs: {a: 3x8x8, b: [4]}\n  assert: {output: {equals: [10]}}\n",
        HEAD + "variants: all\n  message: see\n  rules: {CC201: error, CC104: ignore}\n",
        HEAD + "compare: {base: main, missing: pass}\n  assert: {params: {max_increase: 2%}}\n",
        HEAD + "assert: {memory: {max: 12MiB, dtype: int8, batch: 2, part: weights}}\n",
        HEAD + "assert: {share: {of: head, metric: macs, max: 20%}, coverage: {min: 1, at: b}}\n",
        HEAD + "assert: {shapes: {'layer[1]': [512, 28, 28]}}\n",
    ],
)
def test_good_budgets(text: str) -> None:
    assert accepted(text) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "budgets: []\n",
        "convcalc-budgets: 2\nbudgets: []\n",
        HEAD + "asert: {}\n",
        HEAD + "assert: {prams: {max: 1}}\n",
        HEAD + "assert: {params: {}}\n",
        HEAD + "assert: {params: {max: 1, dtype: int8}}\n",
        HEAD + "assert: {output: {max: [1]}}\n",
        HEAD + "rules: {CC999: error}\n",
        HEAD + "rules: {CC201: never}\n",
        HEAD + "inputs: [3y4]\n  assert: {params: {max: 1}}\n",
        HEAD + "compare: {bse: a}\n  assert: {params: {max: 1}}\n",
        HEAD + "message: a\n",
    ],
)
def test_wrong_budgets(text: str) -> None:
    assert accepted(text) == (False, False)


def test_every_metric_and_its_keys_stand_in_the_schema() -> None:
    metrics = budgets_schema()["properties"]["budgets"]["items"]["properties"]["assert"]
    assert set(metrics["properties"]) == set(METRICS)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("select = ['CC2', 'CC301']\nstrict = true\n[limits]\nlayers = 5000\n", True),
        ("[severity]\nCC201 = 'error'\n[per-file-ignores]\n'old/*' = ['CC2']\n", True),
        ("exclude = ['a/']\nrespect-gitignore = false\noutput-format = 'github'\n", True),
        ("selct = []\n", False),
        ("select = ['X']\n", False),
        ("strict = 'yes'\n", False),
        ("[limits]\nlayers = 0\n", False),
        ("[limits]\nlayrs = 1\n", False),
        ("[severity]\nCC201 = 'off'\n", False),
        ("output-format = 'xml'\n", False),
    ],
)
def test_settings(text: str, good: bool) -> None:
    table = tomllib.loads(text)
    assert SETTINGS.is_valid(table) == good
    try:
        configuration(table, "convcalc.toml")
        read = True
    except TargetError:
        read = False
    assert read == good
