"""Writes a code quality report for GitLab.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from convcalc.checking.run import Checked
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import View, fingerprints, json_text

_SEVERITIES = {"error": "major", "warning": "minor"}


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one JSON list of all findings with their fingerprints."""
    yield json_text(
        [
            {
                "description": f"{found.code} {found.name}: {visible(found.message)}",
                "check_name": found.code,
                "fingerprint": fingerprint,
                "severity": "blocker" if found.code == "CC000" else _SEVERITIES[found.severity],
                "location": {
                    "path": found.place.file.replace(os.sep, "/"),
                    "lines": {"begin": found.place.line},
                },
            }
            for found, fingerprint in fingerprints(results)
        ]
    )
