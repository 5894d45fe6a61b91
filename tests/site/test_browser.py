"""The site in Chromium: nothing is asked of other hosts, and axe has no serious finding.

It needs Node.js, a Chromium, and the packages playwright-core and axe-core of npm: in
``web/node_modules``, or in a folder that ``CONVCALC_NODE_MODULES`` names. ``CONVCALC_SHOTS`` names
a folder for pictures. Without them these tests are skipped, and say why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import book
import playground
import pytest

MODULES = str(playground.node_modules().resolve())
SHOTS = os.environ.get("CONVCALC_SHOTS", "")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
NEEDED = {
    "Node.js": shutil.which("node"),
    "Chromium": CHROMIUM,
    "playwright-core and axe-core of npm": (
        Path(MODULES, "playwright-core").is_dir() and Path(MODULES, "axe-core").is_dir()
    ),
}
LACKS = [name for name, found in NEEDED.items() if not found]
pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"the browser needs {', '.join(LACKS)}")

PAGES = (
    "",
    "playground/",
    "tutorial/",
    "cheatsheet/",
    "frameworks/",
    "language/",
    "commands/",
    "which_number/",
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site on this machine."""
    folder = tmp_path_factory.mktemp("site")
    assert book.build(folder) == []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_site_is_accessible_fits_and_asks_no_other_host(address: str) -> None:
    """At 390 and 1440 pixels, light and dark; the script prints a line for each finding."""
    script = Path(__file__).with_name("look.mjs")
    command = ["node", str(script), address, MODULES, CHROMIUM, SHOTS, *PAGES]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert ran.stdout == ""
