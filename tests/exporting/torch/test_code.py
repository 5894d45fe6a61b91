"""Code of PyTorch as text: what it holds, how it is laid out, and that it is always the same."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from places import ROOT
from shipped import BASES, FILES, file_of, network, source

from convcalc.exporting.refusal import Refused
from convcalc.exporting.torch.write import torch_code, write
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.target import Target

HEAD = "convcalc: 1\nname: small\ninput: [3, 32, 32]\n"


def code_of(text: str, variant: str | None = None) -> str:
    """The code of a network file."""
    found = NetworkSource(Target("small.convcalc.yaml", None, text.encode()))
    assert not found.problems, found.problems
    return write(found, variant, None, {})


def shipped_code(name: str) -> str:
    """The code of a network that ships."""
    found = source(network(name).file)
    assert found.document is not None
    return torch_code(found.document)


def base_of(file: str) -> str:
    """The network that a file describes without a variant."""
    return next(name for name in BASES if file_of(name) == file)


def body_of(code: str, name: str) -> str:
    """The lines of one class."""
    tree = ast.parse(code)
    (found,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    return ast.unparse(found)


@pytest.mark.parametrize(
    ("name", "about", "class_"),
    [
        ("resnet50", "ResNet, residual blocks", "ResNet50"),
        ("resnet_v2", "a ResNet", "ResNetV2"),
        ("nested_unet", "a U-Net of U-Nets", "NestedUNet"),
        ("se_resnet", "SE-ResNet", "SEResNet"),
        ("yolo11n", "YOLO11, small", "YOLO11n"),
        ("resnext", "ResNe, not all of the word", "Resnext"),
        ("MyNet", "MYNET", "MyNet"),
        ("import", "IMPORT", "IMPORT"),
        ("none", "none of it", "None_"),
        ("x", "(X): y = 1; class X", "X"),
    ],
)
def test_the_class_of_the_network_has_the_capitals_of_the_description(
    name: str, about: str, class_: str
) -> None:
    text = f"convcalc: 1\nname: {name}\ndescription: {about!r}\ninput: [3, 8, 8]\nlayers: [relu]\n"
    classes = [n.name for n in ast.parse(code_of(text)).body if isinstance(n, ast.ClassDef)]
    assert classes == [class_]


def test_a_block_keeps_its_name_whatever_the_description_says() -> None:
    code = code_of(
        "convcalc: 1\nname: wavenet\ndescription: WaveNet\ninput: [3, 8, 8]\n"
        "blocks: {WaveNet: {layers: [relu]}}\nlayers: [WaveNet]\n"
    )
    classes = [node.name for node in ast.parse(code).body if isinstance(node, ast.ClassDef)]
    assert classes == ["WaveNet", "Wavenet"]


def test_an_argument_keeps_its_name_and_a_variable_of_a_loop_gives_way() -> None:
    code = code_of(
        HEAD + "params: {pool: [true, false], channels: 5}\n"
        "layers:\n"
        "  - seq: [{max_pool: {k: 2}, if: pool}, {conv: {out: c, k: 1}}]\n"
        "    for: {pool: pool, c: [8, 16]}\n"
        "  - conv: {out: channels, k: 1}\n"
    )
    body = body_of(code, "Small")
    assert "pool: Sequence[bool]=(True, False), channels: int=5" in body
    assert "for pool2, c in zip(pool, (8, 16), strict=True):" in body
    assert "if pool2:" in body
    assert "nn.Conv2d(channels2, channels, 1)" in body


def test_a_block_is_a_class_with_its_params_as_arguments() -> None:
    code = code_of(
        HEAD + "blocks:\n"
        "  ConvBn:                       # a convolution, normalised\n"
        "    params: {c: int, k: 3, act: true}\n"
        "    layers:\n"
        "      - conv: {out: c, k: k, p: k//2, bias: false}\n"
        "      - batch_norm\n"
        "      - {relu: {}, if: act}\n"
        "layers:\n"
        "  - ConvBn: {c: 8}\n"
        "  - ConvBn: {c: 16, k: 1, act: false}\n"
    )
    assert '"""A convolution, normalised."""' in code
    made = body_of(code, "ConvBn")
    assert "class ConvBn(nn.Sequential)" in made
    assert "in_channels: int, c: int, k: int=3, act: bool=True" in made
    assert "padding=k // 2" in made
    assert "def forward" not in made
    assert "self.conv_bn1 = ConvBn(in_channels, 8)" in code
    assert "self.conv_bn2 = ConvBn(8, 16, k=1, act=False)" in code


def test_a_variant_is_a_function() -> None:
    code = shipped_code("resnet50")
    assert "def wide_resnet50_2() -> ResNet50:" in code
    assert "    return ResNet50(wide=2)" in code
    assert "def resnet50() -> ResNet50:\n" in code


def test_a_residual_is_a_sum_in_forward() -> None:
    made = body_of(shipped_code("resnet50"), "Bottleneck")
    assert "if s > 1 or in_channels != c * 4:" in made
    assert "x = y + self.shortcut(x)" in made


def test_a_loop_over_modules_is_a_loop_in_the_constructor() -> None:
    made = body_of(shipped_code("resnet50"), "ResNet50")
    assert "for c, n, s in zip((64, 128, 256, 512), depths, (1, 2, 2, 2), strict=True):" in made


def test_weights_that_are_shared_are_one_module_called_again() -> None:
    code = code_of(
        HEAD + "layers:\n"
        "  - {conv: {out: 8, k: 3}, id: first}\n"
        "  - {conv: {out: 8, k: 3}, from: input, share: first, id: second}\n"
        "  - add: [first, second]\n"
    )
    assert code.count("nn.Conv2d(") == 1
    assert code.count("self.first(x)") == 2


def test_a_linear_layer_behind_a_flatten_has_its_number() -> None:
    code = code_of(HEAD + "layers: [{conv: {out: 8, k: 3}}, flatten, {linear: {out: 10}}]\n")
    assert "nn.Linear(8 * 900, 10)" in code or "nn.Linear(7200, 10)" in code


def test_what_is_no_module_of_pytorch_is_a_class_of_the_file() -> None:
    code = shipped_code("fasternet_t0")
    assert code.count("class PartialConv2d(nn.Module)") == 1
    assert "convcalc.exporting" not in code


def test_only_what_is_used_is_written() -> None:
    assert "SqueezeExcite" not in shipped_code("resnet50")


REFUSED = [
    ("rfcn", "ps_roi_pool", "ps_roi_pool has no counterpart"),
    ("segnet", "max_unpool", "max_unpool has no counterpart"),
    ("raft", "correlation", "correlation has no counterpart"),
    ("cascade_mask_rcnn_internimage", "roi_align", "that does not take boxes"),
]


@pytest.mark.parametrize(("file", "what", "message"), REFUSED)
def test_a_refusal_names_the_operator_and_its_place(file: str, what: str, message: str) -> None:
    with pytest.raises(Refused) as found:
        shipped_code(base_of(f"{file}.convcalc.yaml"))
    assert found.value.what == what
    assert message in found.value.message
    assert ".convcalc.yaml:" in found.value.message


def test_a_file_that_names_a_model_is_refused() -> None:
    text = b"convcalc: 1\nmodel: net.onnx\n"
    found = NetworkSource(Target("net.convcalc.yaml", None, text))
    with pytest.raises(Exception, match="names a model in place of layers"):
        write(found, None, None, {})


HOSTILE = [
    ("double", "the method of nn.Module"),
    ("forward", "the method that is written"),
    ("type", "a name of nn.Module's"),
    ("self", "the instance"),
    ("torch", "a module"),
    ("nn", "a module"),
    ("x", "the variable of forward"),
    ("Tensor", "a class"),
    ("out_channels", "an attribute of the class"),
    ("μ", "a letter that Python reads as another"),
    ("__class__", "what Python uses"),
    ("super", "a function"),
    ("range", "a function"),
]


@pytest.mark.parametrize(("name", "why"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_a_name_that_means_something_gets_another(name: str, why: str) -> None:
    code = code_of(
        HEAD + "blocks:\n"
        f"  B: {{params: {{{name}: 4}}, layers: [{{conv: {{out: {name}, k: 1}}}}]}}\n"
        "layers:\n"
        f"  - {{conv: {{out: 8, k: 3}}, id: {name}}}\n"
        "  - {conv: {out: 8, k: 1}, id: other}\n"
        f"  - add: [{name}, other]\n"
        f"  - {{B: {{{name}: 6}}}}\n"
    )
    ast.parse(code)
    assert why


@pytest.mark.parametrize("name", ["__init__", "_modules", "__setattr__", "_call_impl"])
def test_what_a_module_has_for_itself_is_not_replaced(name: str) -> None:
    code = code_of(HEAD + f"layers: [{{conv: {{out: 8, k: 3}}, id: {name}}}, relu]\n")
    assert f"{name} =" not in code
    assert f"self.{name.strip('_')}" in code


@pytest.mark.parametrize("name", ["lambda", "match", "\ufb01", "None_", "yield"])
def test_an_id_that_is_no_name_of_python_gets_another(name: str) -> None:
    code = code_of(
        HEAD + "layers:\n"
        f"  - {{conv: {{out: 8, k: 3}}, id: {name}}}\n"
        "  - {conv: {out: 8, k: 1}, id: other}\n"
        f"  - add: [{name}, other]\n"
    )
    ast.parse(code)
    assert "\ufb01" not in code


def test_a_text_cannot_leave_its_docstring() -> None:
    code = code_of(
        "convcalc: 1\nname: small\ninput: [3, 8, 8]\n"
        'description: "\\"\\"\\"\\nimport os\\nos.system(\'id\') \\\\"\n'
        "blocks:\n"
        '  B:                            # """; import os; os.system("id")\n'
        "    layers: [relu]\n"
        "layers: [B, {conv: {out: 4, k: 1}}]\n"
    )
    tree = ast.parse(code)
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"torch", "math", "torch.nn.functional"}
    called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not any("system" in name for name in called)


@pytest.mark.parametrize("name", ["resnet50", "yolov8n", "hrnet_w18", "swin_t"])
def test_the_same_file_gives_the_same_bytes(name: str) -> None:
    text = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from exporting.torch.test_code import shipped_code\n"
        f"sys.stdout.buffer.write(shipped_code({name!r}).encode())"
    )
    found = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [sys.executable, "-c", text], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        found.add(ran.stdout)
    assert len(found) == 1


CLEAN = sorted({file for file in FILES if zlib.crc32(file.encode()) % 4 == 0})


@pytest.mark.parametrize("file", CLEAN)
def test_code_is_what_ruff_asks_for(file: str, tmp_path: Path) -> None:
    try:
        (tmp_path / "code.py").write_text(shipped_code(base_of(file)), "utf-8")
    except Refused:
        return
    ruff("check", "--select", "E,F,I,UP,B", str(tmp_path))
    ruff("format", "--check", str(tmp_path))


def test_the_classes_that_pytorch_lacks_are_what_ruff_asks_for() -> None:
    folder = ROOT / "convcalc" / "exporting" / "torch" / "modules"
    ruff("check", "--select", "E,F,I,UP,B,SIM,C4", str(folder))
    ruff("format", "--check", "--line-length", "88", str(folder))


def ruff(command: str, *arguments: str) -> None:
    """Runs ruff, without the settings of this project."""
    line = [sys.executable, "-m", "ruff", command, "--isolated", "--target-version", "py310"]
    ran = subprocess.run([*line, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
