"""A network file as PyTorch code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.diagnostics.work import limited
from convcalc.exporting.opened import document_of, variants_of
from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.module_text import module_text
from convcalc.exporting.torch.writer import Writer
from convcalc.exporting.trace import traced
from convcalc.language.building import Document
from convcalc.language.head.inputs import Inputs


@limited
def torch_code(
    document: Document,
    variant: str | None = None,
    inputs: Inputs = None,
    params: Mapping[str, Any] | None = None,
) -> str:
    """A module with the network and its variants, without those that are refused.

    Raises Refused for the first thing that has no counterpart in PyTorch.
    """
    chosen = variant or ""
    every = variants_of(document, chosen, inputs, params)
    try:
        return _written(document, every, inputs, params)
    except (Refused, NetworkError):
        text = _written(document, [chosen], inputs, params)  # what is refused of it, is refused
    kept = [chosen]
    for each in every:
        if each != chosen:
            try:
                text = _written(document, [*kept, each], inputs, params)
            except (Refused, NetworkError):
                continue
            kept.append(each)
    return text


def _written(
    document: Document, variants: list[str], inputs: Inputs, params: Mapping[str, Any] | None
) -> str:
    trace = traced(document, variants, inputs, params)
    writer = Writer(trace)
    writer.write()
    return module_text(writer)


def write(source: object, variant: str | None, inputs: Inputs, params: Mapping[str, Any]) -> str:
    """The code of an opened target; Error for a model, and for a file without layers."""
    return torch_code(document_of(source), variant, inputs, params or None)
