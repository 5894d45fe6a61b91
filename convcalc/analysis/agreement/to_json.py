"""An agreement in JSON types: the public interface of ``verify -f json``."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from convcalc._version import __version__
from convcalc.analysis.agreement.agreement import Agreement
from convcalc.analysis.agreement.differing import Difference
from convcalc.analysis.agreement.explaining import Finding
from convcalc.analysis.agreement.totals import Total
from convcalc.analysis.agreement.unit import Unit
from convcalc.analysis.report.to_json import plain
from convcalc.model.graph.network import Network

SCHEMA = "convcalc/verify-v1"


def agreement_payload(found: Agreement) -> dict[str, Any]:
    """The agreement in JSON types; its keys never change their meaning within a ``schema``."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "convcalc", "version": __version__},
        "design": _side(found.old, found.layers[0]),
        "model": _side(found.new, found.layers[1]),
        "agrees": found.agrees,
        "agreeing_layers": found.agreeing,
        "norms_folded": found.folded,
        "totals": {total.key: _total(total) for total in found.totals},
        "findings": [_finding(each) for each in found.findings],
        "notes": list(found.notes),
    }


def _side(network: Network, layers: int) -> dict[str, Any]:
    return {
        "network": network.name,
        "variant": network.variant,
        "source": network.file,
        "inputs": {name: plain(shape) for name, shape in network.inputs.items()},
        "compared_layers": layers,
    }


def _total(total: Total) -> dict[str, Any]:
    return {
        "design": plain(total.old),
        "model": plain(total.new),
        "same": total.is_same,
        "why": total.why or None,
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.first.kind,
        "count": len(found.differences),
        "factor": None if found.factor is None else str(found.factor),
        "why": found.first.why or None,
        "differences": [_difference(each) for each in found.differences],
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "design": _units(found.old),
        "model": _units(found.new),
        "changes": {
            change.key: {"design": _plain(change.old), "model": _plain(change.new)}
            for change in found.changes
        },
    }


def _units(units: Sequence[Unit]) -> list[dict[str, Any]]:
    return [
        {
            "path": unit.path,
            "operator": unit.kind,
            "file": unit.layer.place.file,
            "line": unit.layer.place.line,
            "element": unit.layer.place.element or None,
        }
        for unit in units
    ]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else plain(value)
