"""Formats that are known and not read: each is named, with what gives a file that is read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from convcalc.importing.addressing import target_at
from convcalc.importing.opening import open_source
from convcalc.language.sources.target import Target, TargetError


def archive(*names: str) -> bytes:
    """A zip archive of empty files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, "")
    return content.getvalue()


HDF5 = b"\x89HDF\r\n\x1a\n" + b"\0" * 500
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before 1.6

FILES = [
    ("m.pt", archive("archive/data.pkl", "archive/data/0"), "pickled", "torch.onnx.export"),
    ("m.bin", archive("m/data.pkl"), "pickled", "torch.onnx.export"),
    ("m.pth", LEGACY, "pickled", "torch.onnx.export"),
    (
        "m.pt",
        archive("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"),
        "TorchScript",
        "torch.jit.load",
    ),
    ("m.h5", HDF5 + b"model_config" + HDF5, "Keras model in HDF5", "to_json()"),
    ("m.h5", HDF5, "HDF5 file of weights", "to_json()"),
    ("m.gguf", b"GGUF\3\0\0\0", "GGUF", "ONNX"),
    ("x", b"\x1c\0\0\0ET12", "ExecuTorch", "torch.export.save"),
    ("m.mlmodel", b"\x08\x05", "Core ML", "torch.onnx.export"),
    ("graph.pb", b"\x0a\x11", "TensorFlow graph", "tf2onnx"),
    ("a/saved_model.pb", b"\x08\x01", "TensorFlow SavedModel", "tf2onnx"),
    ("x.txt", b'name: "n"\nlayer {\n  name: "a"\n}\n', "Caffe network", "caffe2onnx"),
    ("n.prototxt", b"# nothing\n", "Caffe network", "caffe2onnx"),
    ("n.caffemodel", b"\x0a", "Caffe's weights", "caffe2onnx"),
    ("config.json", b'{\n "model_type": "resnet"}', "Hugging Face", "optimum-cli"),
    ("net.py", b"import torch\n", "Python code", "torch:package.module:callable"),
    ("yolo.weights", b"\0\0\0\0", "darknet's weights", ".cfg"),
    ("m.npz", archive("a.npy"), "NumPy", "ONNX"),
    ("m.engine", b"ftrt", "TensorRT", "ONNX"),
    ("n.param", b"7767517\n3 3\n", "ncnn", "converted"),
    ("m.pdmodel", b"\x0a", "Paddle", "paddle2onnx"),
]


@pytest.mark.parametrize(("name", "content", "what", "advice"), FILES)
def test_a_file_is_named_and_how_to_get_one_that_is_read(
    name: str, content: bytes, what: str, advice: str
) -> None:
    with pytest.raises(TargetError) as raised:
        open_source(Target(name, text=content))
    assert raised.value.message.startswith(f"{name} is ")
    assert what in raised.value.message
    assert advice in raised.value.help


@pytest.mark.parametrize(("name", "content", "what"), [row[:3] for row in FILES[:6]])
def test_the_same_on_the_disk(name: str, content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TargetError, match=what):
        open_source(Target(str(path)))


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["saved_model.pb", "variables"], "TensorFlow SavedModel"),
        (["Manifest.json", "Data"], "Core ML"),
    ],
)
def test_a_folder_that_is_a_model(names: list[str], what: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(TargetError, match=what):
        target_at(str(tmp_path))


def test_another_folder_stays_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="is a folder"):
        target_at(str(tmp_path))


@pytest.mark.parametrize(
    "content",
    [b"convcalc: 1\nname: n\ninput: [3, 8, 8]\nlayers:\n  - relu\n", b"", b"PK\x03\x04", b"hello"],
)
def test_what_is_not_known_is_read_as_a_network(content: bytes) -> None:
    found = open_source(Target("net.txt", text=content)).network()
    assert found.layers or found.problems
