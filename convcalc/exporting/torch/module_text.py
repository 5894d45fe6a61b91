"""A written network as the text of a Python module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from convcalc.exporting.expressions import literal
from convcalc.exporting.layout import laid_out
from convcalc.exporting.naming import snake_case
from convcalc.exporting.torch.helpers import helper_texts
from convcalc.exporting.torch.parts import Part, inner_value
from convcalc.exporting.torch.tidying import tidied
from convcalc.exporting.torch.writer import Writer
from convcalc.language.expand.tensors import EVERY

_LISTED = 6  # tensors in the annotation of what forward returns


def module_text(writer: Writer) -> str:
    """The text of the whole module."""
    classes = [_class(writer, part) for part in writer.order]
    helpers, imports = helper_texts(writer.helpers)
    functions = list(writer.formulas.texts.values())
    factories = list(_factories(writer))
    code = "\n\n\n".join([*helpers, *functions, *classes, *factories])
    return f"{_head(writer)}\n{_imports(code, imports)}\n\n\n{code}\n"


def _head(writer: Writer) -> str:
    network = writer.trace.networks[writer.base]
    about = _safe(network.description) or f"The network {network.base or network.name}."
    text = about[:1].upper() + about[1:]
    text = text if text.endswith(".") else f"{text}."
    lines = _wrapped(f'"""{text}')
    more = []
    if network.origin:
        more += _wrapped(f"Source: {_safe(network.origin)}.")
    more += ["Written by convcalc; weights are initialised as PyTorch does by default."]
    return "\n".join([*lines, "", *more, '"""', "", "from __future__ import annotations", ""])


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 88, break_long_words=False, break_on_hyphens=False)


def _safe(text: str) -> str:
    """A text that can be part of a docstring."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text.replace("\\", "/").replace('"', "'")


def _imports(code: str, more: list[str]) -> str:
    standard = []
    if re.search(r"\bmath\.", code):
        standard.append("import math")
    names = [name for name in ("Callable", "Sequence") if re.search(rf"\b{name}\b", code)]
    if names:
        standard.append(f"from collections.abc import {', '.join(names)}")
    torch = ["import torch"] if re.search(r"\btorch\.", code) else []
    if re.search(r"\bF\.", code):
        torch.append("import torch.nn.functional as F")
    torch.append(
        "from torch import Tensor, nn" if re.search(r"\bTensor\b", code) else "from torch import nn"
    )
    torch += more
    return "\n".join([*standard, *([""] if standard else []), *torch])


def _class(writer: Writer, part: Part) -> str:
    base = "nn.Sequential" if part.is_chain else "nn.Module"
    lines = [f"class {part.name}({base}):", f'    """{_about(writer, part)}"""', ""]
    lines += _constructor(writer, part)
    if not part.is_chain:
        lines += ["", *_forward(part)]
    return "\n".join(lines)


def _about(writer: Writer, part: Part) -> str:
    """Return what a class is, from the comment beside its block."""
    if part.is_network:
        network = writer.trace.networks[writer.base]
        shapes = ", ".join(
            f"{name} {shape}" if len(network.inputs) > 1 else str(shape)
            for name, shape in network.inputs.items()
        )
        return _ended(f"The network, for an input of {_safe(shapes)}")
    if part.block is None:
        return "One round of a loop: the modules and what they hand over."
    source = writer.trace.networks[writer.base].sources.get(part.block.place.file, "")
    lines = source.splitlines()
    at = part.block.place.line - 1
    comment = ""
    if at < len(lines) and "#" in lines[at]:
        comment = lines[at].partition("#")[2].strip()
        comment = "" if comment.startswith("convcalc:") else comment
    name = _safe(part.block.name)
    text = _safe(comment) or f"The block {name}"
    return _ended(text[:1].upper() + text[1:])


def _ended(text: str) -> str:
    room = 88 - 4 - 6 - 1
    text = text if len(text) <= room else text[: room - 1].rsplit(" ", 1)[0] + " …"
    return text if text.endswith((".", "…")) else f"{text}."


def _constructor(writer: Writer, part: Part) -> Iterator[str]:
    body = list(_statements(part))
    texts = [text for _, text in body]
    needed = ["self"]
    if part.takes_channels:
        default = ""
        if part.is_network:
            shape = next(iter(writer.trace.networks[writer.base].inputs.values()))
            default = f" = {shape.channels}"
        channels = f"in_channels: int{default}"
        if not default:
            needed.append(channels)
    needed += [
        f"{width}: int"
        for width in part.widths.values()
        if any(re.search(rf"\b{width}\b", t) for t in texts)
    ]
    ordered = [a for a in part.arguments if not a.default] + [
        a for a in part.arguments if a.default
    ]
    for argument in ordered:
        if argument.default == "None" and argument.late:
            needed.append(f"{argument.name}: {argument.annotation} | None = None")
        elif argument.default:
            needed.append(f"{argument.name}: {argument.annotation} = {argument.default}")
        else:
            needed.append(f"{argument.name}: {argument.annotation}")
    if part.takes_channels and part.is_network:
        needed.append(channels)
    yield from laid_out(f"def __init__({', '.join(needed)}) -> None:", 1)
    for depth, text in body:
        yield from laid_out(text, depth)


def _statements(part: Part) -> Iterator[tuple[int, str]]:
    yield 2, "super().__init__()"
    for argument in part.arguments:
        if argument.late:
            yield 2, f"if {argument.name} is None:"
            yield 3, f"{argument.name} = {argument.late}"
    stored = [part.results[want].channels for want in part.stored_widths]
    yield from tidied(part.init, pure=False, kept=stored)
    for want, name in part.stored_widths.items():
        yield 2, f"self.{name} = {part.results[want].channels}"


def _forward(part: Part) -> Iterator[str]:
    tensors = ["self"]
    tensors += [f"{name}: Tensor" for name in (part.inputs if part.takes_input else [])]
    tensors += [f"{name}: Tensor" for name in part.further]
    for key, name in part.tensors.items():
        tensors.append(f"{name}: list[Tensor]" if key.endswith(EVERY) else f"{name}: Tensor")
    count = len(part.wanted)
    each = ", ".join(["Tensor"] * count) if count <= _LISTED else "Tensor, ..."
    result = "Tensor" if count == 1 else f"tuple[{each}]"
    listed = ", ".join(tensors)
    yield from laid_out(f"def forward({listed}) -> {result}:", 1)
    for depth, text in part.forward:
        yield from laid_out(text, depth)


def _factories(writer: Writer) -> Iterator[str]:
    part = writer.network
    for variant, network in writer.trace.networks.items():
        name = writer.classes.fresh(snake_case(network.name))
        given = []
        for argument in part.arguments:
            value = _value(writer, variant, argument.name)
            if value not in (argument.default, "None"):
                given.append(f"{argument.name}={value}")
        shape = next(iter(network.inputs.values()))
        base = next(iter(writer.trace.networks[writer.base].inputs.values()))
        if part.takes_channels and shape.channels != base.channels:
            given.append(f"in_channels={shape.channels}")
        what = (
            f"The variant {_safe(network.name)}."
            if variant
            else f"The network {_safe(network.name)}."
        )
        lines = [f"def {name}() -> {part.name}:", f'    """{what}"""']
        lines += laid_out(f"return {part.name}({', '.join(given)})", 1)
        yield "\n".join(lines)


def _value(writer: Writer, variant: str, argument: str) -> str:
    part = writer.network
    for name, used in part.used.items():
        if used == argument:
            return literal(writer.trace.scopes[variant][name])
    for number in part.numbers:
        if number.name == argument:
            return literal(inner_value(writer.trace.roots[variant], number))
    return ""
