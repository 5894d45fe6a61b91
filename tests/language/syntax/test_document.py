"""Reading YAML: places, the core schema of 1.2, and hostile files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from documents import only, plain, spots, value
from effort import at_most
from texts import NETWORK

from convcalc.diagnostics.text import full_text
from convcalc.language.syntax import reader as document
from convcalc.language.syntax.nodes import Mapping, Scalar, Sequence
from convcalc.language.syntax.reader import read

# --- ordinary documents ---------------------------------------------------------------------


@pytest.mark.usefixtures("parser")
def test_an_ordinary_file_reads_as_pyyaml_reads_it() -> None:
    assert value(NETWORK) == yaml.safe_load(NETWORK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e6", 1e6),
        ("25.6e6", 25.6e6),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-1.", -1.0),
        ("0o10", 8),
        ("0x1F", 31),
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("012.5", 12.5),
        ("3:3", "3:3"),
        ("1:1", "1:1"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0x", "0x"),
        ("1.2.3", "1.2.3"),
        ("-", None),
        ("~", None),
        ("null", None),
        ("True", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("y", "y"),
        ("n", "n"),
        ("'no'", "no"),
        ('"010"', "010"),
        ("k//2", "k//2"),
        ("-k", "-k"),
        ("٣", "٣"),  # a digit of another script is no number
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, expected: Any) -> None:
    result = value(f"a: {text}" if text != "-" else "a:")["a"]
    assert result == expected
    assert type(result) is type(expected)


def test_a_scalar_knows_whether_it_was_quoted() -> None:
    node, _ = read("[c*4, 'c*4', 0x1F]", "f.yaml")
    assert isinstance(node, Sequence)
    assert [(s.text, s.plain) for s in node.items if isinstance(s, Scalar)] == [
        ("c*4", True),
        ("c*4", False),
        ("0x1F", True),
    ]


def test_keys_are_text_in_the_order_of_the_file() -> None:
    node, problems = read("{no: 1, 2: b, '': c, 1e3: d, a: }", "f.yaml")
    assert problems == []
    assert isinstance(node, Mapping)
    assert [key.value for key, _ in node.entries] == ["no", "2", "", "1e3", "a"]
    assert node.keys["2"].place.column == 9
    assert plain(node.get("2")) == "b"
    assert node.get("x") is None


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places_count_characters_from_1(newline: str) -> None:
    text = newline.join(["# é", "größe: [1, käse]", "b:", "  - {x: 'y z'}", ""])
    node, problems = read(text.encode(), "f.yaml")
    assert problems == []
    assert isinstance(node, Mapping)
    size, second = node.get("größe"), node.get("b")
    assert isinstance(size, Sequence)
    assert isinstance(second, Sequence)
    assert node.keys["größe"].place[:4] == ("f.yaml", 2, 1, 6)
    assert size.place[:4] == ("f.yaml", 2, 8, 17)
    assert size.items[1].place[:4] == ("f.yaml", 2, 12, 16)
    assert node.place[:4] == ("f.yaml", 2, 1, 0)  # ends on another line
    assert second.place[:4] == ("f.yaml", 4, 3, 15)
    inner = second.items[0]
    assert isinstance(inner, Mapping)
    assert inner.place[:4] == ("f.yaml", 4, 5, 15)
    assert inner.entries[0][1].place[:4] == ("f.yaml", 4, 9, 14)


def test_a_byte_order_mark_is_no_column() -> None:
    node, problems = read("\ufeffa: no".encode(), "f.yaml")
    assert plain(node) == {"a": False}
    assert spots(problems) == [("ambiguous-scalar", 1, 4)]


# --- hostile and surprising YAML ------------------------------------------------------------

alias_bomb = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
merge_bomb = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 8)
)

HOSTILE = [
    ("a: 010", "ambiguous-scalar", 1, 4, "'010' has leading zeros"),
    ("a: -007", "ambiguous-scalar", 1, 4, "'-007' has leading zeros"),
    (
        "a: [1, no]", "ambiguous-scalar", 1, 8,
        "'no' is a boolean in YAML 1.1 and a word in YAML 1.2",
    ),
    ("a: On", "ambiguous-scalar", 1, 4, "'On' is a boolean in YAML 1.1 and a word in YAML 1.2"),
    ("a: 1\nb: 2\na: 3", "duplicate-key", 3, 1, "duplicate key 'a'"),
    ("{a: 1, 'a': 2}", "duplicate-key", 1, 8, "duplicate key 'a'"),
    ("- conv: {k:3}", "syntax", 1, 10, "there is no space after the colon of 'k:3'"),
    ("- conv: {out: 8, k:3, s: 1}", "syntax", 1, 18, "there is no space after the colon of 'k:3'"),
    ("a: 1\nk:3\nb: 2", "syntax", 2, 1, "there is no space after the colon of 'k:3'"),
    ("{out: 8, bias}", "syntax", 1, 10, "the key 'bias' has no colon and no value"),
    ("{out: max(w, 8)}", "syntax", 1, 7, "the commas of 'max(w, 8)' split it into several entries"),
    ("[max(w, 8), 3]", "syntax", 1, 2, "the commas of 'max(w, 8)' split it into several entries"),
    (
        "{out: max(w, min(2, 8), 9), k: 3}", "syntax", 1, 7,
        "the commas of 'max(w, min(2, 8), 9)' split it into several entries",
    ),
    ("{out: w[i]}", "syntax", 1, 7, "the brackets of 'w[i]' belong to YAML here"),
    (
        "{k: 3, out: (w[i] + 1)*2}", "syntax", 1, 13,
        "the brackets of '(w[i] + 1)*2' belong to YAML here",
    ),
    ("{out: max(8, w[i])}", "syntax", 1, 7, "the brackets of 'max(8, w[i])' belong to YAML here"),
    ("{out: ${w}}", "syntax", 1, 7, "the brackets of '${w}' belong to YAML here"),
    ("a: [*x, 1]", "unsupported-yaml", 1, 5, "the alias '*x' is not supported"),
    ("a: &x 1", "unsupported-yaml", 1, 4, "the anchor '&x' is not supported"),
    ("a: 1\n<<: {b: 2}", "unsupported-yaml", 2, 1, "the merge key '<<' is not supported"),
    (
        "a: !!python/object:os.system x", "unsupported-yaml", 1, 4,
        "the tag '!!python/object:os.system' is not supported",
    ),
    ("- !mine {a: 1}", "unsupported-yaml", 1, 3, "the tag '!mine' is not supported"),
    ("%YAML 1.1\n---\na: 1", "unsupported-yaml", 1, 1, "directives are not supported"),
    ("a: 1\n---\nb: 2", "unsupported-yaml", 2, 1, "a second document starts here"),
    ("? [a]\n: 1", "wrong-type", 1, 3, "a list cannot be a key"),
    ("{{a: 1}: 2}", "wrong-type", 1, 2, "a mapping cannot be a key"),
    ("~: 1", "wrong-type", 1, 1, "a key cannot be null"),
    ("a: .inf", "wrong-type", 1, 4, "'.inf' is not a finite number"),
    ("a: -.NaN", "wrong-type", 1, 4, "'-.NaN' is not a finite number"),
    ("a: 1e999", "too-large", 1, 4, "'1e999' is beyond the largest float"),
    ("a: " + "9" * 5000, "too-large", 1, 4, "a number of 5,000 characters; at most 40 are read"),
    ("[" * 100_000, "too-large", 1, 49, "nested deeper than 48 levels"),
    ("{a: " * 60_000, "too-large", 1, 193, "nested deeper than 48 levels"),
    ("- " * 100_000, "too-large", 1, 97, "nested deeper than 48 levels"),
    ("a" * 262_145, "too-large", 1, 1, "the file has 262,145 bytes, and at most 262,144 are read"),
    ("é" * 131_073, "too-large", 1, 1, "the file has 262,146 bytes, and at most 262,144 are read"),
    ("a: 1\n\tb: 2", "syntax", 2, 1, "a tab cannot indent a line"),
    ("a: b: c", "syntax", 1, 5, "a ': ' is inside a value"),
    ("a: b\n  c: d", "syntax", 2, 4, "this key is below a line that already has a value"),
    ("- a\nb: 2", "syntax", 2, 1, "this line does not continue the list above"),
    ("a: 1\n- b", "syntax", 2, 1, "a list item cannot be among keys"),
    ("a:\n  - b\n c: 2", "syntax", 3, 2, "the indentation of this line matches no line above"),
    ("a: [1]+[2]", "syntax", 1, 7, "nothing may follow the value on this line"),
    ("a: [1, 2", "syntax", 1, 4, "the '[' is never closed"),
    ("a: {b: [1], c: {d: 1\n", "syntax", 1, 16, "the '{' is never closed"),
    ("{a: 'x' b: 2}", "syntax", 1, 9, "a ',' or '}' is missing before 'b'"),
    ("[1,,2]", "syntax", 1, 4, "a value is missing before ','"),
    ("}", "syntax", 1, 1, "nothing opened this '}'"),
    ("a: 'x", "syntax", 1, 4, "the quote is never closed"),
    ("a: @x", "syntax", 1, 4, "a value cannot begin with '@'"),
    ("a: * 2", "syntax", 1, 4, "a value cannot begin with '*'"),
    ("a: > 3", "syntax", 1, 4, "a value cannot begin with '>'"),
    ("a: - 3", "syntax", 1, 4, "a list item cannot begin here"),
    ("a: 1\nwords\nb: 2", "syntax", 2, 1, "this line has no ': '"),
    ("a: b\nc: \x00", "syntax", 2, 4, "the character U+0000 is not allowed"),
    ("é: \x1b[31m", "syntax", 1, 4, "the character U+001B is not allowed"),
    ('a: "\\e[31m"', "syntax", 1, 4, "the escape of U+001B is not allowed"),
    ("a: 1\rb: 2", "syntax", 1, 5, "the character U+000D is not allowed"),
    ("a: x\u2028b", "syntax", 1, 5, "the character U+2028 is not allowed"),
    ("a: \ud800", "syntax", 1, 4, "the character U+D800 is not allowed"),
    ("a: 1\r\né: é\x07", "syntax", 2, 5, "the character U+0007 is not allowed"),
    (b"a: 1\n\xc3\xa9: caf\xe9", "syntax", 2, 7, "the byte 0xe9 is not UTF-8"),
    (b"\xff\xfea\x00", "syntax", 1, 1, "the byte 0xff is not UTF-8"),
    ("", "syntax", 1, 1, "the file is empty"),
    ("# nothing\n---\n", "syntax", 1, 1, "the file is empty"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "line", "column", "message"), HOSTILE, ids=[repr(c[0][:24]) for c in HOSTILE]
)
def test_a_hostile_file_has_one_problem_at_its_place(
    text: str | bytes, name: str, line: int, column: int, message: str
) -> None:
    with at_most(5000):
        problem = only(text)
    assert (problem.name, problem.place[1:3], problem.message) == (name, (line, column), message)


@pytest.mark.parametrize(("text", "name", "line", "column", "message"), HOSTILE)
def test_the_pure_parser_gives_the_same_problems(
    text: str | bytes,
    name: str,
    line: int,
    column: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "_LOADER", yaml.BaseLoader)
    problem = only(text)
    assert (problem.name, problem.place[1:3], problem.message) == (name, (line, column), message)


@pytest.mark.parametrize("bomb", [alias_bomb, merge_bomb])
def test_bombs_are_refused_where_they_are_written(bomb: str) -> None:
    with at_most(10_000):
        _, problems = read(bomb, "f.yaml")
    assert {d.name for d in problems} == {"unsupported-yaml"}
    assert spots(problems)[0] == ("unsupported-yaml", 1, 5)


@pytest.mark.parametrize("word", ["yes", "Yes", "YES", "no", "off", "OFF", "on", "oN"])
def test_the_booleans_of_yaml_1_1_say_which_word_to_write(word: str) -> None:
    meant = "true" if word.lower() in ("yes", "on") else "false"
    assert only(f"- {word}").help == f"write {meant}, or '{word}' in quotes for the word"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("{k:3}", "write 'k: 3'"),
        ("{out: max(w, 8)}", 'quote the expression: "max(w, 8)"'),
        ("{out: w[i]}", 'quote the expression: "w[i]"'),
        ("{out: ${w}}", "write the bare name: w"),
        ("a: 010", "write 10, or 0o10 for the octal number"),
        ("a: 08", "write 8"),
        ("a: 1\n\tb: 2", "indent with spaces"),
    ],
)
def test_the_help_says_what_to_write(text: str, advice: str) -> None:
    assert only(text).help == advice


def test_a_split_expression_gets_its_text_back() -> None:
    node, _ = read("{a: [max(w, 8), 3], out: max(w, 8, 9), k: 1}", "f.yaml")
    assert plain(node) == {"a": ["max(w, 8)", 3], "out": "max(w, 8, 9)", "k": 1}


def test_a_duplicate_names_both_places_and_the_first_wins() -> None:
    text = "k: 1\nx:\n  k: 2\nk: 3\n"
    node, problems = read(text, "f.yaml")
    assert plain(node) == {"k": 1, "x": {"k": 2}}
    assert (
        full_text(problems[0], {"f.yaml": text})
        == """\
error[CC002] duplicate-key: duplicate key 'k'
 --> f.yaml:4:1
  |
4 | k: 3
  | ^
1 | k: 1
  | - first here
  = help: keep one of the two"""
    )


def test_all_problems_of_a_file_are_reported_in_order() -> None:
    text = "a: no\nb: {k:3, s: 010}\na: &x 1\nc: *x\nd: !t [max(a, b)]\n"
    node, problems = read(text, "f.yaml")
    assert spots(problems) == [
        ("ambiguous-scalar", 1, 4),
        ("syntax", 2, 5),
        ("ambiguous-scalar", 2, 13),
        ("duplicate-key", 3, 1),
        ("unsupported-yaml", 3, 4),
        ("unsupported-yaml", 4, 4),
        ("unsupported-yaml", 5, 4),
        ("syntax", 5, 8),
    ]
    assert plain(node) == {"a": False, "b": {"s": 10}, "c": "x", "d": ["max(a, b)"]}


def test_problems_before_a_syntax_error_are_kept() -> None:
    node, problems = read("a: 1\na: 2\nb: [1, no\n", "f.yaml")
    assert node is None
    assert [d.name for d in problems] == ["duplicate-key", "syntax", "ambiguous-scalar"]


def test_an_anchor_and_a_tag_of_one_node_are_two_problems() -> None:
    _, problems = read("a: &x !!str b", "f.yaml")
    assert [(d.place.column, d.place.end) for d in problems] == [(4, 6), (7, 12)]


def test_what_a_message_quotes_is_cut() -> None:
    assert len(only("a: *" + "x" * 100_000).message) == 200
