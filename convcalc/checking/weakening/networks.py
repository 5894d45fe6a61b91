"""Finds changes in the requirements of a network file: pins, its own budgets, its variants."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from convcalc.checking.budgets.before import is_saved
from convcalc.checking.budgets.pins import pin_text
from convcalc.checking.weakening.budgets import NAME, weaker_budget
from convcalc.checking.weakening.change import Change, change, line_place, listed, shown_path
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.assertions.vocabulary import Budget
from convcalc.language.file_facts import NetworkFile
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import known

RELEASED = "network-released"
Read = Callable[[str], bytes]


def network_changes(
    own: NetworkFile, held: NetworkFile, budgets: Sequence[Budget]
) -> Iterator[Change]:
    """Yield the changes of one variant; ``budgets`` are the repository's that hold for it."""
    yield from changed_pins(own, held)
    yield from changed_model(own, held)
    if held.budgets is not None:
        gone = Budget("", key_place(own, "budgets"))
        yield from weaker_budget(held.budgets, own.budgets or gone)
    at_home = [b for b in (held.budgets, *budgets) if b is not None and not b.inputs]
    if at_home and any(_is_smaller(own.inputs.get(k), shape) for k, shape in held.inputs.items()):
        texts = [", ".join(map(str, network.inputs.values())) for network in (own, held)]
        message = f"budgets are measured at {texts[0]} now, not at {texts[1]}"
        place = key_place(own, "inputs" if len(own.inputs) > 1 else "input")
        locked = any(budget.locked for budget in at_home)
        yield change(NAME, message, place, "name the 'inputs' in the budget", locked=locked)


def _is_smaller(own: Shape | None, held: Shape) -> bool:
    """Whether an input lost channels or positions."""
    if own is None or len(own.dims) != len(held.dims):
        return True
    return any(
        known(h) and (not known(o) or o < h)
        for o, h in zip(own.dims[1:], held.dims[1:], strict=True)
    )


def changed_pins(own: NetworkFile, held: NetworkFile) -> Iterator[Change]:
    """Yield the pinned numbers of a variant that are others now, or not pinned any more."""
    there = own.expect.get(own.name, {})
    for metric, old in held.expect.get(held.name, {}).items():
        origin = held.pinned_at[held.name, metric]
        if metric not in there and old is not None:
            message = f"{metric} of {own.name} is not pinned any more, it was {pin_text(old)}"
            yield change("pin-changed", message, key_place(own, "expect"), "", origin)
        elif not _is_as_strict(there.get(metric), old):
            new = pin_text(there[metric])
            message = f"{metric} of {own.name} is pinned to {new}, not to {pin_text(old)}"
            advice = "if it is meant, it is for the reviewer to say so"
            yield change("pin-changed", message, own.pinned_at[own.name, metric], advice, origin)


def changed_model(own: NetworkFile, held: NetworkFile) -> Iterator[Change]:
    """Yield the model that a variant was held against, if it is held against it no more."""
    if held.verified is None:
        return
    old, new = held.verified, own.verified
    if new is None:
        message = f"{own.name} is not held against {old.target} any more"
        yield change("pin-changed", message, key_place(own, "verify"), "", old.place)
    elif new.target != old.target:
        message = f"{own.name} is held against {new.target}, not against {old.target}"
        yield change("pin-changed", message, new.place, "", old.place)


def _is_as_strict(own: Any, held: Any) -> bool:
    """Whether a pinned value allows only what another does; null allows everything."""
    if held is None or own == held:
        return True
    if isinstance(own, dict) and isinstance(held, dict):
        return all(key in own and _is_as_strict(own[key], value) for key, value in held.items())
    if isinstance(own, list) and not isinstance(held, dict):
        values = held if isinstance(held, list) else [held] * len(own)
        return len(own) == len(values) and all(map(_is_as_strict, own, values))
    return (
        isinstance(held, list)
        and not isinstance(own, dict)
        and own in held * (len(set(map(repr, held))) == 1)
    )


def changed_report(budget: Budget, held: Read | None, own: Read) -> Iterator[Change]:
    """Yield the finding for a saved report that a budget compares with, if it is another now."""
    compare = budget.compare
    if compare is None or held is None or not is_saved(compare.base):
        return
    path = os.path.join(os.path.dirname(compare.file or compare.place.file), compare.base)
    try:
        before = held(path)
    except OSError:
        return
    try:
        content = own(path)
        is_same = content == before or json.loads(content) == json.loads(before)
        message = f"{shown_path(path)} is another report than before"
    except (OSError, ValueError, RecursionError):
        is_same, message = False, f"{shown_path(path)} is gone, or no report any more"
    if not is_same:
        advice = "budgets compare with it; the one from before still counts for this check"
        place = Place(shown_path(path), 1, 1)
        yield change("pin-changed", message, place, advice, compare.place, locked=budget.locked)


def lost_variants(
    own: NetworkFile, held: NetworkFile, budgets: Sequence[Budget]
) -> Iterator[Change]:
    """Yield the variants that are gone, if they were held to something."""
    for name in held.variants:
        if name in own.variants:
            continue
        some = [b for b in budgets if not b.variants or name in [v.text for v in b.variants]]
        if words := holdings(held, some, name):
            message = f"the variant '{name}' is gone, which was held to {words}"
            locked = any(b.locked for b in (held.budgets, *some) if b is not None)
            yield change(RELEASED, message, key_place(own, "variants"), locked=locked)


def released(
    file: str, verb: str, held: NetworkFile, budgets: Sequence[Budget]
) -> Iterator[Change]:
    """Yield the finding for a network that is not checked any more, if it was held to something."""
    if words := holdings(held, budgets):
        message = f"{file} {verb}, which was held to {words}"
        locked = any(budget.locked for budget in (held.budgets, *budgets) if budget is not None)
        yield change(RELEASED, message, Place(file, 1, 1), locked=locked)


def holdings(held: NetworkFile, budgets: Sequence[Budget], variant: str = "") -> str:
    """Return what a network or one of its variants is held to, in words; empty if to nothing."""
    pins = [pin for name, pin in held.expect.items() if pin and variant in ("", name)]
    count = sum(map(len, pins))
    words = [f"{count:,} pinned number{'s' * (count > 1)}"] if pins else []
    words += ["its own budgets"] if held.budgets is not None else []
    words += [f"budget '{name}'" for name in dict.fromkeys(budget.name for budget in budgets)]
    return listed(words)


def key_place(network: NetworkFile, key: str) -> Place:
    """Return the place of a top-level key of a file, or its beginning."""
    text = network.sources.get(network.file, "")
    if text.startswith(f"{key}:"):
        return Place(network.file, 1, 1, 1 + len(key))
    place = line_place(network.file, text, f"\n{key}:")
    if place.line == 1 and place.end == 0:
        return place
    return Place(network.file, place.line + 1, 1, 1 + len(key))
