"""The site of the book: it is built strictly, its links lead somewhere, it asks no other host."""

from __future__ import annotations

from pathlib import Path

import book
import pytest

from convcalc.output.topics import topics


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once."""
    folder = tmp_path_factory.mktemp("site")
    assert book.build(folder) == []
    return folder


def test_every_page_is_in_the_site_with_its_title(site: Path) -> None:
    for topic in topics().values():
        name = topic.file.removesuffix(".md")
        path = site / "index.html" if name == "index" else site / name / "index.html"
        assert "<h1" in path.read_text("utf-8")
    front = (site / "index.html").read_text("utf-8")
    assert all(topic.title in front for topic in topics().values())  # in the navigation


def test_pages_of_the_repository_are_pages_of_the_site(site: Path) -> None:
    for name in book.OUTSIDE:
        assert (site / name.removesuffix(".md").lower() / "index.html").is_file()


def test_the_page_of_the_playground_leads_to_it_or_says_that_it_was_not_built(
    site: Path, tmp_path: Path
) -> None:
    page = (site / "playground" / "index.html").read_text("utf-8")
    assert "built without the playground" in page
    assert "app/index.html" not in page
    book.stage(tmp_path, with_playground=True)
    text = (tmp_path / "docs" / "playground.md").read_text("utf-8")
    assert text.count(book.WAY_IN) == 1
    assert (book.FOLDER / "playground.md").read_text("utf-8").count(book.PLAYGROUND) == 1


def test_a_release_needs_the_playground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(book.playground, "lacks", lambda: "Node.js is not installed")
    assert book.main(["--require-playground", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().out == "without the playground: Node.js is not installed\n"
    assert not (tmp_path / "out").exists()


def test_a_broken_link_or_anchor_is_found(site: Path) -> None:
    page = site / "broken.html"
    page.write_text('<a href="ci/#nowhere">x</a><a href="gone/">y</a><a href="ci/#gitlab">z</a>')
    found = [*book.broken_links(site)]
    page.unlink()
    assert found == [
        "broken.html: ci/#nowhere leads nowhere",
        "broken.html: gone/ leads nowhere",
    ]


def test_what_comes_from_another_host_is_found(site: Path) -> None:
    page, style = site / "other.html", site / "other.css"
    page.write_text('<script src="https://example.org/x.js"></script><img src="//a.org/b.png">')
    style.write_text("a { background: url(https://example.org/y.png), url('local.png') }")
    found = [*book.foreign_requests(site)]
    page.unlink()
    style.unlink()
    assert len(found) == 3


def test_a_link_to_a_missing_page_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = book.inside
    monkeypatch.setattr(book, "inside", lambda text, **more: whole(text, **more) + "\n[x](no.md)\n")
    (problem,) = book.build(tmp_path / "out")
    assert "page does not exist" in problem
    assert not (tmp_path / "out").exists()
