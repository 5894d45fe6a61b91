"""Writes SARIF 2.1.0, which code scanning services read.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from convcalc._version import __version__
from convcalc.checking.rules import page, summary
from convcalc.checking.run import Checked
from convcalc.diagnostics.codes import RULES
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import View, fingerprints, json_text, with_fingerprints

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one JSON document with one run."""
    done = list(results)
    found = list(fingerprints(done))
    hidden = [each for result in done for each in result.hidden]
    silenced = with_fingerprints(each.found for each in hidden)
    codes = sorted({each.code for each in (*(f for f, _ in found), *(h.found for h in hidden))})
    indices = {code: index for index, code in enumerate(codes)}
    driver = {
        "name": "convcalc",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    unread = [each for each, _ in found if each.code == "CC000"]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not unread,
                "toolExecutionNotifications": [
                    {"level": "error", "message": _message(each.message)} for each in unread
                ],
            }
        ],
        "results": [
            *(_result(each, name, indices) for each, name in found),
            *(
                _result(each, f"silenced-{name}", indices) | _suppression(by.by_comment)
                for by, (each, name) in zip(hidden, silenced, strict=True)
            ),
        ],
    }
    yield json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": summary(rule)},
        "fullDescription": {"text": summary(rule)},
        "help": {"text": page(rule)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(found: Diagnostic, fingerprint: str, indices: Mapping[str, int]) -> dict[str, Any]:
    more = [found.measured, *found.notes, f"help: {found.help}" if found.help else "", found.within]
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": indices[found.code],
        "level": found.severity,
        "message": _message(found.message, *filter(None, more)),
        "locations": [_location(found.place)],
        "partialFingerprints": {"convcalc/v1": fingerprint},
    }
    if found.related:
        result["relatedLocations"] = [
            {**_location(each.place), "message": _message(each.note)} for each in found.related
        ]
    return result


def _suppression(by_comment: bool) -> dict[str, Any]:
    """Return what says that a finding is silenced: in the source, or by settings outside of it."""
    return {"suppressions": [{"kind": "inSource" if by_comment else "external"}]}


def _message(*lines: str) -> dict[str, str]:
    """Return a message in which nothing is a link, as ``[text](target)`` would be (§3.11.6)."""
    return {"text": "\n".join(map(visible, lines)).replace("](", "]\\(")}


def _location(place: Place) -> dict[str, Any]:
    """Return a place, with the element of a model; a relative path counts from where it runs."""
    path = place.file.replace(os.sep, "/").encode("utf-8", "surrogateescape")
    uri = f"file://{quote(path)}" if os.path.isabs(place.file) else quote(path)
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end:
        region["endColumn"] = place.end
    found: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}
    }
    if place.element:
        found["logicalLocations"] = [{"fullyQualifiedName": visible(place.element)}]
    return found
