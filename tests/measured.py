"""What other tools were measured to count, and what convcalc says they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from places import TESTS

from convcalc.analysis.conventions.counting import layer_counts, total
from convcalc.language.reading import read_network
from convcalc.language.sources.target import Target
from convcalc.model.graph.network import Network

FOLDER = TESTS / "conventions"


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def table(name: str) -> Any:
    return yaml.load((FOLDER / f"{name}.yaml").read_text("utf-8"), LOADER)


TABLES = [table("layers"), table("further_layers"), table("functions")]


LAYERS = {name: (t["columns"], case) for t in TABLES for name, case in t["cases"].items()}


MODELS, EXCEPTIONS = table("models"), table("exceptions")
TORCHVISION, TIMM, FORMS = table("torchvision"), table("timm"), table("forms")


def network_of(layers: str, shape: Sequence[int | None], batch: int = 1) -> Network:
    text = f"convcalc: 1\ninput: {list(shape)}\nlayers: {layers}\n".replace("None", "null")
    return parsed(text, batch)


def parsed(text: str, batch: int = 1) -> Network:
    network = read_network(Target("<test>", None, text.encode()), batch=batch)
    assert not [p for p in network.problems if p.severity == "error"], network.problems
    return network


def case_network(case: Mapping[str, Any]) -> Network:
    return network_of(yaml.dump(case["layers"], default_flow_style=True), case["input"], batch=2)


def amount(network: Network, number_of: str) -> int:
    name, _, key = number_of.partition(".")
    return sum(total(layer[key]) for layer in layer_counts(network, name))


def cells(columns: Sequence[str], row: Sequence[int | None]) -> Iterator[tuple[str, int]]:
    """The numbers of a row that a tool did print."""
    return ((c, n) for c, n in zip(columns, row, strict=True) if n is not None)
