"""What ``web/`` is built from: exact versions with digests, wheels that are the same each time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import playground

LOCK: dict[str, Any] = json.loads((playground.WEB / "package-lock.json").read_text("utf-8"))
ASKED: dict[str, Any] = json.loads((playground.WEB / "package.json").read_text("utf-8"))


def test_every_package_has_an_exact_version_and_a_digest_and_no_address() -> None:
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert not any("resolved" in each for each in packages.values())
    asked = {**ASKED["dependencies"], **ASKED["devDependencies"]}
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version


def test_the_wheel_of_pyyaml_is_pure_and_the_same_each_time(tmp_path: Path) -> None:
    first = playground.yaml_wheel(tmp_path)
    content = first.read_bytes()
    assert playground.yaml_wheel(tmp_path).read_bytes() == content
    with ZipFile(first) as archive:
        names = archive.namelist()
        record = archive.read(next(name for name in names if name.endswith("RECORD"))).decode()
    assert "yaml/reader.py" in names
    assert all(name.startswith("yaml/") or ".dist-info/" in name for name in names)
    assert not any(name.endswith(".so") for name in names)
    assert [line.partition(",")[0] for line in record.splitlines()] == names


def test_a_missing_program_or_package_is_named(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("CONVCALC_NODE_MODULES", str(tmp_path))
    assert playground.lacks() in (
        "Node.js is not installed",
        "the packages of npm are not installed: npm ci --prefix web",
    )
