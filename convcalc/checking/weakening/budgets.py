"""Which demands of budgets became weaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.checking.budgets.merging import same_base
from convcalc.checking.budgets.strictness import by_subject, weaker_bounds
from convcalc.checking.patterns import path_regex
from convcalc.checking.weakening.change import Change, change, is_weaker, severity_of
from convcalc.diagnostics.diagnostic import Place
from convcalc.language.assertions.vocabulary import CHANGES, Assertion, Budget, Compare, Named
from convcalc.language.sources.shipped import ENDINGS

NAME = "budget-weakened"


def weaker_budgets(
    held: Sequence[Budget], own: Sequence[Budget], home: Place, *, same_folder: bool = True
) -> Iterator[Change]:
    """Yield what the budgets of one file demand less than before.

    ``home`` is the place for what is not there any more. Patterns are compared if both count from
    the ``same_folder``.
    """
    mine = {budget.name: budget for budget in own}
    names = {budget.name for budget in held}
    new = [budget for budget in own if budget.name not in names]
    for budget in held:
        there = mine.get(budget.name)
        if there is not None:
            yield from weaker_budget(budget, there, same_folder=same_folder)
        elif not any(_covers(each, budget, same_folder=same_folder) for each in new):
            message = f"budget '{budget.name}' is gone"
            yield change(NAME, message, home, "", budget.place, locked=budget.locked)
    for budget in new:
        yield from weaker_rules(Budget("", budget.place), budget)


def _covers(own: Budget, held: Budget, *, same_folder: bool) -> bool:
    """Whether a budget with another name demands all that one did."""
    return next(weaker_budget(held, own, same_folder=same_folder), None) is None


def weaker_budget(held: Budget, own: Budget, *, same_folder: bool = True) -> Iterator[Change]:
    """Yield what a budget demands less than before."""
    who = f"budget '{own.name}': " if own.name else ""

    def weakened(message: str, place: Place, origin: Place) -> Change:
        return change(NAME, f"{who}{message}", place, "", origin, locked=held.locked)

    if held.locked and not own.locked:
        yield weakened("it is not locked any more", own.place, held.place)
    mine = by_subject(own.assertions)
    for about, before in by_subject(held.assertions).items():
        after = mine.get(about, [])
        title = before[0]._replace(bounds=()).title
        for weaker in weaker_bounds(before, after):
            place = after[0].place if after else own.place
            place = weaker.instead.place if weaker.instead else place
            yield weakened(f"{title} {weaker.text}", place, weaker.bound.place)
    if any(map(_has_changes, held.assertions)):
        for message, old, new in _other_base(held.compare, own.compare):
            yield weakened(message, new.place, old.place)
    for message, place, origin in _narrowed(held, own, same_folder=same_folder):
        yield weakened(message, place, origin)
    yield from weaker_rules(held, own)


def _has_changes(assertion: Assertion) -> bool:
    return any(bound.kind in CHANGES for bound in assertion.bounds)


def _other_base(
    held: Compare | None, own: Compare | None
) -> Iterator[tuple[str, Compare, Compare]]:
    """Yield what a budget compares with now, if it is another base or less is asked."""
    if held is None or own is None or same_base(held, own):
        return
    if held.base != own.base:
        yield f"it compares with {own.base}, not with {held.base}", held, own
    elif own.missing == "pass":
        yield f"missing became {own.missing}, it was {held.missing}", held, own


def _narrowed(
    held: Budget, own: Budget, *, same_folder: bool
) -> Iterator[tuple[str, Place, Place]]:
    """Yield the models, variants and inputs that a budget does not hold for any more."""
    if own.variants:
        names = {each.text for each in own.variants}
        lost = [each for each in held.variants if each.text not in names]
        if not held.variants:
            yield "it holds for some variants only", own.variants[0].place, held.place
        elif lost:
            message = f"it does not hold for the variant '{lost[0].text}' any more"
            yield message, own.variants[0].place, lost[0].place
    inputs = {each.text for _, each in own.inputs}
    lost = [each for _, each in held.inputs if each.text not in inputs]
    place = own.inputs[0][1].place if own.inputs else own.place
    if inputs and not held.inputs:
        yield "it does not hold at the file's own input any more", place, held.place
    elif lost:
        message = f"it does not hold at the input {lost[0].text} any more"
        yield message, place, lost[0].place
    if same_folder:
        for model in held.models:
            if not covers_pattern(own.models, model):
                place = own.models[0].place if own.models else own.place
                message = f"its models do not cover '{model.text}' any more"
                yield message, place, model.place


def weaker_rules(held: Budget, own: Budget) -> Iterator[Change]:
    """Yield the rules to which a budget gives a lower severity than before."""
    for code in dict.fromkeys((*held.rules, *own.rules)):
        old, new = severity_of(code, held.rules), severity_of(code, own.rules)
        if is_weaker(new, old):
            message = f"budget '{own.name}': {code} is {new} now, not {old}"
            yield change(NAME, message, own.place, "", held.place, locked=held.locked)


# --- patterns ------------------------------------------------------------------------------------


def covers_pattern(own: Sequence[Named], held: Named) -> bool:
    """Whether patterns match all network files that a pattern matches, by samples of them."""
    texts = [each.text for each in own]
    if held.text in texts:
        return True
    regexes = [path_regex(text) for text in texts]
    tried = list(samples(held.text))
    return bool(tried) and all(any(r.fullmatch(path) for r in regexes) for path in tried)


def samples(pattern: str) -> Iterator[str]:
    """Yield paths of network files that a pattern matches; parts stand for any other ones."""
    regex = path_regex(pattern)
    for folders in ("", "q7/", "q7/w8/"):
        for word in ("q7", "", *(f"q7{ending}" for ending in ENDINGS)):
            path = pattern.removeprefix("./").replace("**/", folders)
            if path.endswith("**"):
                path = f"{path[:-2]}{folders}q7{ENDINGS[0]}"
            path = path.replace("**", word).replace("*", word).replace("?", "q")
            if path.endswith(ENDINGS) and regex.fullmatch(path):
                yield path
