"""Writes a network file: head, params and variants, blocks, layers, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.exporting.source.addresses import Outside, address_of
from convcalc.exporting.source.alignment import Misfit
from convcalc.exporting.source.head import head_of, name_of, sizes_of
from convcalc.exporting.source.items import Items
from convcalc.exporting.source.lines import Line, all_lines, lines_of
from convcalc.exporting.source.naming import Naming
from convcalc.exporting.source.scene import Scene
from convcalc.exporting.source.templates import RESERVED, Template, resolve, same
from convcalc.exporting.source.terms import NONE, Body, Call, all_terms
from convcalc.exporting.source.values import Expr, Values
from convcalc.exporting.source.yaml_text import comment, document
from convcalc.language.file_facts import NetworkFile

_MOST_OPTIONAL = 8  # lines with a condition, among those of several models
Entries = list[tuple[str, Any]]


def written_file(
    networks: Sequence[NetworkFile],
    bodies: Sequence[Body],
    scene: Scene,
    templates: Sequence[Template],
) -> str:
    """The text of a file with the layers of networks; raises Misfit if they differ too much.

    The first is the base of the file, each other a variant.
    """
    used = [each for each in templates if each.key in _called(bodies)]
    inputs, entries = _inputs(networks, scene)
    lines, _ = lines_of(bodies, entries, _MOST_OPTIONAL if len(bodies) > 1 else len(bodies[0]))
    values = Values([*RESERVED, *networks[0].inputs])
    resolve(lines, Outside(inputs), values, scene)
    naming = Naming(lines, [*networks[0].inputs, *values.taken], used)
    outputs = _outputs(networks, lines, scene, naming)
    items = Items(naming, {template.key: template.name for template in used})
    text: Entries = head_of(networks[0])
    text += _params(networks, values)
    blocks = {template.name: _block(template, items) for template in used}
    text += [("blocks", blocks)] if blocks else []
    text.append(("layers", items.of(lines)))
    text += [("outputs", outputs)] if outputs else []
    return "\n".join([*_comments(networks, used, lines), document(text)])


def _called(bodies: Sequence[Body]) -> set[str]:
    """The keys of the blocks that are called, also those by way of others."""
    found: set[str] = set()
    ahead = list(bodies)
    while ahead:
        for term in all_terms(ahead.pop()):
            if isinstance(term, Call) and term.template.key not in found:
                found.add(term.template.key)
                ahead += term.template.bodies
    return found


def _inputs(networks: Sequence[NetworkFile], scene: Scene) -> tuple[dict[int, str], list[int]]:
    """Return what the inputs are called, by tensor, and the tensor that enters each network.

    With several inputs none enters: each is read by its name.
    """
    if len({tuple(network.inputs) for network in networks}) > 1 and any(
        len(network.inputs) > 1 for network in networks
    ):
        raise Misfit("the models have other inputs")
    names: dict[int, str] = {}
    entries: list[int] = []
    for network, offset in zip(networks, scene.offsets, strict=True):
        is_alone = len(network.inputs) == 1
        called = ["input"] if is_alone else list(network.inputs)
        names |= {offset + number: name for number, name in enumerate(called)}
        entries.append(offset if is_alone else NONE - 1)
    return names, entries


def _params(networks: Sequence[NetworkFile], values: Values) -> Entries:
    """The params of the file, with the values of the base, and the variants."""
    if len(networks) == 1:
        return []
    params = {name: param.values.get(0) for name, param in values.params.items()}
    if None in params.values():
        raise Misfit("the base lacks what a variant has")
    base = sizes_by_name(networks[0])
    variants: dict[str, Any] = {}
    for case, network in enumerate(networks[1:], 1):
        given = {
            name: param.values[case]
            for name, param in values.params.items()
            if case in param.values and not same(param.values[case], params[name])
        }
        if sizes_by_name(network) != base:
            sizes = sizes_by_name(network)
            given |= {"input": next(iter(sizes.values()))} if len(sizes) == 1 else {"inputs": sizes}
        variants[name_of(network)] = given
    if len(variants) < len(networks) - 1 or name_of(networks[0]) in variants:
        raise Misfit("two models have the same name")
    return [("params", params), ("variants", variants)] if params else [("variants", variants)]


def sizes_by_name(network: NetworkFile) -> dict[str, Any]:
    """The sizes of the inputs of a network."""
    return {name: sizes_of(shape) for name, shape in network.inputs.items()}


def _block(template: Template, items: Items) -> Mapping[str, Any]:
    params: dict[str, Any] = dict.fromkeys(template.further_names, "ref")
    for param in template.values.params.values():
        params[param.name] = param.declaration
    found: dict[str, Any] = {"params": params} if params else {}
    try:
        found["layers"] = items.of(template.lines)
    except Misfit as error:
        error.block = template.name
        raise
    return found


def _outputs(
    networks: Sequence[NetworkFile], lines: Sequence[Line], scene: Scene, naming: Naming
) -> list[str]:
    """Return what the networks return; nothing if it is the last tensor of each alone."""
    contexts = lines[0].contexts
    returned = [
        [tensor + offset for tensor in network.outputs.values()]
        for network, offset in zip(networks, scene.offsets, strict=True)
    ]
    last = [[term.out] if term is not None else [] for term in lines[-1].terms]
    if returned == last:
        return []
    found = []
    for tensors in zip(*returned, strict=True):
        pairs = zip(contexts, tensors, strict=True)
        addresses = {address_of(context, tensor) for context, tensor in pairs}
        (address,) = addresses if len(addresses) == 1 else (None,)
        if address is None:
            raise Misfit("what the models return differs, or is what they read")
        found.append(naming.text(address))
    return found


def _comments(
    networks: Sequence[NetworkFile], used: Sequence[Template], lines: Sequence[Line]
) -> list[str]:
    """Return what the file says of where it comes from."""
    files = ", ".join(network.file.rpartition("/")[2] for network in networks)
    found = [comment(f"imported from {files}")]
    every = [*all_lines(lines), *(line for each in used for line in all_lines(each.lines))]
    related = [text for line in every for text in _relations(line)]
    if related:
        examples = " and ".join(dict.fromkeys(related[:1] + related[-1:]))
        found.append(comment(f"inferred: relations such as {examples} hold in this model"))
    return found


def _relations(line: Line) -> list[str]:
    values = [*line.fields.values(), line.condition, *line.conditions]
    texts = [value.text for value in values if isinstance(value, Expr)]
    return [text for text in texts if not text.isidentifier() and " if " not in text]
