"""Reads a darknet .cfg file into a foreign graph: a module for each of its sections.

Sections are numbered from 0, the head not counted, as ``layers=`` and ``from=`` number them and as
darknet prints them. The detection sections (yolo, region, detection) and the cost pass their input
on: what they decode or compare is not a layer, and their inputs are the network's outputs.

Source: pjreddie/darknet and AlexeyAB/darknet, src/parser.c and the files of the layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.importing.foreign import Content, Input, OneGraph, Unreadable
from convcalc.importing.formats.darknet.layers import LAYERS, Flow, Layers
from convcalc.importing.formats.darknet.sections import Section, Wrong, read_sections
from convcalc.importing.formats.writing import MISSING, Writer

MOST_BYTES = 16 * 2**20
OUTPUTS = ("yolo", "Gaussian_yolo", "region", "detection", "contrastive")


def open_model(content: Content, file: str) -> OneGraph:
    """The model of a .cfg file; Unreadable if it has no head. What is wrong in a section is a
    problem of the graph."""
    if len(content) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 2**20} MiB")
    head, *sections = read_sections(bytes(content).decode("utf-8-sig", "replace"), file)
    writer = Writer(file)
    first = _head(head, writer)
    flows = _written(sections, first, writer)
    inputs = {"input": Input((1, first.c, first.h, first.w)[: 2 if first.is_flat else 4], "bc01")}
    if first.is_flat:
        inputs["input"] = inputs["input"]._replace(axes="bc")
    graph = writer.graph("", inputs, _outputs(sections, flows), "a darknet configuration")
    return OneGraph(graph._replace(shares=True))


def _head(head: Section, writer: Writer) -> Flow:
    """Return what the network is given, by the options of its head."""
    try:
        height, width, channels = (
            head.number(key, 0, 0) for key in ("height", "width", "channels")
        )
        if height and width and channels:
            return Flow("input", channels, height, width)
        inputs = head.number("inputs", 0, 0)
    except Wrong as error:
        writer.problems.append(error.diagnostic)
        return Flow("input", 1, 1, 1)
    if inputs:
        return Flow("input", inputs, 1, 1, is_flat=True)
    wrong = head.wrong(
        "missing-key",
        "the head says no size of the input",
        advice="width=416, height=416, channels=3",
    )
    writer.problems.append(wrong.diagnostic)
    return Flow("input", 1, 1, 1)


def _written(sections: Sequence[Section], first: Flow, writer: Writer) -> Sequence[Flow]:
    """Return what each section makes, its nodes written."""
    layers = Layers(writer, first)
    for index, section in enumerate(sections):
        writer.place = section.place
        with writer.inside(f"layer[{index}]", section.name):
            try:
                layers.flows.append(LAYERS.get(section.name, Layers.unknown)(layers, section))
            except Wrong as error:
                writer.problems.append(error.diagnostic)
                layers.flows.append(layers.missing())
    return layers.flows


def _outputs(sections: Sequence[Section], flows: Sequence[Flow]) -> dict[str, str]:
    """Return what the network returns: what the detection sections read, and the last layer's
    output.
    """
    found = {
        f"{section.name}[{index}]": flow.name
        for index, (section, flow) in enumerate(zip(sections, flows, strict=True))
        if section.name in OUTPUTS
    }
    if flows and sections[-1].name not in OUTPUTS:
        found["output"] = flows[-1].name
    return found or {"output": MISSING}
