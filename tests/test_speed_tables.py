"""What ``benchmarks/speed.py`` measures with: figures of processes, tables, what is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import environment
from places import ROOT

sys.path.append(str(ROOT / "benchmarks"))  # behind the tests, which have a module 'shipped' too

from measure.processes import Failed, ran
from measure.tables import Table, mebibytes, seconds, times
from rows.files import _write_many
from rows.size import LARGE

from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target


def test_memory_is_that_of_the_process_and_not_of_the_one_that_measures(tmp_path: Path) -> None:
    here = bytearray(300 << 20)
    here[::4096] = b"1" * len(here[::4096])
    small = ran([sys.executable, "-c", "pass"], tmp_path)
    large = ran([sys.executable, "-c", "b'1' * (100 << 20)"], tmp_path)
    assert small.memory < 60
    assert 95 < large.memory - small.memory < 110


def test_processor_time_is_that_of_the_process(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    assert 0.5 <= ran([sys.executable, "-c", busy], tmp_path).cpu < 2


def test_a_command_that_fails_has_no_figures(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"^no such thing$"):
        ran([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)
    ran([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path, codes=(1,))


def test_a_command_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("measure.processes.LONGEST", 1)
    code = "import time; print('on', file=open('begun', 'w')); time.sleep(60); open('late', 'w')"
    with pytest.raises(Failed, match=r"^more than 1 s$"):
        ran([sys.executable, "-c", code], tmp_path)
    assert not (tmp_path / "late").exists()


def test_a_table_is_markdown_and_lies_in_columns() -> None:
    table = Table("Title", ("", "time"), [["`a`", "1 s"], ["`long name`", "100 ms"]], "A note.")
    assert str(table) == "\n".join(
        [
            *("**Title**", ""),
            "|             |   time |",
            "| ----------- | -----: |",
            "| `a`         |    1 s |",
            "| `long name` | 100 ms |",
            *("", "A note."),
        ]
    )


def test_figures_have_three_digits() -> None:
    assert [seconds(each) for each in (0.0874, 1, 12.34, 123.4)] == [
        "87.4 ms",
        "1 s",
        "12.3 s",
        "123 s",
    ]
    assert [times(each) for each in (1, 14.76, 170.59)] == ["1 ×", "14.8 ×", "171 ×"]
    assert mebibytes(1234.5) == "1,234 MiB"


def test_the_networks_of_the_tables_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = LARGE.replace("50000", "5")
    network = read_network(Target("<large>", None, few))
    assert not network.problems
    assert len(network.layers) == 10
    assert few != LARGE
    monkeypatch.setattr("rows.files.MANY", 2)
    _write_many(tmp_path / "many")
    checked = subprocess.run(
        [sys.executable, "-m", "convcalc", "check", "many"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert checked.stdout == "Found 0 errors, 0 warnings in 20 models.\n"


def test_what_is_missing_is_told_in_a_line(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "benchmarks" / "speed.py"), "--python", sys.executable]
    shown = subprocess.run(
        [*script, "--only", "onnx"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert shown.returncode == 0
    assert shown.stderr == (
        "note: the ONNX file is left out: no --onnx FILE, and no onnx package in --peers\n"
    )
    wrong = subprocess.run(
        [*script, "--only", "sizes"], capture_output=True, check=False, encoding="utf-8"
    )
    assert wrong.returncode == 2
    assert "'sizes' is not one of: startup, size, files, peers, onnx" in wrong.stderr
