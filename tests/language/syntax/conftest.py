"""Both of PyYAML's parsers."""

from __future__ import annotations

import pytest
import yaml

from convcalc.language.syntax import reader as document


@pytest.fixture(params=["CBaseLoader", "BaseLoader"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: the C one and the pure one that replaces it."""
    monkeypatch.setattr(document, "_LOADER", getattr(yaml, request.param))
