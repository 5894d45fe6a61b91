"""The formats that are read, and those that are recognised and not read.

A format is known by its first bytes; its ending decides only where they do not. Each is a module
or a folder here with a function ``open_model(content, file)``, which gives a
:class:`~convcalc.importing.foreign.Model`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = 4096  # bytes of a file that are looked at to know its format


class Format(NamedTuple):
    """A format: its title, the endings of its files, the module that reads it, whether its files
    are so large that most of them is weights, and whether they are text with lines."""

    title: str
    endings: tuple[str, ...]
    module: str
    is_large: bool = True
    is_text: bool = False


FORMATS = {
    "onnx": Format("ONNX", (".onnx",), "convcalc.importing.formats.onnx.reader"),
    "safetensors": Format(
        "safetensors", (".safetensors",), "convcalc.importing.formats.safetensors"
    ),
    "ultralytics": Format(
        "Ultralytics", (), "convcalc.importing.formats.ultralytics.reader", False, True
    ),
    "darknet": Format(
        "darknet",
        (".cfg",),
        "convcalc.importing.formats.darknet.reader",
        is_large=False,
        is_text=True,
    ),
    "pt2": Format("torch.export", (".pt2",), "convcalc.importing.formats.pt2.reader"),
    "keras": Format("Keras", (".keras",), "convcalc.importing.formats.keras.reader"),
    "openvino": Format("OpenVINO", (".xml",), "convcalc.importing.formats.openvino.reader"),
    "tflite": Format("TensorFlow Lite", (".tflite",), "convcalc.importing.formats.tflite.reader"),
}

_YAML = (".yaml", ".yml")
_SAFETENSORS = re.compile(rb"(?s).{4}\0{4}\{\s*\"")
_DARKNET = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|[#;][^\n]*\n)*\[(?:net|network)\]")


def detect(head: bytes, file: str) -> str:
    """The name of the format of a file by its first bytes and its name; empty for none of these."""
    ending = _ending(file)
    return next((name for name, is_one in _TESTS.items() if is_one(head, ending)), "")


def format_of_ending(file: str) -> str:
    """The name of the format that files of this ending mostly have; empty for none."""
    ending = _ending(file)
    return next((name for name, each in FORMATS.items() if ending in each.endings), "")


def _ending(file: str) -> str:
    found = re.search(r"\.[A-Za-z0-9]+\Z", file)
    return found[0].lower() if found else ""


def _is_darknet(head: bytes, _: str) -> bool:
    """A first section that is the network's."""
    return bool(_DARKNET.match(head))


def _is_safetensors(head: bytes, _: str) -> bool:
    """The length of a header, and JSON that begins with a name."""
    return bool(_SAFETENSORS.match(head))


def _is_tflite(head: bytes, _: str) -> bool:
    """A flatbuffer with TensorFlow Lite's mark."""
    return head[4:8] == b"TFL3"


def _is_ultralytics(head: bytes, ending: str) -> bool:
    """A YAML file with a backbone, which no network of convcalc has at the start of a line."""
    if ending not in (*_YAML, ""):
        return False
    keys = re.findall(rb"^(convcalc|backbone|head):", head, re.M)
    return b"backbone" in keys and b"convcalc" not in keys


def _is_onnx(head: bytes, ending: str) -> bool:
    """A message whose first field is a small version number, followed by another of a model."""
    looks_alike = (
        len(head) > 3 and head[0] == 0x08 and 0 < head[1] < 64 and head[2] in b'\x12\x1a"(2:B'
    )
    return looks_alike and (
        ending == ".onnx" or 0x3A in head or b"onnx" in head or head[2] in b"\x12:B"
    )


def _is_pt2(head: bytes, ending: str) -> bool:
    """A zip archive whose first entries are those of torch.export, or that is called so."""
    is_archive = head[:4] == b"PK\x03\x04"
    marks = (b"/data/weights/", b"models/model.json", b"serialized_exported_program.json")
    if is_archive and (ending == ".pt2" or any(mark in head for mark in marks)):
        return True
    return head[:1] == b"{" and b'"graph_module"' in head[:200]


def _is_openvino(head: bytes, ending: str) -> bool:
    """XML whose root is a net of layers, with a version."""
    return bool(_OPENVINO.match(head)) and (ending == ".xml" or b"<layers>" in head)


_OPENVINO = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>)?\s*(<!--.{0,2000}?-->\s*)*<net[\s>]", re.S
)


def _is_keras(head: bytes, ending: str) -> bool:
    """A zip file that begins with what Keras writes first, or JSON that names a class first."""
    if head.startswith(b"PK\3\4"):
        is_first = head[30:].startswith((b"metadata.json", b"config.json"))
        return is_first and (ending == ".keras" or b"keras_version" in head)
    if head[:1] != b"{":
        return False
    return bool(_KERAS_JSON.match(head)) or (ending == ".keras" and b'"class_name"' in head)


_KERAS_JSON = re.compile(
    rb'\{\s*("module":\s*"[^"]*",\s*)?"class_name":\s*"[^"]*",\s*("name":\s*"[^"]*",\s*)?"config":'
)

_TESTS = {
    "onnx": _is_onnx,
    "darknet": _is_darknet,
    "ultralytics": _is_ultralytics,
    "pt2": _is_pt2,
    "keras": _is_keras,
    "openvino": _is_openvino,
    "tflite": _is_tflite,
    "safetensors": _is_safetensors,
}
