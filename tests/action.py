"""Runs the steps of ``action.yml`` as GitHub does: bash, with the inputs in the environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml
from places import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
INSTALL, CHECK = ACTION["runs"]["steps"]


class Done(NamedTuple):
    """What a step of the action did: its exit code, log, outputs and summary."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def step(folder: Path, work: Path, **inputs: str) -> Done:
    """Runs the step that checks, with the convcalc of these tests in place of the installed one."""
    programs = work / "convcalc" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    shim = programs / "convcalc"
    shim.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m convcalc "$@"\n', "utf-8"
    )
    shim.chmod(0o755)
    return run(CHECK, folder, work, **inputs)


def run(part: dict[str, str], folder: Path, work: Path, **inputs: str) -> Done:
    """Runs a step of the action; ``work`` is the runner's folder of temporary files."""
    given = {name: spec["default"] for name, spec in ACTION["inputs"].items()} | inputs
    values = {f"inputs.{name}": value for name, value in given.items()}
    values |= {"github.action_path": str(ROOT), "runner.temp": str(work)}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)

    variables = {name: filled(value) for name, value in part["env"].items()}
    output, summary = work / "output", work / "summary"
    for path in (output, summary):
        path.write_text("", "utf-8")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", part["run"]],
        cwd=filled(part.get("working-directory", str(folder))),
        capture_output=True,
        check=False,
        env={
            **os.environ,
            **variables,
            "RUNNER_TEMP": str(work),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
    )
    written = re.findall(r"(\w+)<<(\w+)\n(.*?)\2\n", output.read_text("utf-8"), re.DOTALL)
    outputs = {name: value for name, _, value in written}
    log = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Done(done.returncode, log, outputs, summary.read_text("utf-8"))
