"""Writes a code quality report for GitLab.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import (
    View,
    budget_words,
    fingerprints,
    json_text,
    one_line,
    place_in_review,
    silenced_findings,
    with_fingerprints,
)

_SEVERITIES = {"error": "major", "warning": "minor"}


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one JSON list of all findings with their fingerprints.

    A budget or pin that is silenced is for information; the format knows nothing else for it.
    """
    done = list(results)
    silenced = (hidden.found for hidden in silenced_findings(done))
    marked = ((f, f"silenced-{mark}") for f, mark in with_fingerprints(silenced))
    yield json_text(
        [_issue(found, fingerprint) for found, fingerprint in fingerprints(done)]
        + [
            _issue(found, mark) | {"severity": "info", "description": f"silenced: {_text(found)}"}
            for found, mark in marked
        ]
    )


def _issue(found: Diagnostic, fingerprint: str) -> dict[str, Any]:
    return {
        "description": _text(found),
        "check_name": found.code,
        "fingerprint": fingerprint,
        "severity": "blocker" if found.code == "CC000" else _SEVERITIES[found.severity],
        "location": {
            "path": place_in_review(found).file.replace(os.sep, "/"),
            "lines": {"begin": place_in_review(found).line},
        },
    }


def _text(found: Diagnostic) -> str:
    words = filter(None, (one_line(found.within), budget_words(found)))
    about = f" ({visible(' '.join(words))})" if found.within else ""
    return f"{found.code} {found.name}: {visible(found.message)}{about}"
