"""Files of devices and runtimes: sources for every number, clear errors, nothing that hurts."""

from __future__ import annotations

import os
import random
import re
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
import yaml

import convcalc
from convcalc.analysis.devices import names, shelf
from convcalc.analysis.devices.device import NUMBERS, DeviceError
from convcalc.analysis.devices.reading import read_device, read_runtime
from convcalc.diagnostics.suggestion import UnknownName
from convcalc.language.sources.gate import SETTINGS_BYTES
from convcalc.language.sources.target import TargetError
from convcalc.model.quantities.number_text import DTYPES
from convcalc.output.schemas.device import device_schema

FOLDER = Path(names.__file__).parent
DEVICES, RUNTIMES = names.device_names(), names.runtime_names()
WANTED = {
    *("a100", "a100-80gb", "h100", "rtx-4090", "jetson-agx-orin", "apple-m1-max"),
    *("epyc-9654", "stm32h743"),
}


def test_the_devices_and_runtimes_that_are_promised_are_there() -> None:
    assert set(DEVICES) >= WANTED
    assert RUNTIMES == ["cmsis-nn", "eager", "fused"]


@pytest.mark.parametrize("name", DEVICES)
def test_every_number_has_a_source_with_a_title_and_an_address(name: str) -> None:
    found = shelf.device(name)
    figures = list(found.figures())
    assert figures, name
    assert found.runtime in RUNTIMES
    for key, figure, unit in figures:
        assert figure.value > 0, key
        assert unit
        words = figure.source.split()
        assert len(words) > 4, key  # a title, not a word
        named = "https://" in figure.source or "57647" in figure.source  # or a document number
        assert named, key
    text = (FOLDER / "files" / f"{name}.yaml").read_text("utf-8")
    tree = yaml.safe_load(text)
    used = {each["source"] for each in tree["peak"].values()}
    used |= {tree[key]["source"] for key in NUMBERS if key in tree}
    assert used == set(tree["sources"]), "sources that nothing refers to"
    assert "atency" not in text


@pytest.mark.parametrize("name", DEVICES)
def test_a_shipped_device_is_what_its_schema_says(name: str) -> None:
    tree = yaml.safe_load((FOLDER / "files" / f"{name}.yaml").read_text("utf-8"))
    jsonschema.Draft7Validator(device_schema()).validate(tree)


def test_peaks_are_dense() -> None:
    """Vendors print rates with sparsity beside or in place of those without."""
    for name, dtype, value in (
        ("a100", "float16", 312),
        ("h100", "int8", 1978.9),
        ("jetson-agx-orin", "int8", 85),
    ):
        assert shelf.device(name).peak[dtype].value == Fraction(str(value)) * 10**12
    for name in DEVICES:
        peak = shelf.device(name).peak
        for dtype in peak.keys() & {"float16", "bfloat16"} if "float32" in peak else ():
            assert peak[dtype].value >= peak["float32"].value


# --- what is wrong in a file ----------------------------------------------------------------------

GOOD = """\
convcalc-device: 1
title: t
sources: {d: Datasheet}
peak:
  int8: {value: 4T, source: d}
bandwidth: {value: 25.6G, source: d, note: n}
cache: {value: 2MiB, source: d}
launch: {value: 2.5e-6, source: we measured it}
"""


def test_a_file_is_read_as_it_is_written() -> None:
    found = read_device(GOOD, "x", "x.yaml")
    assert found.peak["int8"].value == 4 * 10**12
    assert found.bandwidth == (Fraction(25600000000), "Datasheet", "n")
    assert found.cache
    assert found.cache.value == 2 * 2**20
    assert found.launch == (Fraction(25, 10**7), "we measured it", "")
    assert found.runtime == "eager"  # nothing fuses unless the file says so


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("convcalc-device: 1", "device: 1", "the key 'convcalc-device' is missing"),
        ("device: 1", "device: 2", "this version of the format is not known"),
        (", source: d}\nbandwidth", "}\nbandwidth", "peak.int8 has no source"),
        ("4T, source: d", "4T, source: ''", "peak.int8 has no source"),
        ("value: 4T, ", "", "peak.int8 has no value"),
        ("4T", "many", "peak.int8 is not a number"),
        ("4T", "-4T", "peak.int8 is not above 0"),
        ("4T", "0", "peak.int8 is not above 0"),
        ("4T", "[4]", "peak.int8 is not a number"),
        ("4T", "1e99999", "'1e99999' is beyond the largest float"),
        ("int8:", "int9:", "unknown dtype 'int9'"),
        ("{value: 4T, source: d}", "4T", "peak.int8 needs its value and source"),
        ("bandwidth:", "bandwith:", "unknown key 'bandwith' at the top"),
        ("note: n", "comment: n", "unknown key 'comment' in bandwidth"),
        ("title: t", "title: [t]", "title is a text"),
        ("title: t", f"title: {'t' * 500}", "title has 500 characters"),
        ("sources: {d: Datasheet}", "sources: [d]", "'sources' is a mapping"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_place(old: str, new: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    with pytest.raises(DeviceError) as caught:
        read_device(text, "x", "x.yaml")
    assert message in caught.value.message
    assert re.match(r"x\.yaml:\d+:\d+: ", caught.value.message)


def test_all_problems_of_a_file_are_found_at_once() -> None:
    text = GOOD.replace("4T", "x").replace("25.6G", "y").replace("cache", "cash")
    with pytest.raises(DeviceError) as caught:
        read_device(text, "x", "x.yaml")
    assert len(caught.value.diagnostics) == 3
    assert caught.value.message.endswith("and 2 more")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("convcalc-runtime: 1\nkernels: 3\n", "'kernels' is a list"),
        ("convcalc-runtime: 1\nkernels: [conv]\n", "a rule is a mapping"),
        ("convcalc-runtime: 1\nkernels: [{then: [relu]}]\n", "a rule needs 'lead'"),
        ("convcalc-runtime: 1\nkernels: [{lead: cnov}]\n", "unknown operator or class 'cnov'"),
        ("convcalc-runtime: 1\nkernels: [{lead: [[conv]]}]\n", "a word of a rule is a text"),
        ("convcalc-runtime: 1\nfolds_norms: maybe\n", "'folds_norms' is true or false"),
        ("convcalc-runtime: 1\nrules: []\n", "unknown key 'rules' at the top"),
        ("- 1\n", "the file is a mapping"),
        ("", "the file is empty"),
    ],
)
def test_a_wrong_runtime_is_an_error(text: str, message: str) -> None:
    with pytest.raises(DeviceError, match=re.escape(message)):
        read_runtime(text, "x", "x.yaml")


def test_unknown_names_get_the_close_one_or_all() -> None:
    with pytest.raises(UnknownName) as caught:
        shelf.device("a10")
    assert caught.value.help.startswith("use 'a100'")
    with pytest.raises(UnknownName) as caught:
        shelf.runtime("tensorrt")
    assert "eager" in caught.value.help


# --- files of strangers ---------------------------------------------------------------------------

BOMBS = {
    "aliases": "a: &a [1,1,1]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n",
    "deep": "a: " + "[" * 5000,
    "long": "a" * (SETTINGS_BYTES + 10),
    "many keys": "".join(f"k{n}: 1\n" for n in range(60000)),
    "tags": "convcalc-device: !!python/object/apply:os.system [id]\n",
    "binary": "\x00\x01\x02",
    "control": 'convcalc-device: 1\ntitle: "a\\e[31m\\n::stop-commands::x"\nx: 1\n',
    "digits": "convcalc-device: 1\nbandwidth: {value: " + "9" * 5000 + ", source: s}\n",
    "exponent": "convcalc-device: 1\nbandwidth: {value: 9e99, source: s}\n"
    "peak: {int8: {value: 1e-99, source: s}}\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_is_read_or_refused_in_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.yaml").write_text(BOMBS[name], "utf-8")
    network = convcalc.load("resnet18")
    try:
        report = convcalc.analyse(network, device="./d.yaml", dtype="int8")
    except (DeviceError, TargetError, UnknownName) as error:
        assert "\n" not in error.message
        return
    assert name == "exponent"
    assert "e" in f"{float(report.totals.bounds['upper_at_least']):e}"


def test_random_damage_is_an_error_or_a_device() -> None:
    draw = random.Random(5)
    for _ in range(600):
        content = bytearray(GOOD.encode())
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(content))
            content[at : at + draw.randint(0, 3)] = bytes(
                draw.choice(b"\x00:{}[]-&*!#\n\t'\"0aT\xff") for _ in range(draw.randint(0, 3))
            )
        try:
            read_device(bytes(content), "x", "x.yaml")
        except DeviceError as error:
            assert error.diagnostics


def test_files_outside_the_project_links_and_pipes_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, outside = tmp_path / "project", tmp_path / "secret.yaml"
    project.mkdir()
    (project / "convcalc.toml").write_text("", "utf-8")
    outside.write_text(GOOD, "utf-8")
    (project / "link.yaml").symlink_to(outside)
    os.mkfifo(project / "pipe.yaml")
    monkeypatch.chdir(project)
    for word in ("link.yaml", "pipe.yaml", "./none.yaml", "/dev/zero"):
        with pytest.raises(TargetError):
            shelf.device(word)


def test_every_dtype_of_a_peak_is_one_of_convcalc() -> None:
    assert {dtype for name in DEVICES for dtype in shelf.device(name).peak} <= set(DTYPES)
