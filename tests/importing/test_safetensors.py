"""safetensors: a table of parameters, without a graph."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from math import prod
from pathlib import Path

import pytest
from command import Command

from convcalc.analysis.analyse import analyse
from convcalc.importing.formats import detect
from convcalc.importing.formats.safetensors import WIDTHS
from convcalc.importing.opening import open_source
from convcalc.language.file_facts import NetworkFile
from convcalc.language.sources.target import Target

Tensors = Mapping[str, tuple[str, list[int]]]


def safetensors(tensors: Tensors, extra: int = 0) -> bytes:
    """A file of zeros with these kinds and sizes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (kind, sizes) in tensors.items():
        begin, end = end, end + prod(sizes) * WIDTHS[kind]
        header[name] = {"dtype": kind, "shape": sizes, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(max(end + extra, 0))


def network(content: bytes) -> NetworkFile:
    return open_source(Target("m.safetensors", text=content)).network()


def resnet18() -> dict[str, tuple[str, list[int]]]:
    """The state dict of torchvision's ResNet-18 (He et al., arXiv 1512.03385, table 1)."""
    found: dict[str, tuple[str, list[int]]] = {}

    def conv(name: str, out: int, c: int, k: int) -> None:
        found[f"{name}.weight"] = ("F32", [out, c, k, k])

    def norm(name: str, c: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{part}"] = ("F32", [c])
        found[f"{name}.num_batches_tracked"] = ("I64", [])

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    before = 64
    for stage, c in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            at = f"layer{stage}.{block}"
            conv(f"{at}.conv1", c, before, 3)
            norm(f"{at}.bn1", c)
            conv(f"{at}.conv2", c, c, 3)
            norm(f"{at}.bn2", c)
            if before != c:
                conv(f"{at}.downsample.0", c, before, 1)
                norm(f"{at}.downsample.1", c)
            before = c
    found["fc.weight"], found["fc.bias"] = ("F32", [1000, 512]), ("F32", [1000])
    return found


def test_resnet18_has_its_parameters_and_no_macs() -> None:
    """11,689,512 parameters, as torchvision says; 9,600 running statistics and 20 counters."""
    found = network(safetensors(resnet18()))
    assert not found.problems
    totals = analyse(found).totals
    assert (totals.params, totals.buffers) == (11_689_512, 9_620)
    assert not isinstance(totals.macs, int)
    assert not isinstance(totals.activations, int)
    assert not found.outputs
    assert not found.inputs


def test_get_show_and_check_work(tmp_path: Path, convcalc: Command) -> None:
    path = tmp_path / "r18.safetensors"
    path.write_bytes(safetensors(resnet18()))
    for line, wanted in (
        (f"get totals.params {path}", "11689512"),
        (f"show {path}", "unknown, weights + dynamic"),
        (f"check {path}", "0 errors"),
    ):
        ran = convcalc(line)
        assert ran.code == 0
        assert wanted in ran.out


def test_names_group_and_stand_in_the_order_of_their_numbers() -> None:
    names = ["m.10.weight", "m.9.weight", "m.9.bias"]
    found = network(safetensors({name: ("F32", [2, 3]) for name in names}))
    assert [layer.path for layer in found.layers[:-1]] == ["m.9.bias", "m.9.weight", "m.10.weight"]
    assert [group.path for group in found.layers[0].groups] == ["m", "m.9"]


def test_integers_that_count_are_buffers_and_small_ones_may_be_weights() -> None:
    tensors: Tensors = {"index": ("I64", [7]), "mask": ("BOOL", [5]), "packed": ("U8", [3])}
    totals = analyse(network(safetensors(tensors))).totals
    assert (totals.params, totals.buffers) == (3, 12)


def test_more_axes_than_a_tensor_of_ours_has_and_none() -> None:
    tensors: Tensors = {"deep": ("F16", [2, 3, 4, 5, 6]), "one": ("F32", []), "no": ("F32", [0, 4])}
    assert analyse(network(safetensors(tensors))).totals.params == 721


def test_only_the_header_is_read(tmp_path: Path) -> None:
    """A file of 64 GiB that is all hole is read as fast as its header."""
    path = tmp_path / "large.safetensors"
    content = safetensors({"w": ("F32", [1])})
    large = content.replace(b"[1]", b"[4294967296]").replace(b"[0, 4]", b"[0, 17179869184]")
    size = len(large) - 8 - 4
    with path.open("wb") as file:
        file.write(size.to_bytes(8, "little") + large[8:-4])
        file.truncate(8 + size + 2**34)
    found = open_source(Target(str(path))).network()
    assert analyse(found).totals.params == 2**32


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x10\0\0\0\0\0\0\0{}", "it is cut off within its header"),
        (b"\xff" * 8 + b'{"', "at most"),
        (b"\x02\0\0\0\0\0\0\0{]", "its header is not JSON"),
        (b"\x02\0\0\0\0\0\0\0[]", "its header is not a mapping of names"),
        (safetensors({}), "it holds no tensor"),
        (safetensors({"w": ("F32", [9])}, -4), "its numbers lie outside the file"),
        (
            safetensors({"w": ("F32", [9])}).replace(b"F32", b"F64"),
            "9 numbers of kind F64 in 36 bytes",
        ),
    ],
)
def test_damage_is_named(content: bytes, message: str) -> None:
    (found,) = (
        open_source(Target("m.safetensors", text=content, format="safetensors")).network().problems
    )
    assert found.name == "damaged-model"
    assert message in found.message


def test_it_is_known_by_its_first_bytes() -> None:
    assert detect(safetensors({"w": ("F32", [1])}), "anything") == "safetensors"
    assert not detect(b"\x08\0\0\0\0\0\0\0[1, 2]  ", "x.safetensors")


def test_damaged_files_are_problems_and_nothing_else() -> None:
    rng = random.Random(15)
    whole = safetensors({name: (kind, [2]) for name, (kind, _) in list(resnet18().items())[:20]})
    for _ in range(400):
        content = bytearray(whole[: rng.randrange(len(whole))])
        for _ in range(rng.randrange(6)):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        target = Target("m.safetensors", text=bytes(content), format="safetensors")
        found = open_source(target).network()
        assert found.problems or found.layers
