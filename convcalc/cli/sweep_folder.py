"""The folder of a long sweep: a manifest, and for each part its rows and a summary of them.

Each file is written aside and renamed, the summary after the rows, so a part that has a summary is
complete, whenever a process was killed. Several processes may work on parts of one sweep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.analysis.sweeps.parts import Counts, Part
from convcalc.analysis.sweeps.plan import Plan
from convcalc.cli.console import Failure, unwritable, write_file
from convcalc.diagnostics.visible import exact_json
from convcalc.language.sources.gate import read_all, reason
from convcalc.output.row_files import row_file

MANIFEST = "manifest.json"
MOST_BYTES = 256 * 2**20  # of a manifest or a summary
OTHER = "name another folder, or repeat the command that began this one"


class Folder:
    """The folder of a sweep; ``about`` says what sweep it is, ``kind`` the format of its rows."""

    def __init__(self, path: str, plan: Plan, about: Mapping[str, Any], kind: str) -> None:
        self.path = path
        self.plan = plan
        self.about: dict[str, Any] = {**about, "format": kind}
        self.kind = kind

    def begin(self, *, resumes: bool) -> None:
        """Writes the manifest, or finds that it is the same; Failure for that of another sweep."""
        try:
            os.makedirs(self.path, exist_ok=True)  # noqa: PTH103 - as the user writes it
        except OSError as error:
            raise unwritable(self.path, error) from None
        before = self._read(MANIFEST)
        if before is None:
            lines = [f"  {exact_json(key)}: {exact_json(each)}" for key, each in self.about.items()]
            write_file(self._at(MANIFEST), "{\n" + ",\n".join(lines) + "\n}\n")
            return
        if not resumes:
            raise Failure(
                f"{self.path} holds a sweep already", "go on with --resume, or name another folder"
            )
        if not isinstance(before, dict):
            raise Failure(f"{self._at(MANIFEST)} is not a manifest of a sweep", OTHER)
        own = json.loads(exact_json(self.about))
        for key in (*own, *before):
            if before.get(key) != own.get(key):
                raise Failure(f"{self.path} holds another sweep: its '{key}' differs", OTHER)

    def found(self, number: int) -> Part | None:
        """Return what is kept of a part, without its rows; None if it is not done."""
        if not os.path.isfile(self._at(self._rows(number))):  # noqa: PTH113
            return None
        summary = self._read(f"{_name(number)}.json")
        if summary is None:
            return None
        try:
            return _part(number, summary, self.plan)
        except (KeyError, TypeError, ValueError):
            file = self._at(f"{_name(number)}.json")
            raise Failure(f"{file} is not a summary of this sweep", "remove the file") from None

    def keep(self, part: Part) -> None:
        """Writes the rows of a part and then its summary."""
        writer = row_file(self.kind, self.plan, {**self.about, "part": part.number})
        content = writer.begin() + writer.rows(part.columns) + writer.end()
        write_file(self._at(self._rows(part.number)), content)
        summary = {
            "part": part.number,
            "counts": part.counts._asdict(),
            "problems": part.reasons,
            "best": part.best,
        }
        write_file(self._at(f"{_name(part.number)}.json"), exact_json(summary) + "\n")

    def _rows(self, number: int) -> str:
        return f"{_name(number)}.{self.kind}"

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name)  # noqa: PTH118

    def _read(self, name: str) -> Any:
        """The JSON of a file of the folder; None if there is none."""
        path = self._at(name)
        try:
            return json.loads(read_all(path, MOST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(f"cannot read {path}: {reason(error)}") from None
        except (ValueError, RecursionError):
            raise Failure(f"{path} is not JSON", "remove the file") from None


def _name(number: int) -> str:
    return f"rows-{number:06}"


def _part(number: int, summary: Mapping[str, Any], plan: Plan) -> Part:
    """A part of its summary; ValueError, TypeError or KeyError if that is none."""
    counts = Counts(**{name: _whole(each) for name, each in summary["counts"].items()})
    reasons = {str(each): _whole(count) for each, count in summary["problems"].items()}
    best = [tuple(row) for row in summary["best"]]
    if summary["part"] != number or not all(_is_row(row, plan) for row in best):
        raise ValueError
    return Part(number, {}, counts, best, reasons)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _is_row(row: Sequence[Any], plan: Plan) -> bool:
    """Whether a row has values such as those of its columns."""
    if len(row) != len(plan.names) or not isinstance(row[-1], str):
        return False
    swept, numbers = row[: len(plan.factors)], row[len(plan.factors) : -1]
    kinds = [type(factor.parts[0][0]) for factor in plan.factors]
    for value, kind, factor in zip(swept, kinds, plan.factors, strict=True):
        if type(value) is not (list if factor.is_list else kind):
            return False
    return all(value is None or type(value) in (int, float) for value in numbers)
