"""Pinned numbers: the text around them stays to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pins import BOTH, NET

from convcalc.analysis.analyse import analyse
from convcalc.checking.budgets.pin_edits import Pin, Refused, pinned_text
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

RIGHT = {
    "PARAMS": "224",
    "MACS": "13824",
    "C": "8",
    "S": "8",
    "RF": "3",
    "JUMP": "2",
    "WPARAMS": "448",
    "WMACS": "27648",
    "WC": "16",
}
WRONG = {
    "PARAMS": "1_",
    "MACS": "13.8k",
    "C": "9",
    "S": "88888888",
    "RF": "4",
    "JUMP": "1",
    "WPARAMS": "0",
    "WMACS": "1e6",
    "WC": "c*3",
}
WRONG["PARAMS"] = "1"


def written(template: str, numbers: dict[str, str]) -> str:
    for word, number in numbers.items():
        template = template.replace(f"<{word}>", number)
    return template


def pinned(text: str) -> str:
    """The text with its numbers pinned, as the command does it."""
    networks = [read_network(Target("net.yaml", name, text)) for name in (None, "wide")]
    assert [str(p) for network in networks for p in network.problems] == []
    pins = [Pin(n.name, analyse(n), n.expect.get(n.name, {})) for n in networks]
    return pinned_text(text, pins)


# Every way in which numbers may stand; the entry of a variant is the same for both.
ENTRIES = [
    "net: {params: <PARAMS>, macs: <MACS>, output: [<C>, <S>, <S>]}",
    "net:   { macs :  <MACS> ,params: <PARAMS>  }   # both",
    "net: {output: [<C>,<S>, <S>  ], jump: <JUMP>, receptive_field: [<RF>, <RF>]}",
    "net:\n    params: <PARAMS>  # a\n    output:\n      - <C>  # b\n      - <S>\n\n      - <S>",
    "net: {\n    params: <PARAMS>,  # a\n    output: [\n    <C>, # b\n      <S>, <S>\n ]\n  }",
    'net: {"params": <PARAMS>, "receptive_field": <RF>}',
    "net: {output: [null, <S>, <S>], receptive_field: [null, <RF>]}",
]
WIDE = [
    "wide: {params: <WPARAMS>, macs: <WMACS>, output: [<WC>, <S>, <S>]}",
    "wide:\n    macs: <WMACS>",
]


@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "", "\n\n# the end", "\nbudgets: {params: {max: 1k}}\n"])
def test_only_the_numbers_change(entry: str, wide: str, newline: str, mark: str, end: str) -> None:
    """What is written with right numbers is what comes of the same with wrong ones."""
    template = f"{mark}{NET}expect:   # why\n  # here\n  {entry}\n\n  {wide}{end}"
    template = template.replace("\n", newline)
    assert pinned(written(template, WRONG)) == written(template, RIGHT)
    assert pinned(written(template, RIGHT)) == written(template, RIGHT)


@given(st.data())
def test_any_mixture_of_right_and_wrong_numbers_becomes_right(data: st.DataObject) -> None:
    words = data.draw(st.sets(st.sampled_from(sorted(WRONG))))
    entry = data.draw(st.sampled_from(ENTRIES))
    template = f"{NET}expect:\n  {entry}\n  {data.draw(st.sampled_from(WIDE))}\n"
    mixture = {word: (WRONG if word in words else RIGHT)[word] for word in WRONG}
    assert pinned(written(template, mixture)) == written(template, RIGHT)


FLOW = ", ".join(BOTH)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NET, f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}\n"),
        (NET[:-1], f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}"),
        (f"{NET}# end\n\n", f"{NET}# end\n\nexpect:\n  {BOTH[0]}\n  {BOTH[1]}\n"),
        (f"{NET}expect:\n", f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}\n"),
        (f"{NET}expect:   # why", f"{NET}expect:   # why\n  {BOTH[0]}\n  {BOTH[1]}"),
        (f"{NET}expect: {{}} # why\n", f"{NET}expect: # why\n  {BOTH[0]}\n  {BOTH[1]}\n"),
        (f"{NET}expect: null\nyear: 1\n", f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}\nyear: 1\n"),
        (f"{NET}expect:\n  net:\n  {BOTH[1]}\n", f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}\n"),
        (f"{NET}expect:\n  net: {{}} # a\n", f"{NET}expect:\n  {BOTH[0]} # a\n  {BOTH[1]}\n"),
        (f"{NET}expect:\n  net: ~\n  wide:", f"{NET}expect:\n  {BOTH[0]}\n  {BOTH[1]}"),
        (f"{NET}expect: {{{BOTH[0]}}}\n", f"{NET}expect: {{{FLOW}}}\n"),
        (f"{NET}expect: {{net: }}\n", f"{NET}expect: {{{FLOW}}}\n"),
        (f"{NET}expect: {{ {BOTH[0]} , }} # x", f"{NET}expect: {{ {FLOW} , }} # x"),
        (
            f"{NET}expect:\n    net:\n      params: 224\nyear: 1\n",
            f"{NET}expect:\n    net:\n      params: 224\n    wide:\n      params: 448\n"
            "      macs: 27648\n      output: [16, 8, 8]\nyear: 1\n",
        ),
        (
            f"{NET}expect:\n  net: {{output: [8, 8]}}\n  {BOTH[1]}\n",
            f"{NET}expect:\n  net: {{output: [8, 8, 8]}}\n  {BOTH[1]}\n",
        ),
        (
            f"{NET}expect:\n  net: {{output: 1, receptive_field: [1]}}\n  {BOTH[1]}\n",
            f"{NET}expect:\n  net: {{output: 8, receptive_field: [3, 3]}}\n  {BOTH[1]}\n",
        ),
        (
            f"{NET}expect:\n  net:\n    output:\n    - 8\n    - 4\n  {BOTH[1]}\n",
            f"{NET}expect:\n  net:\n    output: [8, 8, 8]\n  {BOTH[1]}\n",
        ),
    ],
)
def test_what_is_missing_is_added_in_the_style_of_the_file(before: str, after: str) -> None:
    assert pinned(before) == after
    assert pinned(after) == after
    crlf = before.replace("\n", "\r\n")
    if "\r\n" in crlf:
        assert pinned(crlf) == after.replace("\n", "\r\n")


def test_a_file_in_json_stays_json() -> None:
    import json

    network = {"convcalc": 1, "name": "net", "input": [3, 16, 16], "params": {"c": 8}}
    more = {"variants": {"wide": {"c": 16}}, "layers": [{"conv": {"out": "c", "k": 3}}]}
    for indent in (None, 2):
        text = json.dumps({**network, **more}, indent=indent)
        found = json.loads(pinned(text))
        assert found.pop("expect")["wide"] == {"params": 448, "macs": 84672, "output": [16, 14, 14]}
        assert found == {**network, **more}


def test_an_indented_file_keeps_its_margin() -> None:
    text = "".join(f"   {line}\n" for line in NET.splitlines())
    assert pinned(text) == f"{text}   expect:\n     {BOTH[0]}\n     {BOTH[1]}\n"


def test_a_name_that_yaml_would_misread_is_quoted() -> None:
    text = NET.replace("name: net", 'name: "1.5"').replace("wide", '"no: x"')
    networks = [read_network(Target("net.yaml", name, text)) for name in (None, "no: x")]
    after = pinned_text(text, [Pin(n.name, analyse(n), {}) for n in networks])
    assert after.endswith(
        'expect:\n  "1.5": {params: 224, macs: 13824, output: [8, 8, 8]}\n'
        '  "no: x": {params: 448, macs: 27648, output: [16, 8, 8]}\n'
    )
    assert read_network(Target("net.yaml", None, after)).problems == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("net:\n    output:\n    - 8  # c\n    - 8", "a comment stands within output in line 11"),
        ('net: {params: "1\n    2"}', "the value in line 10 takes several lines"),
    ],
)
def test_what_cannot_be_rewritten_alone_is_refused(entry: str, message: str) -> None:
    text = f"{NET}expect:\n  {entry}\n  {BOTH[1]}\n"
    network = read_network(Target("net.yaml", None, text))
    pin = Pin("net", analyse(network), network.expect.get("net") or {"params": 1})
    with pytest.raises(Refused) as caught:
        pinned_text(text, [pin])
    assert str(caught.value) == message
