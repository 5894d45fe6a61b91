"""Match the layers of one network with those of another.

Layers are matched by their path. Of those that are left, two count as one renamed layer if
that is unambiguous: the same path but for ``[0]``, which a layer gets or loses when its
namesakes come and go; or the same work (operator, fields, shapes) behind the same layer, as
often in the old network as in the new one, where one part of the path has another name and all
that lies below it is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from convcalc.analysis.report.lately import lately
from convcalc.analysis.report.report import LayerCore, LayerReport
from convcalc.analysis.report.to_json import plain

Pair = tuple[LayerReport | None, LayerReport | None]


def match_layers(old: Sequence[LayerReport], new: Sequence[LayerReport]) -> list[Pair]:
    """Pair each old layer with its new one; None stands for a layer that was added or removed.

    Pairs are in the new order; removed layers keep their place after the layer before them.
    """
    partner = _partners(old, new)
    removed: dict[str, list[Pair]] = {}
    last = ""
    for layer in old:
        if layer.path in partner:
            last = partner[layer.path]
        else:
            removed.setdefault(last, []).append((layer, None))
    before = {after: layer for layer in old if (after := partner.get(layer.path)) is not None}
    pairs = list(removed.get("", ()))
    for layer in new:
        pairs.append((before.get(layer.path), layer))
        pairs += removed.get(layer.path, [])
    return pairs


def _partners(old: Sequence[LayerReport], new: Sequence[LayerReport]) -> dict[str, str]:
    """The new path of each old layer that has one, by its old path."""
    paths = {layer.path for layer in new}
    found = {layer.path: layer.path for layer in old if layer.path in paths}
    if len(found) == len(old) == len(new):
        return found
    found |= _pair_unambiguous(*_unmatched(old, new, found, _without_first_index))
    work = lately(_work)
    alike = _pair_unambiguous(*_unmatched(old, new, found, lambda layer: work(layer.core)))
    return found | dict(
        _keep_whole_renames(
            alike, _paths_without(old, found), _paths_without(new, set(found.values()))
        )
    )


def _paths_without(layers: Sequence[LayerReport], but: Container[str]) -> list[str]:
    return [layer.path for layer in layers if layer.path not in but]


Unmatched = Mapping[tuple[str, str], list[str]]


def _unmatched(
    old: Sequence[LayerReport],
    new: Sequence[LayerReport],
    found: Mapping[str, str],
    key: Callable[[LayerReport], str],
) -> tuple[Unmatched, Unmatched]:
    """The layers of both sides without a partner, by the matched layer before them and ``key``."""
    places = {after: before for before, after in found.items()}
    return _by_place(old, dict(zip(found, found, strict=True)), key), _by_place(new, places, key)


def _by_place(
    layers: Sequence[LayerReport], places: Mapping[str, str], key: Callable[[LayerReport], str]
) -> Unmatched:
    """Layers without a partner, by the old path of the last layer with one, and by ``key``."""
    found: dict[tuple[str, str], list[str]] = {}
    last = ""
    for layer in layers:
        if layer.path in places:
            last = places[layer.path]
        else:
            found.setdefault((last, key(layer)), []).append(layer.path)
    return found


def _pair_unambiguous(old: Unmatched, new: Unmatched) -> dict[str, str]:
    """Pair the layers under each key that holds equally many on both sides."""
    return {
        before: after
        for key, paths in old.items()
        if len(new.get(key, ())) == len(paths)
        for before, after in zip(paths, new[key], strict=True)
    }


def _keep_whole_renames(
    alike: Mapping[str, str], old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Keep the pairs in which one part of the path was renamed with everything below it."""
    renamed: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for pair in alike.items():
        if names := _renamed_part(*pair):
            renamed.setdefault(names, []).append(pair)
    was, now = Counter(_prefixes(old)), Counter(_prefixes(new))
    for (before, after), pairs in renamed.items():
        if was[before] == now[after] == len(pairs):
            yield from pairs


def _renamed_part(before: str, after: str) -> tuple[str, str] | None:
    """Both paths up to the only part in which they differ; None if more or fewer parts differ."""
    one, other = before.split("."), after.split(".")
    differing = [i for i, parts in enumerate(zip(one, other, strict=False)) if len(set(parts)) > 1]
    if len(one) != len(other) or len(differing) != 1:
        return None
    end = differing[0] + 1
    return ".".join(one[:end]), ".".join(other[:end])


def _prefixes(paths: Iterable[str]) -> Iterator[str]:
    """Each path and all of its prefixes."""
    for path in paths:
        parts = path.split(".")
        yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _without_first_index(layer: LayerReport) -> str:
    """A key for a layer that ignores ``[0]`` in its path."""
    return f"{layer.operator} {layer.path.replace('[0]', '')}"


def _work(core: LayerCore) -> str:
    """A key for what a layer does, without its name."""
    parts = (core.operator, core.fields, core.inputs, core.output, core.weights)
    return repr([plain(part) for part in parts])
