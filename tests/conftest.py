"""Which tests run, in which order, and the command line for all of them.

``pytest`` runs a fixed quarter of each grid that is marked ``exhaustive``, of those in ``safety/``,
which start a process each, a thirty-second. ``pytest --exhaustive`` runs all of it; ``--rotate 40``
also a fortieth of the other cases, with each commit the next share, as ``.ci/run`` does. A test
that walks through a grid of its own asks the fixture ``part`` for the cases to look at; hypothesis
makes a quarter of its examples. A commit always takes the same cases.

Tests in ``torch/`` compare with PyTorch and need it; those in ``keras/`` with Keras on PyTorch,
those in ``litert/`` run in LiteRT, those in ``dask/`` on a local cluster of Dask, those in
``site/`` build the book with zensical. What looks at pages in Chromium is skipped, and says why,
where something that it needs is missing.
"""

from __future__ import annotations

import gc
import re
import subprocess
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

import command
import pytest
from grids import Part, quarter, with_share
from hypothesis import settings
from places import TESTS

from convcalc.language.sources.shipped import shipped_names

# The same examples in every run, and no deadline: a busy machine is no defect.
settings.register_profile("quarter", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("exhaustive", settings.get_profile("quarter"), max_examples=100)

# Networks live long here and hold no circles: collected as often as usual, a sixth of the time
# would go into looking through them again and again.
gc.set_threshold(100_000, 20, 50)

pytest_plugins = ["pytester"]
# Folders of tests that need other packages, by the mark that they get, and the packages.
COMPARED = {
    "torch": (("torch", "PyTorch"), ("torchvision", "torchvision")),
    "keras": (("keras", "Keras"), ("torch", "PyTorch")),
    "litert": (("ai-edge-litert", "LiteRT"),),
    "dask": (("distributed", "Dask"),),
    "site": (("zensical", "zensical"),),
}
IN_BROWSER = ("tests/site/", "tests/playground/")  # skipped where there is none
SAFETY_TESTS = TESTS / "safety"


def missing_packages(folder: str) -> list[str]:
    """What the comparison tests of a folder need and this environment lacks.

    By distribution: a folder of tests is called torch, which an import would find.
    """
    missing = []
    for name, title in COMPARED[folder]:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(title)
    return missing


MISSING = {folder: found for folder in COMPARED if (found := missing_packages(folder))}
collect_ignore = list(MISSING)


# --- which tests run ---------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="run all cases of the brute-force grids, not only a fixed quarter",
    )
    parser.addoption(
        "--rotate",
        type=int,
        metavar="N",
        help="beside the quarter run one share in N of the other cases, with each commit the next",
    )
    if not pluginmanager.hasplugin("xdist"):  # all in one process, whatever the settings ask for
        for option in ("--numprocesses", "--maxprocesses", "--dist"):
            parser.addoption(option)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else "quarter")


@pytest.fixture
def part(request: pytest.FixtureRequest) -> Part:
    """All cases of a grid, or by default a fixed quarter of them."""
    return chooser(request.config)


def chooser(config: pytest.Config) -> Part:
    """What chooses the cases of a grid in this run."""
    if config.getoption("--exhaustive"):
        return list
    shares = config.getoption("--rotate")
    return partial(with_share, turn=commits(), shares=shares) if shares else quarter


@cache
def commits() -> int:
    """The number of commits so far; 0 where there is no repository."""
    command = ["git", "-C", str(TESTS), "rev-list", "--count", "HEAD"]
    try:
        return int(subprocess.run(command, capture_output=True, check=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return 0


@pytest.hookimpl(trylast=True)  # after -k and -m have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(item.get_closest_marker("torch") for item in items):
        import torch

        torch.set_num_threads(1)  # thousands of tiny tensors only wait for threads
    if not config.getoption("--exhaustive"):
        left_out = left_out_of(items, chooser(config))
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=place)


def place(item: pytest.Item) -> tuple[bool, str]:
    """Where a test comes: those of networks that ship first, file by file, since workers begin with
    tests in a row: each then computes other networks, once for all tests of them."""
    if item.get_closest_marker("shipped") is None:
        return True, ""
    named = getattr(item, "callspec", None)
    params = named.params if named else {}
    target = shipped_names().get(str(params.get("name")))
    return False, Path(target.file).name if target else str(params.get("file", ""))


def left_out_of(items: list[pytest.Item], choose: Part) -> set[pytest.Item]:
    """Three quarters of the cases of each grid; of those that start a process each, almost all;
    fewer if a share of them has its turn."""

    def function(item: pytest.Item) -> str:
        return item.nodeid.partition("[")[0]

    grids = [item for item in items if item.get_closest_marker("exhaustive")]
    kept: set[pytest.Item] = set()
    for _, cases in groupby(grids, key=function):
        listed = list(cases)
        part = 32 if SAFETY_TESTS in listed[0].path.parents else 4
        kept.update(choose(listed, lambda item: item.nodeid, part))
    return set(grids) - kept


def pytest_itemcollected(item: pytest.Item) -> None:
    """All of ``tests/torch`` is marked, so that ``-m torch`` and ``-m 'not torch'`` choose."""
    for folder in COMPARED:
        if TESTS / folder in item.path.parents:
            item.add_marker(getattr(pytest.mark, folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each package says which tests this environment could not collect."""
    for folder, missing in MISSING.items():
        texts = [file.read_text("utf-8") for file in (TESTS / folder).glob("test_*.py")]
        tests = sum(len(re.findall(r"^def test_", text, re.MULTILINE)) for text in texts)
        names = " and ".join(missing)
        verb = "are" if len(missing) > 1 else "is"
        kind = "tests of the site" if folder == "site" else "comparison tests"
        terminalreporter.write_line(
            f"{names} {verb} not installed: {tests} {kind} were not collected; see CONTRIBUTING.md",
            yellow=True,
        )
    unseen: dict[str, None] = {}
    for report in terminalreporter.stats.get("skipped", []):
        folder = next((name for name in IN_BROWSER if report.nodeid.startswith(name)), "")
        if folder and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            what = Path(folder).name
            unseen[f"the {what} was not looked at: {reason}; see CONTRIBUTING.md"] = None
    for line in unseen:
        terminalreporter.write_line(line, yellow=True)


# --- the command line --------------------------------------------------------------------------


@pytest.fixture
def convcalc(capsys: pytest.CaptureFixture[str]) -> command.Command:
    """Runs a command line in this process."""
    return command.command(capsys)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder as the current one, apart from the developer's settings."""
    command.without_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path
