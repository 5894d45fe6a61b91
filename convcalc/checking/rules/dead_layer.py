"""Finds layers that lead to no output: they have no effect, and count all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from fractions import Fraction
from math import prod

from convcalc.analysis.report.report import work_totals
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.model.graph.network import Network
from convcalc.model.graph.readers import finding
from convcalc.model.operators.contract import DYNAMIC, WEIGHTS
from convcalc.model.quantities.number_text import count_text, percent_text
from convcalc.model.quantities.unknown import known

NAME = "dead-layer"
ADVICE = "read it, name it in 'outputs', or leave it out"


def findings(network: Network) -> Iterator[Diagnostic]:
    """Yield a finding for each line whose layers nobody reads, with those that lead to them."""
    mains = _mains(network)
    live = _live(network, mains)
    dead = dict.fromkeys(index for index in range(len(network.layers)) if index not in live)
    if not dead or not network.outputs:
        return
    totals = _Totals(network, _owners(network, live))
    for ends, before in _by_line(network, mains, dead):
        layer = network.layers[ends[0]]
        message = f"nothing reads '{layer.path}', and it is not an output: "
        message += _subject(len(ends) - 1, len(before))
        message += totals.amounts({*ends, *before})
        yield finding(NAME, layer, message, ADVICE)


def _mains(network: Network) -> Sequence[int]:
    """For each layer its own index; for a further output, that of the layer it belongs to."""
    found: list[int] = []
    while len(found) < len(network.layers):
        index = len(found)
        found += [index] * (1 + len(network.layers[index].analysis.ports))
    return found


def _live(network: Network, mains: Sequence[int]) -> Set[int]:
    """The layers that an output depends on, without their further outputs."""
    waiting = [network.index(number) for number in network.outputs.values()]
    live: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index >= 0 and mains[index] not in live:
            live.add(mains[index])
            waiting += map(network.index, network.layers[mains[index]].inputs)
    return live | {index for index, main in enumerate(mains) if main in live}


def _owners(network: Network, live: Set[int]) -> Set[int]:
    """The layers whose weights no live layer uses."""
    roots = [
        index if layer.shares < 0 else layer.shares for index, layer in enumerate(network.layers)
    ]
    return {*range(len(roots))} - {roots[index] for index in live}


def _by_line(
    network: Network, mains: Sequence[int], dead: Collection[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the dead layers that nobody reads, by line, and those before them not yet yielded."""
    read = {mains[index] for k in dead for index in _sources(network, k)}
    lines: dict[Place, list[int]] = {}
    for index in dead:
        if mains[index] == index and index not in read:
            lines.setdefault(network.layers[index].place, []).append(index)
    done = {end for ends in lines.values() for end in ends}
    for ends in lines.values():
        before: list[int] = []
        waiting = [source for end in ends for source in _sources(network, end)]
        while waiting:
            index = mains[waiting.pop()]
            if index not in done and index in dead:
                done.add(index)
                before.append(index)
                waiting += _sources(network, index)
        yield ends, before


def _sources(network: Network, index: int) -> list[int]:
    """The layers that a layer reads."""
    return [source for source in map(network.index, network.layers[index].inputs) if source >= 0]


# --- words ---------------------------------------------------------------------------------------


def _subject(more: int, before: int) -> str:
    """Return who adds to the totals: the layer, its likes, and those before it."""
    likes = f"{more} more of this line" if more else ""
    ahead = f"{before} layer{'s' * (before != 1)} before that lead{'s' * (before == 1)} nowhere too"
    parts = ["it", *filter(None, [likes, ahead if before else ""])]
    verb = "add" if len(parts) > 1 else "adds"
    return f"{', '.join(parts[:-1])} and {parts[-1]} {verb} " if parts[1:] else f"it {verb} "


class _Totals:
    """The share of each layer in the totals of a network, and the totals."""

    def __init__(self, network: Network, owners: Set[int]) -> None:
        layers = network.layers
        self.owners = owners
        self.params = [_params(network, index) for index in range(len(layers))]
        self.macs = [work_totals(each.analysis.terms, (WEIGHTS, DYNAMIC))[0] for each in layers]
        self.all = sum(self.params), sum(self.macs)

    def amounts(self, layers: Set[int]) -> str:
        """Return what layers add to the totals, with their shares of them."""
        params = sum(self.params[index] for index in layers & self.owners)
        macs = sum(self.macs[index] for index in layers)
        texts = _amount("params", params, self.all[0]), _amount("MACs", macs, self.all[1])
        found = [text for text in texts if text]
        return f"{' and '.join(found)} to the totals" if found else "no params and no MACs"


def _params(network: Network, index: int) -> int:
    layer = network.layers[index]
    return sum(map(prod, layer.analysis.weights.values())) if layer.shares < 0 else 0


def _amount(what: str, part: int, whole: int) -> str:
    if not known(part):
        return f"unknown {what}"
    share = f" ({percent_text(Fraction(part, whole))})" if known(whole) and whole else ""
    return f"{count_text(part)} {what}{share}" if part else ""
