"""A network file as Keras code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.diagnostics.work import limited
from convcalc.errors import Error
from convcalc.exporting.keras.module_text import module_text
from convcalc.exporting.keras.writer import Writer
from convcalc.exporting.refusal import Refused
from convcalc.exporting.trace import traced
from convcalc.language.building import Document
from convcalc.language.head.inputs import Inputs
from convcalc.language.reading import NetworkSource


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
    every = ["", *document.variants] if not inputs and not params else [chosen]
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
    if not isinstance(source, NetworkSource):
        raise Error("code is written of network files, and this is a model", "import it first")
    document = source.document
    if document is None:
        raise NetworkError(source.problems)
    if "model" in document.unit.root.keys:
        message = f"{document.unit.file} names a model in place of layers"
        raise Error(message, "import the model, and export what that gives")
    return keras_code(document, variant, inputs, params or None)
