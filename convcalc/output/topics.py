"""The pages of the book, which ``docs/contents.toml`` lists, as topics of ``convcalc help``.

In a checkout they are those of ``docs/``; the wheel has a copy of them (hatch_build.py).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class Topic(NamedTuple):
    """A page of the book.

    ``also`` are further names for it. Where there is a ``command``, that shows the topic in the
    terminal, and the page is part of the site only.
    """

    section: str
    file: str
    topic: str
    title: str
    about: str
    also: tuple[str, ...] = ()
    command: str = ""


def folder() -> Path:
    """The folder of the pages: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "pages"
    return inside if inside.is_dir() else package.parent / "docs"


@cache
def topics() -> Mapping[str, Topic]:
    """Every topic by its name, in the order of the book."""
    text = (folder() / "contents.toml").read_text("utf-8")
    pages: list[dict[str, Any]] = tomllib.loads(text)["page"]
    found = (Topic(**page | {"also": tuple(page.get("also", ()))}) for page in pages)
    return {topic.topic: topic for topic in found}


def find_topic(name: str) -> Topic | None:
    """The topic of that name, in any case, or of the file of that name; None if there is none."""
    name = name.lower().removesuffix(".md")
    for topic in topics().values():
        if name in (topic.topic, topic.file.removesuffix(".md"), *topic.also):
            return topic
    return None


def names() -> list[str]:
    """All names of all topics."""
    return [name for topic in topics().values() for name in (topic.topic, *topic.also)]


def page(topic: Topic) -> str:
    """The text of a page, in Markdown."""
    return (folder() / topic.file).read_text("utf-8").strip()
