"""Built-in networks as text, as a copy, by their params, and by the word of their family."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command
from shipped import BASES, NAMES, file_of, network

from convcalc.analysis.analyse import analyse
from convcalc.exporting.copying import NotCopied, copied_text
from convcalc.language.reading import NetworkSource
from convcalc.language.sources.resolve import family_of
from convcalc.language.sources.shipped import shipped_names
from convcalc.language.sources.target import Target

pytestmark = pytest.mark.usefixtures("folder")

SMALL = """\
convcalc: 1
name: small
params: {width: 16, n: 2}
variants:
  wide: {width: 64}
layers: [{conv: {out: width, k: 3}, repeat: n}]
input: [3, 8, 8]
"""


# --- show --source -------------------------------------------------------------------------------


def test_the_source_of_a_network_is_its_file(convcalc: Command) -> None:
    ran = convcalc("show resnet50 --source")
    assert ran.out == Path(shipped_names()["resnet50"].file).read_text("utf-8")
    assert ran.err == ""


def test_the_source_of_a_variant_says_so(convcalc: Command) -> None:
    ran = convcalc("show resnet18 --source")
    assert ran.out == convcalc("show resnet50 --source").out
    assert ran.err == "note: resnet18 is a variant of this file, see 'variants:'\n"
    assert convcalc("show resnet18 --source -q").err == ""


def test_the_source_is_a_file_that_gives_the_same_numbers(convcalc: Command) -> None:
    assert convcalc("show resnet50 --source -o mine.convcalc.yaml").code == 0
    macs = convcalc("get macs mine.convcalc.yaml::resnet18").out
    assert macs == convcalc("get macs resnet18").out


def test_a_model_has_no_source(convcalc: Command) -> None:
    Path("net.cfg").write_text("[net]\nwidth=8\nheight=8\nchannels=3\n[convolutional]\nfilters=4\n")
    ran = convcalc("show net.cfg --source")
    assert ran.code == 2
    assert "convcalc import net.cfg" in ran.err


# --- new --from ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "mobilenet_v1", "unet", "yolov8s"])
def test_a_copy_is_the_same_network_under_its_own_name(name: str, convcalc: Command) -> None:
    assert convcalc(f"new mine --from {name}").code == 0
    assert convcalc("get network mine.convcalc.yaml").out == "mine\n"
    for path in ("params", "macs", "receptive_field.size"):
        assert convcalc(f"get {path} mine.convcalc.yaml").out == convcalc(f"get {path} {name}").out
    assert convcalc("check mine.convcalc.yaml").code == 0
    assert "variants:" not in Path("mine.convcalc.yaml").read_text("utf-8")


@pytest.mark.shipped
@pytest.mark.parametrize("file", sorted({file_of(name) for name in NAMES}))
def test_every_network_can_be_copied(file: str) -> None:
    for name in (each for each in NAMES if file_of(each) == file):
        target = shipped_names()[name]
        text = copied_text(Path(target.file).read_text("utf-8"), target.variant, "mine")
        copy = NetworkSource(Target("mine.convcalc.yaml", None, text)).network()
        whole = network(name)
        assert copy.problems == () or {each.severity for each in copy.problems} == {"warning"}
        assert (copy.name, copy.variants) == ("mine", ())
        assert copy.layers == whole.layers or [
            (layer.path, layer.name) for layer in copy.layers
        ] == [(layer.path, layer.name) for layer in whole.layers]
        assert copy.outputs.keys() == whole.outputs.keys()
        assert copy.expect.get("mine") == whole.expect.get(name)
        assert {*copy.expect} <= {"mine"}


def test_a_copy_of_a_variant_has_its_values() -> None:
    text = copied_text(SMALL, "wide", "mine")
    assert text == SMALL.replace("small", "mine").replace("width: 16", "width: 64").replace(
        "variants:\n  wide: {width: 64}\n", ""
    )
    report = analyse(NetworkSource(Target("mine.convcalc.yaml", None, text)).network())
    assert report.totals.params == 64 * 3 * 9 + 64 + 64 * 64 * 9 + 64


def test_a_variant_with_an_input_of_its_own_is_not_copied() -> None:
    text = SMALL.replace("wide: {", "wide: {input: [3, 9, 9], ")
    with pytest.raises(NotCopied, match="sets 'input'"):
        copied_text(text, "wide", "mine")


def test_a_file_is_not_copied(convcalc: Command) -> None:
    Path("small.convcalc.yaml").write_text(SMALL, "utf-8")
    ran = convcalc("new mine --from small.convcalc.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "is a file" in ran.err
    assert not Path("mine.convcalc.yaml").exists()


def test_a_copy_replaces_nothing(convcalc: Command) -> None:
    Path("mine.convcalc.yaml").write_text("mine", "utf-8")
    assert convcalc("new mine --from resnet18").code == 2
    assert Path("mine.convcalc.yaml").read_text("utf-8") == "mine"


# --- list params ---------------------------------------------------------------------------------


def test_the_params_of_a_variant_have_its_values(convcalc: Command) -> None:
    def values(name: str) -> dict[str, str]:
        listed = json.loads(convcalc(f"list params {name} -f json").out)
        return {each["name"]: each["value"] for each in listed}

    assert values("resnet50")["depths"] == "[3, 4, 6, 3]"
    assert values("resnet18") == values("resnet50") | {
        "depths": "[2, 2, 2, 2]",
        "bottleneck": "false",
    }
    assert "groups of the 3x3 convolution" in convcalc("list params resnet50").out


def test_every_listed_param_can_be_set(convcalc: Command) -> None:
    for each in json.loads(convcalc("list params resnet50 -f json").out):
        line = f"get macs resnet50 --set '{each['name']}={each['value']}'"
        assert convcalc(line).out == convcalc("get macs resnet50").out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list params", "write for instance: list params resnet50"),
        ("list params resnet5", "built-in networks: resnet50, "),
        ("list params missing.convcalc.yaml", "no such file"),
    ],
)
def test_params_of_nothing(line: str, words: str, convcalc: Command) -> None:
    ran = convcalc(line)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({family_of(shipped_names()[each].file) for each in BASES}))
def test_the_word_of_a_family_finds_its_base(name: str, convcalc: Command) -> None:
    ran = convcalc(f"list params {name} -f json")
    assert ran.code == 0
    base = next(each for each in BASES if file_of(each) == f"{name}.convcalc.yaml")
    if base == name:
        assert ran.err == ""
    else:
        assert ran.err.startswith(f"note: {name} is {base}")


@pytest.mark.parametrize("name", ["mobilenet_v1", "ghostnet", "yolov8", "efficientnet"])
def test_the_networks_of_the_family_are_named(name: str, convcalc: Command) -> None:
    ran = convcalc(f"get network {name}")
    assert ran.err == f"note: {name} is {ran.out.strip()}; also {ran.err.partition('also ')[2]}"


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("ResNet50", "use 'resnet50'"),
        ("resnet-50", "use 'resnet50'"),
        ("mobilenetv2", "use 'mobilenet_v2'"),
        ("mobilenetv3", "use 'mobilenet_v3'"),
        ("EfficientNetB0", "use 'efficientnet_b0'"),
        ("vit_b16", "use 'vit_b_16'"),
        ("wide_resnet", "built-in networks: wide_resnet50_2, wide_resnet101_2"),
        ("rasnet50", "use 'resnet50'"),
    ],
)
def test_advice_for_a_name_written_otherwise_works(
    word: str, advice: str, convcalc: Command
) -> None:
    ran = convcalc(f"get macs {word}")
    assert ran.code == 2
    assert ran.err.rstrip().endswith(advice)
    name = advice.replace("'", "").split()[-1]
    assert convcalc(f"get macs {name}").code == 0


@pytest.mark.parametrize(("kind", "text"), [("networks", "res"), ("operators", "conv")])
def test_names_that_match_come_first(kind: str, text: str, convcalc: Command) -> None:
    names = [each["name"] for each in json.loads(convcalc(f"list {kind} {text} -f json").out)]
    kinds = [
        0 if name == text else 1 if name.startswith(text) else 2 if text in name else 3
        for name in names
    ]
    assert kinds == sorted(kinds)
    assert len({*kinds}) > 2
    whole = [each["name"] for each in json.loads(convcalc(f"list {kind} -f json").out)]
    alike = [name for name in whole if name.startswith(text) and name != text]
    assert [name for name in names if name in alike] == alike
