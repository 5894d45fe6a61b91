"""What comments silence, and how they are added."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checked import CONV, FAILS, GOOD, WARNS, Check, write

from convcalc.checking.baseline import add_comments
from convcalc.checking.discovery import discover
from convcalc.checking.suppression import read_comments
from convcalc.diagnostics.diagnostic import Diagnostic, Place

pytestmark = pytest.mark.usefixtures("project")


# --- comments ----------------------------------------------------------------------------------


def silenced(text: str) -> list[str]:
    write("net.convcalc.yaml", text)
    return [place.partition(":")[2] for place in found_by_check()]


def found_by_check() -> list[str]:
    from convcalc.checking.run import Options, Run

    (result, *_) = Run(Options()).check(discover(["net.convcalc.yaml"]))
    return [f"net:{found.place.line} {found.code}" for found in result.findings]


def test_a_comment_silences_its_line() -> None:
    assert silenced(WARNS) == ["5 CC203"]
    assert silenced(WARNS.replace(CONV, f"{CONV}  # convcalc: ignore[CC203] as published")) == []
    assert silenced(WARNS.replace(CONV, f"{CONV} # convcalc:ignore[ CC203 ]")) == []
    assert silenced(WARNS.replace(CONV, f"# convcalc: ignore[CC203]\n\n# why\n{CONV}")) == []
    assert silenced("# convcalc: ignore-file[CC203] old\n" + WARNS) == []
    other = WARNS.replace(CONV, f"{CONV}  # convcalc: ignore[CC204]")
    assert silenced(other) == ["5 CC203", "5 CC009"]
    wrong_line = WARNS.replace("- batch_norm", "- batch_norm  # convcalc: ignore[CC203]")
    assert silenced(wrong_line) == ["5 CC203", "6 CC009"]


def test_comments_that_say_nothing_are_reported() -> None:
    for word in ("ignore", "ignore[]", "ignore[ , ]"):
        assert silenced(GOOD.replace("[relu]", f"[relu]  # convcalc: {word}")) == ["4 CC009"]
    assert silenced(GOOD.replace("[relu]", "[relu]  # convcalc: ignore[CC999]")) == ["4 CC009"]
    assert silenced(GOOD.replace("[relu]", "[relu]  # convcalc: ignored, once")) == []
    assert silenced(GOOD.replace("[relu]", "[relu]  # the comment 'convcalc: ignore[CC999]'")) == []


def test_unused_comments_are_told_only_if_all_was_looked_at(check: Check) -> None:
    text = WARNS.replace("layers", "params: {b: true}\nvariants: {plain: {b: false}}\nlayers")
    text = text.replace("k: 3}", "k: 3, bias: b}  # convcalc: ignore[CC203]")
    write("net.convcalc.yaml", text)
    assert check().places == []
    assert check("--variant", "plain").places == []  # the base needs it
    assert check("--select", "CC0,CC1").places == []  # CC203 was not looked for
    write("net.convcalc.yaml", text.replace("bias: b", "bias: false"))
    assert check().places == ["net.convcalc.yaml:7 CC009"]
    assert check("--ignore", "CC009").places == []


def test_a_fault_in_the_text_of_a_shared_file_is_told_once(check: Check) -> None:
    write("blocks.convcalc.yaml", "convcalc: 1\nblocks:\n  Act: [rleu]\n")
    for name in "abc":
        text = GOOD.replace("layers: [relu]", "imports: {b: blocks.convcalc.yaml}\nlayers: [b.Act]")
        write(f"{name}.convcalc.yaml", text)
    assert check().places == ["blocks.convcalc.yaml:3 CC012"]


def test_what_a_shared_block_means_is_told_to_every_network(check: Check) -> None:
    write(
        "blocks.convcalc.yaml",
        "convcalc: 1\nblocks:\n  Cb:\n  - conv: {out: 8, k: 3}\n  - batch_norm\n",
    )
    for name in "abc":
        text = GOOD.replace("layers: [relu]", "imports: {b: blocks.convcalc.yaml}\nlayers: [b.Cb]")
        write(f"{name}.convcalc.yaml", text)
    assert check().places == ["blocks.convcalc.yaml:4 CC203"] * 3
    write(
        "a.convcalc.yaml",
        "# convcalc: ignore-file[CC203] as published\n" + Path("a.convcalc.yaml").read_text(),
    )
    assert check().places == ["blocks.convcalc.yaml:4 CC203"] * 2
    Path("a.convcalc.yaml").unlink()
    text = Path("blocks.convcalc.yaml").read_text()
    write("blocks.convcalc.yaml", text.replace("k: 3}", "k: 3}  # convcalc: ignore[CC203]"))
    assert check().places == []
    assert check("blocks.convcalc.yaml").places == []  # its users were not looked at


def test_places_of_comments() -> None:
    text = "a: 1\nb: 2  # convcalc: ignore[CC201, CC2O2]\n"
    found = read_comments("f", text)
    (ignore,) = found.ignores
    assert (ignore.code, ignore.line, ignore.place) == ("CC201", 2, Place("f", 2, 26, 31))
    (problem,) = found.problems
    assert problem.place == Place("f", 2, 33, 38)
    assert problem.help == "use 'CC202'"


# --- baseline ----------------------------------------------------------------------------------


def test_add_ignore_silences_what_is_there_and_nothing_else(check: Check) -> None:
    text = WARNS.replace("\n", "\r\n").replace("- batch_norm", "- batch_norm   # a norm")
    text += "- conv: {out: 8,\r\n         k: 1, s: 2}\r\n"
    text += "budgets:\r\n  params: {max: 1}\r\n"
    file = write("net.convcalc.yaml")
    file.write_bytes(text.encode())
    write("broken.convcalc.yaml", FAILS)
    ran = check("--add-ignore")
    assert ran.code == 1
    assert "left: broken.convcalc.yaml:4:10: error[CC012]" in ran.err
    assert "net.convcalc.yaml" not in ran.err
    after = file.read_bytes().decode()
    assert re.sub(r"  # convcalc: ignore\[[^]]*\]", "", after) == text
    assert after.count("ignore[") == 3
    assert check("net.convcalc.yaml", "--strict").code == 0
    assert check("net.convcalc.yaml", "--add-ignore").code == 0
    assert file.read_bytes().decode() == after


def test_add_ignore_leaves_what_ships_alone(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        "shipped/blocks/b.convcalc.yaml",
        "convcalc: 1\nblocks:\n  Cb:\n  - conv: {out: 8, k: 3}\n  - batch_norm\n",
    )
    for module in ("checking.run", "checking.baseline"):
        monkeypatch.setattr(f"convcalc.{module}.shipped_folder", lambda: Path("shipped").resolve())
    write("a/convcalc.toml", "")
    text = GOOD.replace("layers: [relu]", "imports: {b: blocks/b.convcalc.yaml}\nlayers: [b.Cb]")
    write("a/net.convcalc.yaml", text)
    before = Path("shipped/blocks/b.convcalc.yaml").read_text()
    ran = check("a", "--add-ignore")
    assert "left: " in ran.err
    assert Path("shipped/blocks/b.convcalc.yaml").read_text() == before
    write("a/net.convcalc.yaml", f"# convcalc: ignore-file[CC203] as shipped\n{text}")
    assert check("a").places == []


def test_a_comment_never_becomes_part_of_a_text() -> None:
    text = 'a:\n- "b\n  c"\n- d: e\n'
    found = {2: [Diagnostic("gridding", "", Place("f", 2, 3))]}
    changed, count = add_comments(text, found)
    assert changed == 'a:\n# convcalc: ignore[CC201]\n- "b\n  c"\n- d: e\n'
    assert count == 1
    text = "a: |\n  b\n  c\n"
    inside = {2: [Diagnostic("gridding", "", Place("f", 2, 3))]}
    assert add_comments(text, inside) == (text, 0)


def test_a_file_that_cannot_be_written_is_an_error(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("net.convcalc.yaml", WARNS)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convcalc.checking.baseline.replace_file", full)
    assert check("--add-ignore").code == 2
    assert Path("net.convcalc.yaml").read_text() == WARNS
