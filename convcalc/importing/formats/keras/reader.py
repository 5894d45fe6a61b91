"""Reads a Keras model: the ``config.json`` of a ``.keras`` file, or what ``to_json()`` writes.

Weights are never opened: each layer says by its settings what it learns. Code that a Lambda layer
holds is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from convcalc.importing.foreign import Content, OneGraph, Unreadable
from convcalc.importing.formats.keras.archive import member
from convcalc.importing.formats.keras.models import graph_of

MOST_CONFIG = 64 * 2**20  # bytes of the configuration; the largest of Keras' own has 1 MiB
CONFIG, METADATA = "config.json", "metadata.json"


def open_model(content: Content, file: str) -> OneGraph:
    """The model of a Keras file; Unreadable if it is damaged, too large, or a model in code."""
    version = ""
    if content[:4] == b"PK\3\4":
        config = _json(member(content, CONFIG, MOST_CONFIG), CONFIG)
        version = _version(content)
    else:
        if len(content) > MOST_CONFIG:
            raise Unreadable(f"it is larger than {MOST_CONFIG // 2**20} MiB")
        config = _json(bytes(content), "")
    version = version or _text(config.get("keras_version"))
    description = f"saved by Keras {version}" if version else "a Keras model"
    return OneGraph(graph_of(config, file)._replace(description=description))


def _version(content: Content) -> str:
    """The version of Keras that wrote an archive; empty if it does not say."""
    try:
        return _text(_json(member(content, METADATA, 2**16), METADATA).get("keras_version"))
    except Unreadable:
        return ""


def _text(value: Any) -> str:
    return value[:40] if isinstance(value, str) else ""


def _whole(text: str) -> int | float:
    """A whole number; one that no size can be is not a whole number where one is wanted."""
    return int(text) if len(text) < 11 else float(text)


def _json(content: bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_int=_whole)
    except (ValueError, RecursionError) as error:
        what = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise Unreadable(f"its configuration cannot be read: {what}", element=name) from None
    if not isinstance(found, dict):
        raise Unreadable("its configuration is not an object", element=name)
    return found
