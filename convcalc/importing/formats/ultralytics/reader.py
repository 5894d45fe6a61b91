"""Reads an Ultralytics YAML file: a model for each of its scales, built row by row.

What a module consists of is defined by its class in Ultralytics' code (nn/modules, nn/tasks.py);
the numbers of channels and repeats follow from the scale. The heads end where boxes are decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import Any

from convcalc.diagnostics.suggestion import advise
from convcalc.importing.foreign import Content, Graph, Input, Unreadable
from convcalc.importing.formats.ultralytics.attention import Modules
from convcalc.importing.formats.ultralytics.calls import Call
from convcalc.importing.formats.ultralytics.heads import HEADS, Heads
from convcalc.importing.formats.ultralytics.layers import Flow, Flows
from convcalc.importing.formats.ultralytics.modules import MODULES, NO_SCALING
from convcalc.importing.formats.ultralytics.rows import (
    LARGEST,
    Document,
    Row,
    Scale,
    Wrong,
    read_document,
)
from convcalc.importing.formats.writing import MISSING, Writer
from convcalc.language.sources.files import Files

MOST_BYTES = 2**20
DETECTED, CLASSIFIED = 640, 224  # the sizes of images that Ultralytics takes if none is said
MODERN = ("C3k2", "A2C2f", "C2fCIB")  # after one of these Detect has its lighter class branch

_SCALE_IN_NAME = re.compile(r"yolo(?:e-)?v?\d+([nslmxtbce])")


def open_model(content: Content, file: str) -> Ultralytics:
    """The model of a file; Unreadable if it has no rows."""
    if len(content) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 2**20} MiB")
    return Ultralytics(read_document(bytes(content), file), file)


class Ultralytics:
    """A file; its variants are its scales, and the base that of its name, else the first."""

    def __init__(self, document: Document, file: str) -> None:
        self.document = document
        self.file = file
        self.stem = Files(file, "", 0).stem(file)
        scales = document.scales
        named = _SCALE_IN_NAME.match(self.stem)
        chosen = named[1] if named and named[1] in scales else ""
        self.assumed = bool(scales) and not chosen
        self.base = chosen or next(iter(scales), "")
        self.variants = tuple(name for name in scales if name != self.base)

    def graph(self, variant: str) -> Graph:
        """The graph of a scale."""
        name = variant or self.base
        scale = self.document.scales.get(name, self.document.scale)
        title = self._title(name)
        about = "an Ultralytics configuration, without the decoding of boxes"
        if self.assumed and not variant:
            about += f"; no scale is named, so '{name}', as Ultralytics assumes"
        return _Graph(self.document, self.file, name, scale).graph(title, about)

    def _title(self, name: str) -> str:
        """The name of a scale: its letter comes after the version, as in yolo11n-seg."""
        if not self.assumed:
            found = _SCALE_IN_NAME.match(self.stem)
            if found and name:
                return f"{self.stem[: found.start(1)]}{name}{self.stem[found.end(1) :]}"
            return self.stem
        if self.stem == "-":  # it was piped in
            return name
        found = re.match(r"yolo(?:e-)?v?\d+", self.stem)
        at = found.end() if found else len(self.stem)
        return f"{self.stem[:at]}{'' if found else '-'}{name}{self.stem[at:]}"


class _Graph:
    """The graph of one scale on its way."""

    def __init__(self, document: Document, file: str, name: str, scale: Scale) -> None:
        self.document = document
        self.scale = scale
        self.name = name
        self.writer = Writer(file)
        self.writer.problems += document.problems
        self.modules = Modules(self.writer)
        self.heads = Heads(self.modules)
        self.flows: list[Flows] = []
        self.is_modern = False
        self.activation()

    def activation(self) -> None:
        """The activation that the file chooses for all modules."""
        given = self.document.values.get("activation")
        if given is not None and given.value:
            try:
                self.modules.choose(given)
            except Wrong as error:
                self.writer.problems.append(error.diagnostic)

    def graph(self, title: str, about: str) -> Graph:
        """All rows written."""
        rows = self.document.rows
        channels = self.input_channels()
        first = Flow("images", channels)
        outputs: dict[str, str] = {}
        for number, row in enumerate(rows):
            self.writer.place = row.place
            with self.writer.inside(f"model.{number}", row.module):
                try:
                    self.flows.append(self.made(row, number, first, outputs))
                except Wrong as error:
                    self.writer.problems.append(error.diagnostic)
                    self.flows.append(self.lost())
        if not outputs:
            outputs["output"] = self.flows[-1][0].name if self.flows else MISSING
        size = CLASSIFIED if any(row.module == "Classify" for row in rows) else DETECTED
        inputs = {"images": Input((1, channels, size, size), "bc01")}
        return self.writer.graph(title, inputs, outputs, about)._replace(shares=True)

    def input_channels(self) -> int:
        """The channels of an image: 3, or what the file says."""
        given = self.document.values.get("channels", self.document.values.get("ch"))
        if given is None:
            return 3
        try:
            return given.integer("channels", 1)
        except Wrong as error:
            self.writer.problems.append(error.diagnostic)
            return 3

    def lost(self) -> Flows:
        """Return what a row makes that cannot be written."""
        self.writer.add("Identity", MISSING)
        return (Flow(MISSING, 0),)

    def made(self, row: Row, number: int, first: Flow, outputs: dict[str, str]) -> Flows:
        """Return what a row makes."""
        if not row.module:  # it is not a row, which was said
            return self.lost()
        read = [self.source(row, number, index, first) for index in row.sources]
        if row.module in HEADS:
            if any(flow.is_missing for flows in read for flow in flows):
                return self.lost()
            legacy = not self.is_modern
            made = self.heads.write(self.scaled_head(row), [flows[0] for flows in read], legacy)
            outputs.update(made)
            return (Flow(MISSING, 0),)
        self.is_modern = self.is_modern or row.module in MODERN
        rule = MODULES.get(row.module)
        if rule is None:
            message = f"no rule for module {row.module}"
            advice = advise(row.module, [*MODULES, *HEADS])
            raise Wrong("unmapped-operator", message, row.place, advice)
        if any(flow.is_missing for flows in read for flow in flows):
            return self.lost()
        repeats = max(round(row.repeats * self.scale.depth), 1) if row.repeats > 1 else 1
        out = self.channels(row)
        return rule(self.modules, Call(row, read, out, repeats, self.name))

    def source(self, row: Row, number: int, index: int, first: Flow) -> Flows:
        """Return what another row makes, or the image."""
        if number == 0 and index == -1:
            return (first,)
        at = index if index >= 0 else number + index
        if not 0 <= at < number:
            message = f"row {number} reads row {index}"
            advice = f"0 to {number - 1}, or -1 to {-number}" if number else "-1: the image"
            raise Wrong("out-of-range", message, row.reads, advice)
        if self.document.rows[at].module in HEADS:
            message = f"row {number} reads row {index}, which is a head"
            raise Wrong("unsupported-combination", message, row.reads)
        return self.flows[at]

    def channels(self, row: Row) -> int:
        """The channels that a row asks for, scaled; 0 for a module that is not scaled."""
        if row.module in NO_SCALING:
            return 0
        asked = row.integer(0, "the number of channels")
        return self.multiplied(asked, row.args[0].place)

    def multiplied(self, asked: int, place: Any) -> int:
        """Channels times the width, rounded up to a multiple of 8."""
        exact = min(asked, self.scale.most) * self.scale.width
        if not exact <= LARGEST:
            raise Wrong("too-large", f"{exact:g} channels, more than {LARGEST}", place)
        found = ceil(exact / 8) * 8
        if not found:
            raise Wrong("out-of-range", f"a width of {self.scale.width} leaves no channels", place)
        return found

    def scaled_head(self, row: Row) -> Row:
        """A head's row with the width of its prototypes scaled, and the file's own values."""
        args = list(row.args)
        if row.module == "Segment" and len(args) > 2:
            asked = args[2].integer("the width of the prototypes", 1)
            args[2] = args[2]._replace(value=self.multiplied(asked, args[2].place))
        values: Mapping[str, Any] = self.document.values
        self.heads.bins = values["reg_max"].integer("reg_max", 1) if "reg_max" in values else 16
        self.heads.end_to_end = bool(values["end2end"].value) if "end2end" in values else False
        return row._replace(args=tuple(args))
