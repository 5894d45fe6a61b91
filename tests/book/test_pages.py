"""What the pages of the book show is what the commands print, step by step."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from book_pages import DOCS, NAME, blocks, commands, follow
from command import Command

import convcalc as library

# Pages that are run from their first block to their last; others have tests of their own, named in
# test_every_command_of_the_book_is_run.
FOLLOWED = (
    *("index", "tutorial", "cheatsheet", "patterns", "frameworks", "recipes", "devices", "python"),
    "solve",
    "sweeps",
)


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_page_prints_what_it_shows(
    name: str, folder: Path, convcalc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("COLUMNS", "80")
    for shown, printed in follow(DOCS / f"{name}.md", folder, convcalc):
        assert printed.strip() == shown.output.strip(), shown.line


def test_the_tutorial_has_ten_steps_with_a_file_or_a_command_each() -> None:
    text = (DOCS / "tutorial.md").read_text("utf-8")
    steps = text.split("\n## ")[1:]
    assert [step.partition(".")[0] for step in steps[:10]] == [str(n) for n in range(1, 11)]
    for step in steps[:10]:
        found = blocks(step)
        assert any(language == "console" and commands(content) for language, content in found)
        assert any(NAME.match(content) for _, content in found) or step.startswith("2. Ask")


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_network_of_a_page_has_no_problem_unless_it_is_called_broken(
    name: str, folder: Path
) -> None:
    text = (DOCS / f"{name}.md").read_text("utf-8")
    for _, content in blocks(text):
        named = NAME.match(content)
        if named and named[1].endswith(".convcalc.yaml"):
            path = folder / named[1]
            path.write_text(content, "utf-8")
            if named[1].startswith("broken"):
                with pytest.raises(library.NetworkError):
                    library.load(str(path))
            else:
                assert library.load(str(path)).problems == ()
