"""One sentence for a word that is not known, assembled in one place."""

from __future__ import annotations

import pytest
from places import ROOT

from convcalc.diagnostics.suggestion import advise, nearest
from convcalc.language.parse.tree import COMPOSITES
from convcalc.model.operators import synonyms
from convcalc.model.operators.registry import fields_of, operator_class, operator_names
from convcalc.model.operators.words import unknown_operator

CHOICES = ("kernel_size", "stride", "padding")
PACKAGE = ROOT / "convcalc"


@pytest.mark.parametrize(
    ("word", "otherwise", "text"),
    [
        ("kernal_size", "valid keys:", "use 'kernel_size'"),
        ("kernal_size", "", "use 'kernel_size'"),
        ("colour", "valid keys:", "valid keys: kernel_size, stride, padding"),
        ("colour", "leave it out", "leave it out"),
        ("colour", "", ""),
    ],
)
def test_a_close_word_is_an_instruction_and_else_it_is_said_what_there_is(
    word: str, otherwise: str, text: str
) -> None:
    assert advise(word, CHOICES, otherwise) == text
    assert advise(word, (each for each in CHOICES), otherwise) == text


def test_where_there_are_no_choices_none_are_listed() -> None:
    assert advise("width", (), "params:") == "params: none"
    assert nearest("width", ()) == ""


def test_no_other_module_words_the_suggestion_itself() -> None:
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    worded = {
        path.stem
        for path, text in texts.items()
        for words in ("use '{", "did you mean")
        if words in text
    }
    assert worded == {"suggestion"}


def test_the_table_of_synonyms_names_operators_and_fields_that_there_are() -> None:
    names = {*operator_names(), *COMPOSITES}
    assert {*synonyms.OPERATORS.values()} <= names
    assert {name for name, _ in synonyms.WITH_FIELDS.values()} <= names
    declared = {field for name in operator_names() for field in fields_of(operator_class(name))}
    suggested = {field for fields in synonyms.FIELDS.values() for field in fields}
    assert suggested <= declared
    plain = {name.replace("_", "") for name in names}
    assert plain.isdisjoint(synonyms.LACKING)
    assert not synonyms.LACKING & {*synonyms.OPERATORS, *synonyms.WITH_FIELDS, *synonyms.SEVERAL}


@pytest.mark.parametrize(
    ("word", "operator"),
    [
        ("nn.AvgPool1d", "avg_pool"),
        ("tf.keras.layers.AveragePooling2D", "avg_pool"),
        ("SeparableConv2D", "separable_conv"),
        ("conv2d_transpose", "conv_transpose"),
        ("SyncBatchNorm", "batch_norm"),
        ("ReflectionPad2d", "pad"),
        ("MultiheadAttention", "attention"),
        ("DepthToSpace", "pixel_shuffle"),
        ("ModulatedDeformConv2d", "deform_conv"),
        ("RNN", "opaque"),
        ("Einsum", "opaque"),
        ("ConvModule", "conv"),
    ],
)
def test_a_word_of_another_tool_is_answered_with_ours(word: str, operator: str) -> None:
    assert f"'{operator}'" in unknown_operator(word)[1]
