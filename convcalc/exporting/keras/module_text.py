"""The text of the module: imports, helpers, functions, variants."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.exporting.expressions import literal
from convcalc.exporting.keras.function import Function
from convcalc.exporting.keras.helpers import texts
from convcalc.exporting.keras.writer import Writer
from convcalc.exporting.layout import laid_out
from convcalc.exporting.naming import snake_case


def module_text(writer: Writer) -> str:
    """The text of the whole module."""
    parts = [*texts(writer.helpers), *writer.formulas.texts.values()]
    parts += ["\n".join(_function(writer, function)) for function in writer.order]
    parts += ["\n".join(each) for each in _variants(writer)]
    code = "\n\n\n".join(parts)
    modules = sorted({*writer.modules, *(["math"] if "math." in code else [])})
    from_keras = [name for name in ("layers", "ops") if f"{name}." in code]
    head = [_docstring(writer), ""]
    head += [f"import {name}" for name in modules] + ([""] if modules else [])
    head.append("import keras")
    head.append(f"from keras import {', '.join(from_keras)}") if from_keras else None
    return "\n".join(head) + "\n\n\n" + code + "\n"


def _docstring(writer: Writer) -> str:
    network = writer.trace.networks[writer.base]
    about = _safe(network.description or network.name)
    return (
        f'"""{about}\n\n'
        "Channels stand last: images are (height, width, channels). Padding is PyTorch's, in\n"
        'layers of its own where Keras has no word for it.\n"""'
    )


def _safe(text: str) -> str:
    """A text that cannot end a docstring."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean.replace("\\", "\\\\").replace('"""', "'''").rstrip('"').strip() or "A network."


def _function(writer: Writer, function: Function) -> Iterator[str]:
    """The lines of a function."""
    arguments = [*function.tensors.values(), *(a.text for a in function.params.values())]
    if function.block is None:
        network = writer.trace.networks[writer.base]
        if len(network.inputs) == 1:
            arguments.insert(0, f"input_shape={writer.input_shape(writer.base)}")
        first: list[str] = []
    else:
        first = [function.source]
    keywords = [a.name for a in function.outer.values()]
    listed = [*first, *arguments, *(["*", *keywords] if keywords else [])]
    yield from laid_out(f"def {function.name}({', '.join(listed)}):", 0)
    for depth, text in function.lines:
        yield from laid_out(text, depth)


def _variants(writer: Writer) -> Iterator[list[str]]:
    """A function for each variant."""
    trace, network = writer.trace, writer.network
    base = trace.scopes[writer.base]
    for variant in trace.networks:
        if not variant or variant == writer.base:
            continue
        changed = [
            f"{argument.name}={literal(trace.scopes[variant][name])}"
            for name, argument in network.params.items()
            if trace.scopes[variant][name] != base[name]
        ]
        if len(trace.networks[variant].inputs) == 1:
            shape = writer.input_shape(variant)
            if shape != writer.input_shape(writer.base):
                changed.insert(0, f"input_shape={shape}")
        name = writer.names.fresh(snake_case(variant))
        call = f"return {network.name}({', '.join([*changed, '**arguments'])})"
        yield [f"def {name}(**arguments):", *laid_out(call, 1)]
