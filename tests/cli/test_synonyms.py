"""Words of other tools on the command line: the advice, typed literally, works.

Every word of the table of synonyms is tried where an operator is expected and where a network is.
"""

from __future__ import annotations

import re
import shlex

import pytest
from cases import Row, rows
from command import Command

from convcalc.language.manual import section_of
from convcalc.language.parse.tree import COMPOSITES
from convcalc.language.sources.shipped import shipped_names
from convcalc.model.operators import synonyms
from convcalc.model.operators.registry import operator_names

WORDS = [*synonyms.OPERATORS, *synonyms.WITH_FIELDS]
SEE = r"see '(convcalc operator \w+)'"
PLAIN = {name.replace("_", "") for name in shipped_names()}


def example(operator: str) -> Row:
    """The first row of the operator's table that describes a layer of known sizes."""
    return next(row for row in rows(operator) if row.works and "null" not in row.text)


def typed(row: Row, name: str) -> str:
    """The command that computes the row's layer, with ``name`` in place of its operator."""
    inputs = row.content.get("inputs") or [row.content["input"]]
    sizes = [f"-i {'x'.join(map(str, each))}" for each in inputs]
    fields = [shlex.quote(f"{key}={written(value)}") for key, value in row.fields.items()]
    return " ".join(["layer", name, f"--batch {row.batch}", *sizes, *fields])


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")


def advice(text: str) -> str:
    """The advice of the only error."""
    found = re.findall(r"^  = help: (.*)$", text, re.MULTILINE)
    assert len(found) == 1, text
    return str(found[0])


def test_an_operator_where_one_is_expected(convcalc: Command) -> None:
    """``layer deconv …`` advises conv_transpose, and ``layer conv_transpose …`` works."""
    tried = 0
    for word in WORDS:
        meant, _ = synonyms.WITH_FIELDS.get(word, (synonyms.OPERATORS.get(word, ""), ""))
        if word in operator_names() or meant in COMPOSITES:
            continue
        row = example(meant)
        ran = convcalc(typed(row, word))
        assert ran.code == (1 if word[0].isalpha() else 2), word
        followed = re.match(r"use '(\w+)'(?: with '(\w+)(?:: (\w+))?')?$", advice(ran.err))
        assert followed is not None, word
        assert followed[1] == meant
        again = typed(row, meant)
        if followed[3] and followed[2] not in row.fields:
            again += f" {followed[2]}={followed[3]}"
        ran = convcalc(again)
        assert (ran.code, ran.err) == (0, ""), again
        tried += 1
    assert tried > 250


@pytest.mark.parametrize("command", ["layer", "explain", "operator"])
def test_an_operator_alone(command: str, convcalc: Command) -> None:
    """The name comes before its input and its fields."""
    for word in WORDS:
        meant, _ = synonyms.WITH_FIELDS.get(word, (synonyms.OPERATORS.get(word, ""), ""))
        if word in operator_names() or meant in COMPOSITES:
            continue
        if command == "operator" and section_of(word):
            continue  # a function of expressions, such as sum, has a page of its own
        fields = "" if command == "operator" else "k=3"
        ran = convcalc(f"{command} {word} {fields}")
        assert ran.code == 2, word
        message = (
            "unknown operator '{}'"
            if word[0].isalpha() or fields == ""
            else "'{}' cannot be the name"
        )
        assert ran.err.startswith(f"error: {message.format(word)}")
        assert re.match(rf"use '{meant}'", advice(ran.err)), word
    assert convcalc("operator conv_transpose").code == 0


@pytest.mark.parametrize("command", ["show", "get totals.params", "new mine --from", "rf"])
def test_an_operator_where_a_network_is_expected(command: str, convcalc: Command) -> None:
    pages = set()
    for word in [*WORDS, *operator_names()]:
        if word.replace("_", "") in PLAIN:
            continue
        ran = convcalc(f"{command} {word}")
        assert ran.code == 2, word
        found = re.search(SEE, advice(ran.err))
        assert found is not None, (word, ran.err)
        pages.add(found[1])
    for page in pages:
        assert convcalc(page.removeprefix("convcalc ")).code == 0, page


def test_a_list_without_the_word_names_the_operator(convcalc: Command) -> None:
    ran = convcalc("list operators deconv")
    assert ran.err == "no operators contain 'deconv'; see 'convcalc operator conv_transpose'\n"
    assert convcalc("list operators colour").err == "no operators contain 'colour'\n"


def test_fields_behind_the_name_of_a_network_are_one_word_too_many(convcalc: Command) -> None:
    ran = convcalc("explain resnet18 k=3")
    assert ran.err.startswith("error: 'k=3' is one word too many\n")
