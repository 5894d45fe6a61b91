"""Where a node of a program of torch.export comes from: its modules, its line, its form in code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.model.graph.network import FUNCTION, METHOD, SUBCLASS, Group

_FRAME = re.compile(r'File "([^"\n]{1,500})", line (\d{1,9}), in ')
_LIBRARY = re.compile(r"[/\\]torch[/\\](?:_\w+|ao|autograd|export|functional|fx|nn|utils)[/\\.]")
_SITE = re.compile(r"(?:.*[/\\])?(?:site|dist)-packages[/\\]")
_OWN = "torch.nn.modules."
_CONTAINERS = "torch.nn.modules.container."
_MOST_MODULES = 64


class Origin(NamedTuple):
    """The modules of a node, from the outermost, the call of the innermost, and its class."""

    scope: tuple[Group, ...] = ()
    call: str = ""
    kind: str = ""


def origin_of(metadata: Mapping[str, Any]) -> Origin:
    """The modules that a node's metadata names, ``key,path,class;…``; the model itself is none.

    The key is another one each time that a module is called.
    """
    stack = metadata.get("nn_module_stack")
    if not isinstance(stack, str):
        return Origin()
    scope: list[Group] = []
    call = kind = ""
    for entry in stack.split(";")[:_MOST_MODULES]:
        parts = entry.split(",")
        if len(parts) < 3:
            continue
        call, kind = parts[0], parts[-1]
        path = ",".join(parts[1:-1]).partition("@")[0]
        if path:
            scope.append(Group(path, kind.rpartition(".")[2]))
    return Origin(tuple(scope), call, kind)


def line_of(metadata: Mapping[str, Any]) -> str:
    """The file and the line of the user's code that made a node; empty if it is all PyTorch's."""
    trace = metadata.get("stack_trace")
    if not isinstance(trace, str):
        return ""
    frames = _FRAME.findall(trace[-20_000:])
    own = [frame for frame in frames if not _LIBRARY.search(frame[0])]
    if not own:
        return ""
    file, line = own[-1]
    return f"{_SITE.sub('', file)}:{line}"


def form_of(origin: Origin, is_alone: bool, has_weights: bool, metadata: Mapping[str, Any]) -> str:
    """Return what a layer is in code: a module of PyTorch's, or of another class, a function, a
    method.

    ``is_alone``: it is all that its innermost module does. ``has_weights``: that module holds the
    weights that it reads.
    """
    if is_alone and origin.kind.startswith(_OWN) and not origin.kind.startswith(_CONTAINERS):
        return ""
    if has_weights and not origin.kind.startswith(_OWN):
        return SUBCLASS
    called = metadata.get("torch_fn")
    is_method = isinstance(called, str) and ";method_descriptor." in called
    return METHOD if is_method else FUNCTION


def calls(origins: Iterable[Origin]) -> Counter[str]:
    """How many nodes each call of a module has of its own."""
    return Counter(origin.call for origin in origins if origin.call)


def holds(origin: Origin, weights: Sequence[str]) -> bool:
    """Whether weights belong to the innermost module itself."""
    path = origin.scope[-1].path if origin.scope else ""
    return bool(weights) and all(weight.rpartition(".")[0] == path for weight in weights)
