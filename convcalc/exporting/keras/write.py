"""A network file as Keras code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.diagnostics.work import limited
from convcalc.exporting.keras.module_text import module_text
from convcalc.exporting.keras.writer import Writer
from convcalc.exporting.opened import document_of, variants_of
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import traced
from convcalc.language.building import Document
from convcalc.language.head.inputs import Inputs


@limited
def keras_code(
    document: Document,
    variant: str | None = None,
    inputs: Inputs = None,
    params: Mapping[str, Any] | None = None,
) -> str:
    """A module with the network and its variants; with one alone if others cannot be written.

    Raises Refused for the first thing that has no counterpart in Keras.
    """
    chosen = variant or ""
    every = variants_of(document, chosen, inputs, params)
    try:
        return _written(document, every, inputs, params)
    except (Refused, NetworkError):
        if every == [chosen]:
            raise
    return _written(document, [chosen], inputs, params)


def _written(
    document: Document, variants: list[str], inputs: Inputs, params: Mapping[str, Any] | None
) -> str:
    writer = Writer(traced(document, variants, inputs, params))
    writer.write()
    return module_text(writer)


def write(source: object, variant: str | None, inputs: Inputs, params: Mapping[str, Any]) -> str:
    """The code of an opened target; Error for a model, and for a file without layers."""
    return keras_code(document_of(source), variant, inputs, params or None)
