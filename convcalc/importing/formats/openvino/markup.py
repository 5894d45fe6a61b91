"""The layers and edges of an OpenVINO ``.xml`` file.

Only what is at the top is kept: bodies of loops are not. A document type, and so every entity of
its own, is refused. Source: OpenVINO documentation, "Intermediate Representation and Operation
Sets".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from xml.parsers import expat

from convcalc.importing.foreign import Content, Sizes, Unreadable

MOST_BYTES = 256 * 2**20
MOST_LAYERS = 200_000

Port = tuple[str, str]  # layer, port


class Output(NamedTuple):
    """An output of a layer: its sizes, the kind of its numbers, what it is called."""

    port: str
    sizes: Sizes
    precision: str
    names: str


class Layer(NamedTuple):
    """A layer: its attributes, the sizes of what it reads by port, what it makes."""

    id: str
    name: str
    type: str
    data: Mapping[str, str]
    inputs: Mapping[str, Sizes]
    outputs: tuple[Output, ...]


class Document(NamedTuple):
    """A file: its layers by their number, and which output each input reads."""

    name: str
    version: str
    layers: Mapping[str, Layer]
    edges: Mapping[Port, Port]
    runtime: str


def read_document(content: Content) -> Document:
    """Return what a file says; Unreadable if it is not such a file."""
    if len(content) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 2**20} MiB")
    return _Reading().document(bytes(content))


class _Reading:
    """One file on its way."""

    def __init__(self) -> None:
        self.above: list[str] = []  # the names of the elements that are open
        self.net: Mapping[str, str] = {}
        self.layers: dict[str, Layer] = {}
        self.edges: dict[Port, Port] = {}
        self.runtime = ""
        self.layer: Mapping[str, str] = {}
        self.data: Mapping[str, str] = {}
        self.ports: dict[bool, list[tuple[Mapping[str, str], list[int | None]]]] = {}
        self.text: list[str] | None = None

    def document(self, content: bytes) -> Document:
        """The whole file."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise Unreadable(f"it is not XML: {error}") from None
        if not self.layers:
            raise Unreadable("it has no layers")
        version = self.net.get("version", "")
        return Document(self.net.get("name", ""), version, self.layers, self.edges, self.runtime)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        above, depth = self.above, len(self.above)
        above.append(name)
        if depth == 0:
            if name != "net":
                raise Unreadable(f"its root is '{name:.40}', not 'net'")
            self.net = attributes
        elif above[1:] == ["layers", "layer"]:
            self.layer, self.data = attributes, {}
            self.ports = {True: [], False: []}
        elif above[1:] == ["layers", "layer", "data"]:
            self.data = attributes
        elif above[1:3] == ["layers", "layer"] and above[3:] in _PORTS:
            self.ports[above[3] == "input"].append((attributes, []))
        elif above[1:3] == ["layers", "layer"] and above[3:] in _DIMS:
            self.text = []
        elif above[1:] == ["edges", "edge"]:
            try:
                at = attributes["to-layer"], attributes["to-port"]
                self.edges[at] = attributes["from-layer"], attributes["from-port"]
            except KeyError as error:
                raise Unreadable(f"an edge has no {error}") from None
        elif above[1:] in (["rt_info", "Runtime_version"], ["rt_info", "info"]):
            self.runtime = attributes.get("value", "")[:40]

    def characters(self, text: str) -> None:
        """Text, of which only sizes are kept."""
        if self.text is not None:
            self.text.append(text[:20])

    def end(self, name: str) -> None:
        """An element ends."""
        if self.text is not None:
            self.ports[self.above[3] == "input"][-1][1].append(_size("".join(self.text)))
            self.text = None
        elif self.above[1:] == ["layers", "layer"]:
            self.add_layer()
        self.above.pop()

    def add_layer(self) -> None:
        """Keep the layer that ends."""
        found = self.layer
        number = found.get("id", "")
        if number in self.layers or not number:
            raise Unreadable(f"two layers have the id '{number:.40}', or one has none")
        if len(self.layers) >= MOST_LAYERS:
            raise Unreadable(f"it has more than {MOST_LAYERS:,} layers")
        outputs = tuple(
            Output(
                port.get("id", ""),
                tuple(sizes),
                port.get("precision", ""),
                port.get("names", ""),
            )
            for port, sizes in self.ports[False]
        )
        inputs = {port.get("id", ""): tuple(sizes) for port, sizes in self.ports[True]}
        name, kind = found.get("name", number), found.get("type", "")
        self.layers[number] = Layer(number, name, kind, self.data, inputs, outputs)


_PORTS = (["input", "port"], ["output", "port"])
_DIMS = (["input", "port", "dim"], ["output", "port", "dim"])


def _refuse(*_: object) -> None:
    raise Unreadable("it declares a document type or an entity, which no model has")


def _size(text: str) -> int | None:
    """A size; None if it is not known."""
    try:
        found = int(text)
    except ValueError:
        raise Unreadable(f"a size is '{text:.20}'") from None
    return found if found >= 0 else None
