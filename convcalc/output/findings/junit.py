"""Writes JUnit XML: one suite per file, one case for its problems and one per budget or pin.

Source of the format: https://github.com/jenkinsci/xunit-plugin (junit-10.xsd), which the readers
of CI servers follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

from convcalc.checking.budgets.verdict import Verdict
from convcalc.checking.run import Checked
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.diagnostics.text import full_text
from convcalc.diagnostics.visible import visible
from convcalc.output.findings.base import View, one_line


def chunks(results: Iterable[Checked], view: View) -> Iterator[str]:
    """Yield one XML document."""
    root = ET.Element("testsuites", name="convcalc")
    for result in results:
        _add_suite(root, result)
    for key in ("tests", "failures", "errors"):  # the root has no number of skipped cases
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root, " ")
    document = ET.tostring(root, encoding="us-ascii").decode()  # which every stream can write
    yield f'<?xml version="1.0" encoding="utf-8"?>\n{document}'


def _add_suite(root: ET.Element, result: Checked) -> None:
    """Add the suite of one file."""
    suite = ET.SubElement(root, "testsuite", name=visible(result.file), time="0")
    judged = {id(found) for verdict in result.verdicts for found in verdict.findings}
    own = [found for found in result.findings if id(found) not in judged]
    problems = _add_case(suite, result.file, "problems")
    for found in own:
        if found.severity == "error":
            _add_failure(problems, found, result.sources, result.unreadable)
    _add_warnings(problems, own, result.sources)
    for verdict in result.verdicts:
        _add_verdict(suite, result, verdict)
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))


def _add_verdict(suite: ET.Element, result: Checked, verdict: Verdict) -> None:
    """Add the case of one budget assertion or pin."""
    budget = f"{verdict.budget}: " if verdict.budget else ""
    name = f"{budget}{verdict.title} ({one_line(verdict.subject)})"
    case = _add_case(suite, result.file, name)
    for found in verdict.findings:
        if found.severity == "error":
            _add_failure(case, found, result.sources)
    if verdict.skipped:
        failure = ET.SubElement(case, "failure", message=visible(verdict.skipped), type="skipped")
        failure.text = f"not measured: {visible(verdict.skipped)}"
    if verdict.silenced:
        message = visible("; ".join(found.message for found in verdict.hidden))
        ET.SubElement(case, "skipped", message=f"silenced: {message}")
    _add_warnings(case, verdict.findings, result.sources)


def _add_case(suite: ET.Element, file: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=visible(file), name=visible(name), time="0")


def _add_failure(
    case: ET.Element, found: Diagnostic, sources: Mapping[str, str], is_error: bool = False
) -> None:
    """Add a failure to a case; an ``error`` if the file could not be checked at all."""
    kind = "error" if is_error else "failure"
    child = ET.SubElement(case, kind, message=visible(found.message), type=found.code)
    child.text = full_text(found, sources)


def _add_warnings(
    case: ET.Element, listed: Iterable[Diagnostic], sources: Mapping[str, str]
) -> None:
    texts = [full_text(found, sources) for found in listed if found.severity != "error"]
    if texts:
        ET.SubElement(case, "system-out").text = "\n".join(texts)
