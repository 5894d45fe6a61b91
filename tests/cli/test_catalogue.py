"""``new``, ``list`` and ``operator``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import Command, Ran
from shipped import network

from convcalc.cli.commands.new import templates
from convcalc.language import catalogue

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("name", templates())
def test_a_template_is_a_network_without_problems(name: str, convcalc: Command) -> None:
    ran = convcalc(f"new mine --template {name}")
    assert ran.code == 0
    first, second = Path("mine.convcalc.yaml").read_text("utf-8").splitlines()[:2]
    assert first == "# yaml-language-server: $schema=convcalc.schema.json"
    assert second == "convcalc: 1"
    assert json.loads(Path("convcalc.schema.json").read_text("utf-8"))["title"]
    assert convcalc("show mine.convcalc.yaml").err == ""
    assert convcalc("get network mine.convcalc.yaml").out == "mine\n"
    assert name in convcalc("new -h").out


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("resnet", 11689512),  # torchvision's resnet18
        ("mobilenet", 3504872),  # torchvision's mobilenet_v2
        ("unet", 31037698),  # milesial/Pytorch-UNet, 2 classes, bilinear=False
    ],
)
def test_a_template_has_the_parameters_of_its_model(
    template: str, params: int, convcalc: Command
) -> None:
    convcalc(f"new mine --template {template}")
    assert convcalc("get totals.params mine.convcalc.yaml").out == f"{params}\n"


def test_new_replaces_nothing_unless_it_must(convcalc: Command) -> None:
    Path("mine.convcalc.yaml").write_text("mine", "utf-8")
    Path("convcalc.schema.json").write_text("{}", "utf-8")
    ran = convcalc("new mine")
    assert (ran.code, ran.out) == (2, "")
    assert "--force" in ran.err
    assert Path("mine.convcalc.yaml").read_text("utf-8") == "mine"
    assert convcalc("new mine.convcalc.yaml --force -q") == Ran(0, "", "")
    assert "name: mine\n" in Path("mine.convcalc.yaml").read_text("utf-8")
    assert Path("convcalc.schema.json").read_text("utf-8") == "{}"


@pytest.mark.shipped
def test_the_catalogue_says_what_an_analysis_would(convcalc: Command) -> None:
    listed = json.loads(convcalc("list networks -f json").out)
    assert [entry["name"] for entry in listed] == [entry.name for entry in catalogue.networks()]
    for entry in listed:
        inputs = network(entry["name"]).inputs
        shapes = {name: list(shape.dims[1:]) for name, shape in inputs.items()}
        assert entry["inputs"] == shapes, entry["name"]
        assert entry["params"] is not None
        assert entry["macs"] is not None


def test_every_operator_and_block_is_listed_with_a_description(convcalc: Command) -> None:
    for kind in ("operators", "blocks"):
        listed = json.loads(convcalc(f"list {kind} -f json").out)
        assert listed
        assert all(entry["name"] and entry["description"] for entry in listed)


@pytest.mark.parametrize("name", ["conv", "batch_norm", "opaque", "concat", "upsample"])
def test_a_manual_page_has_every_field(name: str, convcalc: Command) -> None:
    from convcalc.model.operators.registry import fields_of, operator_class

    page = convcalc(f"operator {name}").out
    entries = json.loads(convcalc(f"operator {name} -f json").out)["fields"]
    declared = fields_of(operator_class(name))
    assert [entry["name"] for entry in entries] == list(declared)
    assert all(re.search(rf"^{field}\b", page, re.MULTILINE) for field in declared)


def test_small_slips_get_what_was_meant(convcalc: Command) -> None:
    head = "convcalc: 1\nname: net\ninput: [3, 9, 9]\nlayers:\n"
    Path("slip.convcalc.yaml").write_text(
        f"{head}  - conv: {{out: 8, k: 3, bias: flase}}\n", "utf-8"
    )
    assert "use 'false'" in convcalc("show slip.convcalc.yaml").err
    assert convcalc("convention FVCORE").out == convcalc("convention fvcore").out
