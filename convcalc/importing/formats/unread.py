"""Formats that are known and not read: what a file is, and what gives one that is read.

Most hold Python objects, which only running a program can make sense of, or weights without a
graph. Nothing of such a file is looked at but a few names in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from convcalc.importing.foreign import Content

TAIL = 1 << 20  # bytes at the end of an archive, which list what is in it
MOST_SEARCHED = 1 << 26  # bytes of a file in which a name is looked for


class Unread(NamedTuple):
    """A kind of file, as the end of a sentence, and how to get one that is read."""

    what: str
    advice: str


ONNX_FROM_TORCH = "where the model is built: torch.onnx.export(model, (x,), 'model.onnx')"
JSON_FROM_KERAS = "open('model.json', 'w').write(model.to_json())"

PICKLE = Unread("a PyTorch file of pickled Python objects, which are not read", ONNX_FROM_TORCH)
SCRIPT = Unread(
    "a TorchScript program, which is not read",
    "torch.onnx.export(torch.jit.load(FILE), (x,), 'model.onnx')",
)
KERAS_H5 = Unread(
    "a Keras model in HDF5, which is not read",
    f"model = keras.models.load_model(FILE, compile=False); {JSON_FROM_KERAS}",
)
WEIGHTS_H5 = Unread(
    "an HDF5 file of weights without a graph", f"where the model is built: {JSON_FROM_KERAS}"
)
SAVED_MODEL = Unread(
    "a TensorFlow SavedModel, which is not read",
    "python -m tf2onnx.convert --saved-model FOLDER --output model.onnx",
)
FROZEN = Unread(
    "a TensorFlow graph, which is not read",
    "python -m tf2onnx.convert --graphdef FILE --inputs x:0 --outputs y:0 --output model.onnx",
)
CORE_ML = Unread("a Core ML model, which is not read", f"Core ML comes last: {ONNX_FROM_TORCH}")
EXECUTORCH = Unread(
    "an ExecuTorch program, which is not read",
    "the program that it was made of: torch.export.save(exported, 'model.pt2')",
)
GGUF = Unread(
    "a GGUF file: weights of a language model, without a graph", "a graph is needed, such as ONNX"
)
CAFFE = Unread(
    "a Caffe network, which is not read",
    "python -m caffe2onnx.convert --prototxt FILE --caffemodel WEIGHTS --onnx model.onnx",
)
CAFFE_WEIGHTS = Unread("a file of Caffe's weights, which is not read", CAFFE.advice)
HUGGING_FACE = Unread(
    "a Hugging Face configuration: numbers of a model whose graph is Python code",
    "optimum-cli export onnx --model FOLDER out",
)
PYTHON = Unread(
    "Python code, which is not run",
    f"{ONNX_FROM_TORCH}; or name a callable in it: torch:package.module:callable",
)
DARKNET_WEIGHTS = Unread(
    "a file of darknet's weights, without a graph", "the .cfg that it belongs to is read"
)
NUMPY = Unread("an archive of NumPy arrays, without a graph", "a graph is needed, such as ONNX")
ENGINE = Unread(
    "a TensorRT engine, made for one device", "the ONNX file that it was made of is read"
)
NCNN = Unread("an ncnn network, which is not read", "the file that it was converted from may be")
PADDLE = Unread(
    "a Paddle model, which is not read",
    "paddle2onnx --model_dir FOLDER --model_filename FILE --save_file model.onnx",
)

ENDINGS: Mapping[str, Unread] = {
    ".pt": PICKLE,
    ".pth": PICKLE,
    ".ckpt": PICKLE,
    ".pkl": PICKLE,
    ".h5": KERAS_H5,
    ".hdf5": KERAS_H5,
    ".pb": FROZEN,
    ".mlmodel": CORE_ML,
    ".pte": EXECUTORCH,
    ".gguf": GGUF,
    ".prototxt": CAFFE,
    ".caffemodel": CAFFE_WEIGHTS,
    ".py": PYTHON,
    ".weights": DARKNET_WEIGHTS,
    ".npz": NUMPY,
    ".engine": ENGINE,
    ".plan": ENGINE,
    ".pdmodel": PADDLE,
}

# What a file begins with, or has in its first bytes.
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], Unread], ...] = (
    (re.compile(rb"\x80[\x02-\x05]"), PICKLE),
    (re.compile(rb"GGUF"), GGUF),
    (re.compile(rb"(?s)....ET\d\d"), EXECUTORCH),
    (re.compile(rb"7767517\n"), NCNN),
    (re.compile(rb"(?s)\s*\{.*\"model_type\""), HUGGING_FACE),
    (re.compile(rb"(?ms)(?!convcalc).*^\s*layers?\s*\{"), CAFFE),
)


def found_in(head: bytes, file: str, content: Callable[[], Content]) -> Unread | None:
    """Return what a file is by its first bytes, else by its ending; None if it is not known.

    ``content`` gives all of it; it is asked for archives and HDF5 alone.
    """
    ending = file[file.rfind(".") :].lower() if "." in file else ""
    if head.startswith(b"PK\x03\x04"):
        return _archive(_tail(content()), ending)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return KERAS_H5 if content()[:MOST_SEARCHED].find(b"model_config") >= 0 else WEIGHTS_H5
    if ending in (".yaml", ".yml"):
        return None
    found = next((each for pattern, each in _BEGINNINGS if pattern.match(head)), None)
    if found is None and file.endswith("saved_model.pb"):
        return SAVED_MODEL
    return found or ENDINGS.get(ending)


def _tail(content: Content) -> bytes:
    return bytes(content[-TAIL:])


def _archive(names: bytes, ending: str) -> Unread | None:
    """Return what a zip archive is by the names at its end."""
    if b"/constants.pkl" in names and b"/code/" in names:
        return SCRIPT
    if b"data.pkl" in names:
        return PICKLE
    if b".npy" in names:
        return NUMPY
    return ENDINGS.get(ending)


def folder_of(names: set[str]) -> Unread | None:
    """Return what a folder is by the names in it; None if it is not a model."""
    if "saved_model.pb" in names:
        return SAVED_MODEL
    if "Manifest.json" in names and "Data" in names:
        return CORE_ML
    return None
