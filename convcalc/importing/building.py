"""Builds a model of PyTorch with the user's Python, and takes over what it exports.

convcalc itself never imports PyTorch. A process of its own does: ``CONVCALC_PYTHON`` names its
Python, else it is the ``python`` of the active environment, else the one that runs convcalc. It
hands over the structure that a ``.pt2`` file has, without weights, which the reader of these reads.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcalc.importing.export_script import NO_EXPORT, NO_MODEL, NO_TORCH, SCRIPT
from convcalc.importing.schemes import Recipe
from convcalc.language.head.inputs import Inputs
from convcalc.language.sources.reads import look_elsewhere
from convcalc.language.sources.target import TargetError

if TYPE_CHECKING:
    from subprocess import Popen

MOST_SECONDS = 1800
MOST_TEXT = 64 * 2**20  # bytes of a program
MOST_TAIL = 8000  # bytes of what it says in case of an error
LINES = 3  # of an error that are shown where it names no line of the user's code
VARIABLE = "CONVCALC_PYTHON"

_LINE = re.compile(r'File "([^"<\n]+)", line (\d+)')
_LIBRARY = re.compile(r"[/\\](?:(?:site|dist)-packages|importlib)[/\\]")


def python_path() -> str:
    """The Python that builds models: the one that is named, that of the environment, or ours."""
    stated = os.environ.get(VARIABLE)
    if stated:
        return stated
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found).is_absolute():
            return found
    return sys.executable or "python3"


def exported(recipe: Recipe, inputs: Inputs = None) -> bytes:
    """The program of a model as JSON, for inputs of some sizes without the batch.

    Without sizes they are those that the package states of the model, else 3x224x224. Raises
    TargetError if the model cannot be built or exported.
    """
    request = {**recipe._asdict(), "sizes": _sizes(inputs)}
    python = python_path()
    with tempfile.TemporaryFile() as errors:
        process = _started(python, errors)
        timer = threading.Timer(MOST_SECONDS, process.kill)
        timer.start()
        try:
            text = _answer(process, json.dumps(request).encode())
            if len(text) <= MOST_TEXT:
                process.wait()
        finally:
            timer.cancel()
            process.kill()
            code = process.wait()
        errors.seek(max(errors.tell() - MOST_TAIL, 0))
        said = errors.read(MOST_TAIL).decode("utf-8", "replace")
    if len(text) > MOST_TEXT:
        raise TargetError(f"{_name(recipe)} is larger than {MOST_TEXT >> 20} MiB when exported")
    if text:
        return text
    raise _failure(recipe, python, code, said)


def _sizes(inputs: Inputs) -> Any:
    """The sizes of the only input in a list, or of inputs by name."""
    if inputs is None:
        return None
    by_name = dict(inputs) if isinstance(inputs, Mapping) else {"": inputs}
    if any(type(size) is not int for sizes in by_name.values() for size in sizes):
        raise TargetError("a model is built for sizes that are numbers", "-i 3x224x224")
    found = {name: list(sizes) for name, sizes in by_name.items()}
    return [found[""]] if "" in found else found


def _started(python: str, errors: Any) -> Popen[bytes]:
    import subprocess

    look_elsewhere()
    try:
        return subprocess.Popen(
            [python, "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    except (OSError, ValueError) as error:
        raise TargetError(
            f"the Python '{python}' cannot be started: {error}",
            f"name another one by the environment variable {VARIABLE}",
        ) from None


def _answer(process: Popen[bytes], request: bytes) -> bytes:
    """Return what a process writes, when it has read a request."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):  # it may end before; what it said tells why
        process.stdin.write(request)
        process.stdin.close()
    with process.stdout as pipe:
        return pipe.read(MOST_TEXT + 1)


def _name(recipe: Recipe) -> str:
    module = f"{recipe.module}:" if recipe.scheme == "torch" else ""
    return f"{recipe.scheme}:{module}{recipe.name}"


def _failure(recipe: Recipe, python: str, code: int, said: str) -> TargetError:
    """The error for a model that was not exported, with the end of what was said."""
    name = _name(recipe)
    tail = [line.strip() for line in said.splitlines() if line.strip()][-LINES:]
    if code == NO_TORCH:
        return TargetError(
            f"{name} needs PyTorch, which {python} does not have",
            f"name the Python that has it by the environment variable {VARIABLE}, or activate its "
            "environment",
        )
    words = {
        NO_MODEL: f"{name} cannot be built",
        NO_EXPORT: f"{name} cannot be exported by torch.export",
    }
    message = words.get(code, f"{python} ended with the code {code} while it exported {name}")
    last = tail[-1] if tail else "it said nothing"
    where = _LINE.findall(said)
    own = [place for place in where if not _LIBRARY.search(place[0])]
    help_ = f"raised at {own[-1][0]}:{own[-1][1]}" if own else ""
    if code not in words:
        help_ = "; ".join(tail[:-1])
    return TargetError(f"{message}: {last}", help_)
