"""The source of generated code: an opened target as a parsed network file, and which variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.diagnostics.diagnostic import NetworkError
from convcalc.errors import Error
from convcalc.language.building import Building, Document
from convcalc.language.head.inputs import Inputs
from convcalc.language.reading import NetworkSource


def document_of(source: object) -> Document:
    """The parsed file of an opened target; Error for a model, and for a file without layers."""
    if not isinstance(source, NetworkSource):
        raise Error("code is written of network files, and this is a model", "import it first")
    document = source.document
    if document is None:
        raise NetworkError(source.problems)
    if "model" in document.unit.root.keys:
        message = f"{document.unit.file} names a model in place of layers"
        raise Error(message, "import the model, and export what that gives")
    return document


def variants_of(
    document: Document, chosen: str, inputs: Inputs, params: Mapping[str, Any] | None
) -> list[str]:
    """The variants that a module holds: all, but one alone of an input or params of the user.

    Raises TargetError if the chosen one is none of the file's.
    """
    if chosen:
        Building(document, chosen, 1).head.overrides()
    return [chosen] if inputs or params else ["", *document.variants]
