# ruff: noqa: E501 - a line per mistake
"""Mistakes of people who come from PyTorch, Keras or another YAML format.

Each has one error, at the right line and column, with advice that works when it is followed to the
letter: the test follows it and reads the file again, clean.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from command import process

from convcalc.analysis.analyse import analyse
from convcalc.diagnostics.diagnostic import Diagnostic
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target

HEAD = "convcalc: 1\ninput: [3, 32, 32]\nlayers:\n"
END = "  - relu\n"


class Mistake(NamedTuple):
    """A file with one mistake; ``»`` stands where the error is expected."""

    text: str
    advice: str


def layers(text: str, advice: str) -> Mistake:
    return Mistake(HEAD + text.rstrip("\n") + "\n" + END, advice)


def inside(fields: str, advice: str) -> Mistake:
    """A mistake in the fields of a convolution."""
    return layers(f"  - conv: {{{fields}}}", advice)


MISTAKES = [
    # operators of PyTorch
    layers("  - »Conv2d: {out_channels: 8, kernel_size: 3}", "use 'conv'"),
    layers("  - »nn.Conv2d: {out_channels: 8, kernel_size: 3}", "use 'conv'"),
    layers("  - »torch.nn.BatchNorm2d", "use 'batch_norm'"),
    layers("  - »nn.ReLU()", "write 'relu'"),
    layers("  - »ConvTranspose2d: {out_channels: 8, kernel_size: 2, stride: 2}", "use 'conv_transpose'"),
    layers("  - »AdaptiveAvgPool2d: {output_size: 1}", "use 'adaptive_avg_pool'"),
    layers("  - »Conv2d(3, 8, kernel_size=3, padding=(1, 1))",
           "write 'conv: {out_channels: 8, kernel_size: 3, padding: [1, 1]}'"),
    layers("  - »MaxPool2d(2, 2)", "write 'max_pool: {kernel_size: 2, stride: 2}'"),
    layers("  - »nn.BatchNorm2d(3)", "write 'batch_norm'"),
    layers("  - »sequential: [relu, tanh]", "use 'seq'"),
    # operators of Keras, TensorFlow, ONNX, MMCV and papers
    layers("  - »Conv2DTranspose: {out_channels: 8, kernel_size: 2}", "use 'conv_transpose'"),
    layers("  - »GlobalAveragePooling2D", "use 'global_avg_pool'"),
    layers("  - »BatchNormalization", "use 'batch_norm'"),
    layers("  - flatten\n  - »Dense: {out_channels: 10}", "use 'linear'"),
    layers("  - »depth_to_space: {factor: 1}", "use 'pixel_shuffle'"),
    layers("  - »DCNv2: {version: 2, out_channels: 8, kernel_size: 3}", "use 'deform_conv'"),
    layers("  - flatten\n  - »Gemm: {out_channels: 10}", "use 'linear'"),
    layers("  - »dilated_conv: {out_channels: 8, kernel_size: 3, dilation: 2}", "use 'conv' with 'dilation'"),
    layers("  - »atrous_conv: {out_channels: 8, kernel_size: 3, dilation: 2}", "use 'conv' with 'dilation'"),
    layers("  - »upconv: {out_channels: 8, kernel_size: 2, stride: 2}", "use 'conv_transpose'"),
    layers("  - »deconv: {out_channels: 8, kernel_size: 2, stride: 2}", "use 'conv_transpose'"),
    layers("  - »transpose: {dims: [1, 3, 2]}", "use 'permute'"),
    layers("  - »se: {reduction: 3}", "use 'squeeze_excite'"),
    layers("  - »covn: {out_channels: 8, kernel_size: 3}", "use 'conv'"),
    layers("  - »Transformer: {output: same}", "convcalc lacks it: use 'opaque' and state its output, params and macs"),
    layers("  - conv: »[8, 3]", "write '{out_channels: 8, kernel_size: 3}'"),
    layers("  - flatten\n  - reshape: »[3, 32, 32]", "write '{shape: [3, 32, 32]}'"),
    # fields
    inside("»filters: 8, kernel_size: 3", "use 'out_channels'"),
    inside("out_channels: 8, »kernal_size: 3", "use 'kernel_size'"),
    inside("out_channels: 8, kernel_size: 3, »strides: 2", "use 'stride'"),
    inside("»in_channels: 3, out_channels: 8, kernel_size: 3", "remove it: input channels are inferred"),
    inside("out_channels: 8, kernel_size: 3, »activation: relu", "remove it: the activation is an item of its own"),
    inside("out_channels: 8, kernel_size: 3, »data_format: channels_last", "remove it: channels always come first"),
    inside("out_channels: 8, kernel_size: 3, »use_bias: false", "use 'bias'"),
    inside("out_channels: 8, kernel_size: 3, »dilation_rate: 2", "use 'dilation'"),
    inside("»name: stem, out_channels: 8, kernel_size: 3", "remove it: 'id' beside the layer names it"),
    layers("  - upsample: {»scale_factor: 2}", "use 'scale'"),
    layers("  - layer_norm: {»elementwise_affine: false}", "use 'affine'"),
    layers("  - max_pool: {»pool_size: 2}", "use 'kernel_size'"),
    layers("  - pixel_shuffle: {»upscale_factor: 1}", "use 'factor'"),
    layers("  - batch_norm: {»momentum: 0.1}", "remove it: it changes no number"),
    layers("  - relu: {»inplace: true}", "remove it: it changes no number"),
    layers("  - flatten: {»start_dim: 1}", "remove it: all axes of a sample are flattened"),
    layers("  - dropout: {»p: 0.5}", "use 'rate'"),
    # values
    inside("out_channels: 8, kernel_size: 3, padding: »SAME", "use 'same'"),
    inside("out_channels: 8, kernel_size: »(3, 3)", "write '[3, 3]'"),
    layers("  - conv:\n      out_channels: 8\n      k: »(3, 3)", "write '[3, 3]'"),
    inside("out_channels: 8, kernel_size: »3x3", "write '[3, 3]'"),
    inside("out_channels: 8, kernel_size: 3, bias: »None", "write 'false'"),
    inside("out_channels: 8, kernel_size: 3, padding: »[1, 1, 1, 1]", "write '1', or a pair per axis: [[1, 1], [1, 1]]"),
    layers("  - pad: {padding: »[0, 1, 2, 3]}",
           "write '[[2, 3], [0, 1]]' if the order is PyTorch's (last axis first), or '[[0, 2], [1, 3]]' if it is that of ONNX"),
    inside("out_channels: 8, kernel_size: 3, padding: »“same”", "write 'same'"),
    layers("  - upsample: {scale: 2, mode: »bilinear}", "use 'linear'"),
    layers("  - concat: {axis: »1}", "use 'channels'"),
    inside("out_channels: 8, kernel_size: 3, bias: »no", "write false, or 'no' in quotes for the word"),
    # the form of a file
    layers("  - conv:\n    »out_channels: 8\n    kernel_size: 3", "indent 'out_channels' and 'kernel_size' below 'conv:'"),
    layers("  - »conv {out_channels: 8, kernel_size: 3}", "write 'conv: '"),
    layers("  - conv: {out_channels: 8, kernel_size: 3}\n    »- tanh", "begin it in column 3, as the item in line 4"),
    layers("  - tanh\n    »- relu6", "begin it in column 3, as the item in line 4"),
    Mistake(HEAD + "  »conv: {out_channels: 8, kernel_size: 3}\n  relu:\n  conv: {out_channels: 8, kernel_size: 3}\n", "begin each layer with '- '"),
    layers("  - »type: conv\n    out_channels: 8\n    kernel_size: 3", "write 'conv: {out_channels: 8, kernel_size: 3}' as the item"),
    layers("  - {»type: Conv2d, out_channels: 8, kernel_size: 3}", "write 'conv: {out_channels: 8, kernel_size: 3}' as the item"),
    layers("  - conv: »[8, 3]", "write '{out_channels: 8, kernel_size: 3}'"),
    layers("  - conv: »out_channels=8, kernel_size=(3, 3)", "write '{out_channels: 8, kernel_size: [3, 3]}'"),
    inside("»out_channels=8, kernel_size: 3", "write 'out_channels: 8'"),
    inside("out_channels: 8, »k:3", "write 'k: 3'"),
    layers("  - conv: {out_channels: 8»; kernel_size: 3}", "write ','"),
    layers("  - conv:\n»\t  out_channels: 8\n      kernel_size: 3", "indent with spaces"),
    layers("  - dropout: »0.5", "write '{rate: 0.5}'"),
    layers("  - »name: stem\n    conv: {out_channels: 8, kernel_size: 3}", "use 'id'"),
    Mistake("convcalc: 1\n»input_shape: [3, 32, 32]\nlayers:\n" + END, "use 'input'"),
    Mistake("convcalc: 1\ninput: »(3, 32, 32)\nlayers:\n" + END, "write '[3, 32, 32]'"),
    Mistake("convcalc: 1\ninput: »3x32x32\nlayers:\n" + END, "write '[3, 32, 32]'"),
    Mistake("convcalc: 1\n»inputs: [3, 32, 32]\nlayers:\n" + END, "use 'input'"),
    Mistake("convcalc: 1\ninput: [3, 32, 32]\n»network:\n" + END, "use 'layers'"),
    Mistake("convcalc: 1\ninput: [3, 32, 32]\n»model:\n" + END, "use 'layers'"),
    Mistake("convcalc: 1\ninput: [3, 32, 32]\nblocks:\n  »conv_bn:\n    layers:\n      - relu\nlayers:\n  - conv_bn\n" + END,
            "rename it to 'ConvBn', here and where it is called"),
    layers("  - »split: {chunks: 3}", "use 'chunk'"),
    # imports, and blocks of other files
    Mistake("convcalc: 1\ninput: [3, 32, 32]\nimports: »[blocks/conv_bn.convcalc.yaml]\nlayers:\n  - conv_bn.ConvBn: {out: 8, k: 3}\n" + END,
            "write '{conv_bn: blocks/conv_bn.convcalc.yaml}'"),
    Mistake("convcalc: 1\ninput: [3, 32, 32]\nimports: {b: blocks/conv_bn.convcalc.yaml}\nlayers:\n  - »ConvBn: {out: 8, k: 3}\n" + END,
            "use 'b.ConvBn'"),
    Mistake("convcalc: 1\ninput: [3, 32, 32]\nimports: {b: blocks/conv_bn.convcalc.yaml}\nlayers:\n  - »c.ConvBn: {out: 8, k: 3}\n" + END,
            "use 'b.ConvBn'"),
]  # fmt: skip


def problems(text: str) -> list[Diagnostic]:
    network = read_network(Target("net.yaml", None, text))
    analyse(network)
    return [each for each in network.problems if each.severity == "error"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.text.partition("»")[2][:30])
def test_a_mistake_is_one_error_whose_advice_works_to_the_letter(mistake: Mistake) -> None:
    before, _, after = mistake.text.partition("»")
    text = before + after
    (found,) = problems(text)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (found.place.line, found.place.column) == (line, column)
    assert found.help == mistake.advice
    followed = follow(text, found)
    assert followed != text
    assert problems(followed) == []


def test_there_are_sixty_of_them() -> None:
    assert len(MISTAKES) >= 60


def test_what_is_wrong_behind_a_misspelt_layer_is_found_in_the_same_run() -> None:
    text = (
        HEAD + "  - conv: {out_channels: 8, kernal_size: 3}\n  - conv: {out: 8, k: 3, groups: 5}\n"
    )
    assert [(each.name, each.place.line) for each in problems(text)] == [
        ("unknown-key", 4),
        ("does-not-divide", 5),
    ]


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("activation", "dilation"),
        ("int", "min"),
        ("gru", "glu"),
        ("matmul", "mul"),
        ("Cell", "celu"),  # a block that is not there
        ("ConvBn", "conv"),
        ("stem", "lstm"),
    ],
)
def test_a_word_that_is_spelt_alike_by_chance_is_not_suggested(word: str, wrong: str) -> None:
    texts = [HEAD + f"  - {word}\n", HEAD + f"  - conv: {{out: 8, k: 3, {word}: 1}}\n"]
    advice = [each.help for text in texts for each in problems(text)]
    assert f"use '{wrong}'" not in advice


def test_layers_as_a_mapping_of_ids_are_one_error() -> None:
    text = "convcalc: 1\ninput: [3, 32, 32]\nlayers:\n  stem: {conv: {out: 8, k: 3}}\n  act: relu\n"
    (found,) = problems(text)
    assert (found.place.line, found.place.column) == (4, 3)
    assert found.help == "write each layer as an item: '- {conv: …, id: stem}'"
    followed = text.replace("stem: {conv: {out: 8, k: 3}}", "- {conv: {out: 8, k: 3}, id: stem}")
    assert problems(followed.replace("act: relu", "- {relu: {}, id: act}")) == []


@pytest.mark.parametrize("key", ["params", "variants", "functions", "blocks"])
def test_a_mapping_that_is_a_list_is_shown_as_one(key: str) -> None:
    head = "convcalc: 1\ninput: [3, 32, 32]\n" + ("params: {width: 8}\n" * (key == "variants"))
    (found,) = problems(f"{head}{key}: [a]\nlayers: [relu]\n")
    assert found.message == f"'{key}' must be a mapping"
    written = found.help.partition(": '")[2].removesuffix("'")
    assert problems(f"{head}{written}\nlayers: [relu]\n") == []


def test_a_network_without_mistakes_never_imports_the_tables() -> None:
    code = (
        "import sys; from convcalc.cli import main; main(); "
        "print(*[n for n in sys.modules if n.endswith(('synonyms', 'advice', 'misread', 'calls'))])"
    )
    ran = process("get", "totals.params", "resnet50", code=code, text=True)
    assert ran.stdout.split() == ["25557032"]


# --- what a person does who takes the advice literally -----------------------------------------


def follow(text: str, found: Diagnostic) -> str:
    """The text after doing what the advice says."""
    lines = text.split("\n")
    at, start = found.place.line - 1, found.place.column - 1
    line, end = lines[at], (found.place.end or len(lines[at]) + 1) - 1
    advice = found.help
    if renamed := re.match(r"rename it to '(\w+)'", advice):
        return re.sub(rf"\b{line[start:end]}\b", renamed[1], text)
    if advice.startswith("begin each layer with '- '"):
        indent = line[:start]
        return re.sub(rf"(?m)^{indent}(?=\w)", f"{indent}- ", text)
    if moved := re.match(r"begin it in column (\d+)", advice):
        lines[at] = " " * (int(moved[1]) - 1) + line[start:]
    elif advice.startswith("indent with spaces"):
        lines[at] = line.replace("\t", "    ")
    elif advice.startswith("indent '"):
        for name in re.findall(r"'(\w+)'", advice):
            lines = [re.sub(rf"^ +(?={name}:)", lambda m: m[0] + "  ", each) for each in lines]
    elif item := re.match(r"write '(.*)' as the item$", advice):
        last = at + 1
        while last < len(lines) and lines[last].startswith(" " * start):
            last += 1
        lines[at:last] = [f"{line[: line.index('- ')]}- {item[1]}"]
    elif written := re.search(r"\b(?:use|write) (?:'(.*?)'(?= |,|$)|(\w+))", advice):
        lines[at] = line[:start] + (written[1] or written[2]) + line[end:]
    elif advice.startswith("remove it"):
        lines[at] = without(line, start)
    return "\n".join(lines)


def without(line: str, start: int) -> str:
    """A line without the entry of a flow mapping that begins at ``start``."""
    value = re.match(r"[\w]+: [^,}]*(?:, )?", line[start:])
    assert value is not None
    rest = line[start + value.end() :]
    return (line[:start] + rest).replace(", }", "}").replace(": {}", "")
