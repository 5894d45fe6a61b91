"""``convcalc export``: a network as code or as a file of another program."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, choose, print_text, write_file

# By the word of --to: a module with a function write(source, variant, inputs, params), which gives
# the text or the bytes of the file.
WRITERS = {
    "torch": "convcalc.exporting.torch.write",
    "keras": "convcalc.exporting.keras.write",
    "onnx": "convcalc.exporting.onnx.write",
}
BINARY = ("onnx",)


def command(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Network file, FILE::VARIANT, name, or -.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="torch, keras or onnx.")],
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> int:
    """Write a network as PyTorch or Keras code, or as an ONNX file.

    The code is self-contained: blocks are classes in PyTorch and functions in Keras, params their
    arguments, variants functions. Without -o it goes to stdout. An ONNX file has no weights;
    writing one takes the onnx package. An operator without a counterpart is named, and nothing is
    written. Exit code 0 if the file was written, 1 if the network has a problem, 2 if it could not
    be written.
    """
    from convcalc.cli.problems import print_problems
    from convcalc.cli.progress import progress
    from convcalc.diagnostics.diagnostic import NetworkError

    settings = ctx.obj
    module = WRITERS[choose(to, list(WRITERS), "--to")]
    output = settings.output_file
    is_binary = to in BINARY
    if is_binary and (not output or output == "-"):
        raise Failure(f"--to {to} writes a binary file", f"name it: -o network.{to}")
    if output and output != "-" and Path(output).exists() and not force:
        raise Failure(f"{output} already exists", "choose another name, or replace it with --force")
    try:
        with progress("exporting", None, settings, target):
            source, chosen, shapes, params = _opened(target, variant, input, set, set_from)
            text = import_module(module).write(source, chosen, shapes, params)
    except NetworkError:
        return print_problems([source.network(chosen, shapes, params)], settings)
    if not output or output == "-":
        print_text(text.removesuffix("\n"))
        return 0
    write_file(output, text)
    settings.note(f"wrote {output}")
    return 0


def _opened(
    target: str, variant: str, inputs: list[str], settings: list[str], files: list[str]
) -> tuple[Any, str | None, Any, dict[str, Any]]:
    """The source of a target, and what is chosen of it: variant, inputs and params."""
    from convcalc.cli.loading import assignment, input_shapes, params_of
    from convcalc.cli.naming import target_of
    from convcalc.importing.opening import open_source

    found = target_of(target)
    if found.variant and variant not in ("", found.variant):
        message = f"--variant {variant}, but the target is variant {found.variant}"
        raise Failure(message, "name the variant once")
    shapes = input_shapes(inputs)
    if len(shapes) > 1:
        raise Failure("export takes one input", "name each --input once")
    source = open_source(found)
    params: dict[str, Any] = {}
    for word in params_of(settings, files):
        if word.startswith("@"):
            file, _, key = word[1:].partition("::")
            params |= source.values(file, key)
        else:
            name, value = assignment(word)
            params[name] = value
    return source, variant or found.variant, shapes[0] if shapes else None, params
