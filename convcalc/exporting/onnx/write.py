"""Writes the network of a target as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.exporting.onnx.model import onnx_file
from convcalc.language.head.inputs import Inputs
from convcalc.model.graph.network import Network


class _Source(Protocol):
    """A file, or a model of another program, that networks are made from."""

    def network(
        self, variant: str | None, inputs: Inputs, params: Mapping[str, Any] | None
    ) -> Network: ...


def write(source: _Source, variant: str | None, inputs: Inputs, params: Mapping[str, Any]) -> bytes:
    """The file of an opened target; raises NetworkError for a network that has problems."""
    network = source.network(variant, inputs, params or None)
    errors = [problem for problem in network.problems if problem.severity == "error"]
    if errors:
        raise NetworkError(errors)
    return onnx_file(network)
