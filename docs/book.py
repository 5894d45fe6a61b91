"""Builds the book: the pages of this folder as a site, strictly, with every link checked.

``python docs/book.py`` writes it to ``site/``; ``--out FOLDER`` elsewhere. It needs zensical:
``pip install 'convcalc[docs]'``. The site asks no other host for anything: its fonts are those of
the reader's system, and its search runs in the browser.

The playground is part of the site where Node.js and the packages of ``web/`` are there
(docs/playground.py); otherwise its page says that it was not built. ``--require-playground``, for a
release, makes that an error.

The pages stay what GitHub shows. Links that lead out of this folder become pages of the site
(CHANGELOG, CONTRIBUTING, SECURITY) or plain text, since the site has no copy of the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import playground

from convcalc.output.topics import Topic, topics

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
# Files of the repository that are pages of the site too, with their titles in the navigation.
OUTSIDE = {
    "CONTRIBUTING.md": "Contributing",
    "SECURITY.md": "Security",
    "CHANGELOG.md": "Changelog",
}
LINK = re.compile(r"(!?)\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
# The sentence on the page of the playground that becomes the way in, and what takes its place.
PLAYGROUND = "**The playground is part of the site of the book.**"
APP = "playground/app"
WAY_IN = f'<a class="md-button md-button--primary" href="{APP}/index.html">Open the playground</a>'
NOT_BUILT = "**This copy of the site was built without the playground.**"
CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)

# --- the pages that the site is built from -------------------------------------------------------


def stage(folder: Path, *, with_playground: bool = False) -> None:
    """Writes the pages and the settings of the site into an empty folder."""
    pages = folder / "docs"
    shutil.copytree(FOLDER / "site", pages / "site")
    for path in FOLDER.glob("*.md"):
        text = inside(path.read_text("utf-8"))
        text = text.replace(PLAYGROUND, WAY_IN if with_playground else NOT_BUILT)
        (pages / path.name).write_text(text, "utf-8")
    for name in OUTSIDE:
        text = (ROOT / name).read_text("utf-8")
        (pages / name.lower()).write_text(inside(text, at_root=True), "utf-8")
    (folder / "zensical.toml").write_text(settings(), "utf-8")


def inside(text: str, *, at_root: bool = False) -> str:
    """The text of a page with its links as the site has them; ``at_root`` if it lies above docs."""

    def changed(match: re.Match[str]) -> str:
        mark, words, target = match.groups()
        if "://" in target or target.startswith("#"):
            return match[0]
        path, hash_, anchor = target.partition("#")
        path = os.path.normpath(path if at_root else f"docs/{path}")
        if path in OUTSIDE:
            return f"{mark}[{words}]({path.lower()}{hash_}{anchor})"
        if path.startswith("docs/") and path.endswith(".md"):
            return f"{mark}[{words}]({path.removeprefix('docs/')}{hash_}{anchor})"
        return words

    pieces = CODE.split(text)
    pieces[::2] = [LINK.sub(changed, piece) for piece in pieces[::2]]
    return "".join(pieces)


def settings() -> str:
    """The settings of zensical, with the navigation from contents.toml."""
    sections: dict[str, list[Topic]] = {}
    for topic in topics().values():
        sections.setdefault(topic.section, []).append(topic)
    entries = [
        f"  {{ {json.dumps(section)} = [{', '.join(map(entry, pages))}] }},"
        for section, pages in sections.items()
    ]
    others = ", ".join(
        f"{{ {json.dumps(t)} = {json.dumps(n.lower())} }}" for n, t in OUTSIDE.items()
    )
    entries[-1] = entries[-1].replace("] },", f", {others}] }},")
    head = (FOLDER / "site.toml").read_text("utf-8")
    return head.replace("nav = []", "nav = [\n" + "\n".join(entries) + "\n]", 1)


def entry(topic: Topic) -> str:
    """A page in the navigation."""
    return f"{{ {json.dumps(topic.title)} = {json.dumps(topic.file)} }}"


# --- building ------------------------------------------------------------------------------------


def build(out: Path, *, with_playground: bool = False) -> list[str]:
    """Builds the site into a folder, which is replaced; returns what is wrong with it."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        stage(folder, with_playground=with_playground)
        command = [sys.executable, "-m", "zensical", "build", "--strict"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if ran.returncode:
            return [re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout + ran.stderr)]
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder / "site", out)
    if with_playground:
        playground.build(out / APP)
    return [*broken_links(out), *foreign_requests(out)]


# --- checking ------------------------------------------------------------------------------------


class Read(HTMLParser):
    """What a page names: where its links lead, what it loads, and the ids that it has."""

    LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.update(filter(None, (found.get("id"), found.get("name"))))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in self.LOADED and self.LOADED[tag] in found:
            self.loads.append(found[self.LOADED[tag]])


def read_pages(site: Path) -> dict[Path, Read]:
    """Every page of a site."""
    return {path: Read(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def broken_links(site: Path) -> Iterator[str]:
    """Yields each link within the site that leads nowhere, and each file that is missing."""
    pages = read_pages(site)
    for path, page in pages.items():
        for target in dict.fromkeys([*page.links, *page.loads]):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            base = site if parts.path.startswith("/") else path.parent
            file = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            file = file / "index.html" if file.is_dir() else file
            missing = not file.is_file() or (
                parts.fragment
                and file in pages
                and unquote(parts.fragment) not in pages[file].ids | {"__consent"}
            )
            if missing:
                yield f"{path.relative_to(site)}: {target} leads nowhere"


def foreign_requests(site: Path) -> Iterator[str]:
    """Yields what pages and style sheets load from another host."""
    for path, page in read_pages(site).items():
        yield from foreign(path.relative_to(site), page.loads)
    for path in sorted(site.rglob("*.css")):
        text = path.read_text("utf-8")
        yield from foreign(path.relative_to(site), re.findall(r"url\(['\"]?([^)'\"]+)", text))


def foreign(file: Path, targets: Iterable[str]) -> Iterator[str]:
    """Yields those targets that name a host."""
    for target in targets:
        if urlsplit(target).netloc:
            yield f"{file}: {target} is on another host"


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the site; 1 if anything is wrong with it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="the folder to write")
    parser.add_argument(
        "--require-playground", action="store_true", help="fail if the playground cannot be built"
    )
    given = parser.parse_args(arguments)
    out, lacks = given.out.resolve(), playground.lacks()
    if lacks:
        sys.stdout.write(f"without the playground: {lacks}\n")
        if given.require_playground:
            return 1
    found = build(out, with_playground=not lacks)
    for problem in found:
        sys.stdout.write(f"{problem}\n")
    if not found:
        sys.stdout.write(f"{len(read_pages(out))} pages in {out}; every link leads somewhere\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
