"""The names of networks and files, and what a network has: variants, params, inputs, layers.

A file is parsed, and for the paths of layers expanded, but not analysed. Nothing is run and nothing
is asked of git: models that a program builds, and files of a revision, have no values here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from convcalc.cli.completion.line import Asked
from convcalc.language.sources.project import opened
from convcalc.language.sources.resolve import FILES, is_file, names_in, resolve
from convcalc.language.sources.shipped import shipped_folder, shipped_names
from convcalc.language.sources.target import Target
from convcalc.language.syntax import nodes

MOST_WORK = 20_000_000  # for a network of which layers are completed
MOST_BYTES = 2**20  # of a file that is looked at
VARIANT = "::"
WITH_TARGET = ("target", "targets", "design", "old", "paths")  # whose file other params are of

Pairs = Iterable[tuple[str, str]]


# --- targets -------------------------------------------------------------------------------------


def targets(asked: Asked) -> Iterator[tuple[str, str]]:
    """Files of networks, folders, built-in networks; behind ``FILE::`` the variants of the file."""
    path, colons, _ = asked.word.partition(VARIANT)
    if colons:
        yield from ((f"{path}{VARIANT}{name}", "variant") for name in _keys(path, "variants"))
        return
    folder, slash, start = asked.word.rpartition("/")
    for name in sorted(names_in(os.path.expanduser(folder + slash) or os.curdir)):
        if name.startswith(start) and (start.startswith(".") or not name.startswith(".")):
            whole = folder + slash + name
            if os.path.isdir(os.path.expanduser(whole)):
                yield f"{whole}/", ""
            elif name.endswith(FILES):
                yield whole, "file"
    if not slash:
        yield from ((name, _about(target)) for name, target in shipped_names().items())


def _about(target: Target) -> str:
    return "built-in network" if target.variant is None else "built-in variant"


# --- what the file of the line says --------------------------------------------------------------


def variants(asked: Asked) -> Pairs:
    """The variants of the target of the line, with the name of its base."""
    return [(name, "") for word in _targets_of(asked) for name in _keys(word, "variants")]


def params(asked: Asked) -> Pairs:
    """The params of the target of the line, with their defaults: ``width=``."""
    found = [root for word in _targets_of(asked) if (root := _root(word))]
    return [
        (f"{key.text}=", getattr(node, "text", ""))
        for root in found
        for key, node in _entries(root, "params")
    ]


def unknowns(asked: Asked) -> Pairs:
    """Return what may be solved for: the params of the target of the line, and its input."""
    return [*((name.rstrip("="), value) for name, value in params(asked)), ("input", "")]


def inputs(asked: Asked) -> Pairs:
    """The inputs of the target of the line: ``image=`` of several, and the size of a single one."""
    found = [root for word in _targets_of(asked) if (root := _root(word))]
    several = [(f"{key.text}=", "") for root in found for key, _ in _entries(root, "inputs")]
    return several or [(size, "") for root in found if (size := _size(root.get("input")))]


def _size(node: nodes.Node | None) -> str:
    items = node.items if isinstance(node, nodes.Sequence) else ()
    texts = [getattr(item, "text", "") for item in items]
    return "x".join("?" if text == "null" else text for text in texts)


def _targets_of(asked: Asked) -> list[str]:
    return [word for param in WITH_TARGET for word in asked.given.get(param, ())]


def _keys(word: str, key: str) -> list[str]:
    root = _root(word)
    return [] if root is None else [each.text for each, _ in _entries(root, key)]


def _entries(root: nodes.Mapping, key: str) -> Iterable[tuple[nodes.Scalar, nodes.Node]]:
    found = root.get(key)
    return found.entries if isinstance(found, nodes.Mapping) else ()


def _root(word: str) -> nodes.Mapping | None:
    """The content of a network file, without what it imports; None if it is not one."""
    from convcalc.language.sources.gate import read_all, read_shipped
    from convcalc.language.syntax.ready import find_tree

    with opened("", allow_outside=False):
        file = resolve(_expanded(word)).file
        is_shipped = os.path.dirname(file) == str(shipped_folder())
        if is_shipped:
            text = read_shipped(file, MOST_BYTES)
        elif file.endswith((".yaml", ".yml")):
            text = read_all(file, MOST_BYTES)
        else:
            return None
        root = find_tree(os.path.basename(file), file, text) if is_shipped else None
        if root is None:
            from convcalc.language.syntax import reader

            root, _ = reader.read(text, file)
    return root if isinstance(root, nodes.Mapping) else None


def _expanded(word: str) -> str:
    """The target of a word; a revision or a model that a program builds is none here."""
    from convcalc.errors import Error

    path = os.path.expanduser(word)
    if ":" in path.replace(VARIANT, "") and not is_file(path):
        raise Error("its values are not completed")
    return path


# --- layers --------------------------------------------------------------------------------------


def layers(asked: Asked) -> Iterator[tuple[str, str]]:
    """The layers and blocks of the network, one level below what there is of the path.

    Of a block also the beginning of what lies in it: ``stage[0]`` and ``stage[0].``.
    """
    if asked.param == "parts" and len(asked.given.get("parts", ())):
        return
    head = asked.word[: asked.word.rfind(".") + 1]
    found: dict[str, str] = {}
    for path, kind in _paths(asked):
        if path.startswith(asked.word):
            rest = path[len(head) :]
            name, dot, _ = rest.partition(".")
            found.setdefault(head + name, kind if not dot else "")
            if dot:
                found.setdefault(f"{head}{name}.", "")
    yield from found.items()


def _paths(asked: Asked) -> Iterator[tuple[str, str]]:
    """The paths of all blocks and layers of the network of the line, with their types."""
    from convcalc.diagnostics.work import limits
    from convcalc.importing.opening import read_target

    for word in _targets_of(asked):
        if not is_file(_expanded(word)) and word.partition("::")[0] not in shipped_names():
            continue
        with limits(work=MOST_WORK), opened("", allow_outside=False):
            variant = next(iter(asked.given.get("variant", ())), None)
            network = read_target(resolve(_expanded(word)), variant=variant)
        for layer in network.layers:
            yield from layer.groups
            yield layer.path, layer.name


# --- keys of a report ----------------------------------------------------------------------------


def keys(_: Asked) -> Iterator[tuple[str, str]]:
    """The paths of single numbers in a report, for ``get``."""
    from convcalc.model.quantities.counts import COUNTS

    yield from ((f"totals.{count.json}", count.doc) for count in COUNTS.values())
    yield from ((f"totals.{key}", "") for key in OF_TOTALS)
    yield from ((f"receptive_field.{key}", "") for key in OF_FIELD)
    yield from ((key, "") for key in OF_REPORT)


OF_TOTALS = (
    "layers",
    *(f"memory.{key}" for key in ("weights", "activations_peak", "total", "dtype")),
    *("unknown", "convention.", "fused."),
)
OF_FIELD = ("size", "size_min", "jump", "center", "global", "global_from", "coverage", "holes")
OF_REPORT = (
    *("network", "variant", "description", "source", "complete", "skipped", "problems"),
    *("inputs.", "outputs.", "per_output.", "layers[0]."),
)
