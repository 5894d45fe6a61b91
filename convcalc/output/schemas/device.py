"""The JSON Schema (draft 7) of the files of devices, for editors."""

from __future__ import annotations

from convcalc.analysis.devices.device import NUMBERS, PEAK_UNIT
from convcalc.analysis.devices.reading import DEVICE_KEYS, LONGEST, VERSION
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.words import Schema, closed, described, document, mapping, ref

_TEXT: Schema = {"type": "string", "maxLength": LONGEST}
_AMOUNT: Schema = {
    "type": ["number", "string"],
    "pattern": "^ *([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]{1,2})? ?([kMGT]|[KMGT]iB|B)? *$",
}


def device_schema() -> Schema:
    """Return the schema of a device file."""
    figure = closed(
        {"value": _AMOUNT, "source": {**_TEXT, "minLength": 1}, "note": _TEXT}, ["value", "source"]
    )
    one = ref("number")
    keys: Schema = {
        "convcalc-device": {"const": VERSION, "description": "version of the format"},
        "title": described(_TEXT, "the device in words"),
        "runtime": described(_TEXT, "the fusion rules that hold unless others are named"),
        "sources": mapping(_TEXT, description="documents by a name that numbers refer to"),
        "peak": closed(
            dict.fromkeys(DTYPES, one), [], description=f"{PEAK_UNIT} by data type, no sparsity"
        ),
        **{key: described(one, about) for key, (_, about) in NUMBERS.items()},
    }
    return document(
        "convcalc device",
        "What a device can do at most, each number with its source.",
        closed({key: keys[key] for key in DEVICE_KEYS}, ["convcalc-device"]),
        {"number": figure},
    )
