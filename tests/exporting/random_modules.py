"""Random networks of modules: classes that are drawn once and used again with other numbers.

A network is its seed. Modules nest, have forks, repeat, leave layers out, read tensors from afar,
and share weights; channels and sizes fit by construction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import convcalc
from convcalc.language.file_facts import NetworkFile
from convcalc.model.graph.assembly import Tensor
from convcalc.model.graph.network import Group, Network

Make = Callable[["Drawn", Tensor, int, bool], Tensor]


class Drawn:
    """A network that grows."""

    def __init__(self, seed: int, *, named: bool) -> None:
        self.rng = random.Random(seed)
        self.named = named  # whether modules are known
        self.builder = convcalc.Builder(f"random{seed}")
        self.above: list[Group] = []
        self.numbers: dict[str, int] = {}
        self.far: list[Tensor] = []

    def path(self, name: str) -> str:
        """A path that no other layer or module has."""
        start = f"{self.above[-1].path}.{name}" if self.above else name
        number = self.numbers.get(start, 0)
        self.numbers[start] = number + 1
        return f"{start}.{number}"

    def add(self, operator: str, *inputs: Tensor, **fields: object) -> Tensor:
        """A layer of the module at hand."""
        groups = list(self.above) if self.named else []
        found = self.builder.add(
            operator, list(inputs), path=self.path(operator), composites=groups, **fields
        )
        assert found is not None, self.builder.problems
        return found

    def module(self, kind: str, make: Make, x: Tensor, width: int, flag: bool) -> Tensor:
        """A module of a class."""
        self.above.append(Group(self.path(kind.lower()), kind))
        found = make(self, x, width, flag)
        self.above.pop()
        return found


def layer(rng: random.Random) -> Make:
    """One layer, with numbers of its own or the module's."""
    kind = rng.choice(("conv", "conv", "depthwise_conv", "batch_norm", "relu", "silu"))
    k, factor, is_optional = rng.choice((1, 3, 5)), rng.choice((1, 1, 2, 4)), rng.random() < 0.2

    def make(drawn: Drawn, x: Tensor, width: int, flag: bool) -> Tensor:
        if is_optional and not flag:
            return x
        if kind == "conv":
            return drawn.add("conv", x, out=width * factor, k=k, p=k // 2)
        if kind == "depthwise_conv":
            return drawn.add("depthwise_conv", x, k=k, p=k // 2)
        return drawn.add(kind, x)

    return make


def chain(parts: Sequence[Make]) -> Make:
    """Parts one after another."""

    def make(drawn: Drawn, x: Tensor, width: int, flag: bool) -> Tensor:
        for part in parts:
            x = part(drawn, x, width, flag)
        return x

    return make


def joined(rng: random.Random, body: Make, other: Make | None) -> Make:
    """Two branches that read one tensor; the shortcut where channels differ is a convolution."""
    join = rng.choice(("add", "add", "concat", "mul"))
    shortcut_first = rng.random() < 0.3

    def make(drawn: Drawn, x: Tensor, width: int, flag: bool) -> Tensor:
        first = other(drawn, x, width, flag) if other and shortcut_first else x
        main = body(drawn, x, width, flag)
        side = other(drawn, x, width, flag) if other and not shortcut_first else first
        if join != "concat" and side.shape.channels != main.shape.channels:
            side = drawn.add("conv", side, out=main.shape.channels, k=1)
        if side == main:
            return main
        return drawn.add(join, main, side)

    return make


def module_class(rng: random.Random, known: Sequence[tuple[str, Make]]) -> Make:
    """A class of modules, perhaps made of those that are known."""
    parts: list[Make] = [layer(rng) for _ in range(rng.randint(1, 4))]
    if known and rng.random() < 0.7:
        kind, inner = rng.choice(known)
        count = rng.randint(1, 3)

        def several(drawn: Drawn, x: Tensor, width: int, flag: bool) -> Tensor:
            for _ in range(count):
                x = drawn.module(kind, inner, x, width, flag)
            return x

        parts.insert(rng.randrange(len(parts) + 1), several)
    found = chain(parts)
    if rng.random() < 0.5:
        found = joined(rng, found, layer(rng) if rng.random() < 0.4 else None)
    return found


def drawn_network(seed: int, *, named: bool = True) -> NetworkFile:
    """The network of a seed."""
    drawn = Drawn(seed, named=named)
    rng = drawn.rng
    x = drawn.builder.input("image", [rng.randint(1, 4), 12, 12])
    classes: list[tuple[str, Make]] = []
    for number in range(rng.randint(1, 4)):
        classes.append((f"Kind{number}", module_class(rng, classes)))
    for _ in range(rng.randint(2, 6)):
        kind, make = rng.choice(classes)
        width = rng.choice((2, 3, 4, 8))
        for turn in range(rng.choice((1, 1, 2, 3, 4))):
            x = drawn.module(kind, make, x, width, turn > 0 or rng.random() < 0.5)
            if x.shape.channels > 64:
                x = drawn.add("conv", x, out=width, k=1)
            drawn.far.append(x)
        if rng.random() < 0.3:
            x = drawn.add("concat", x, rng.choice(drawn.far))
    outputs = [x] if rng.random() < 0.8 else [rng.choice(drawn.far), x]
    network = drawn.builder.network(outputs)
    assert network.problems == ()
    return NetworkFile(**{key: getattr(network, key) for key in Network.record_fields})
