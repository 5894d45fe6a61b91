"""The options that several commands share."""

from typing import Annotated, Any

import typer

from convcalc.cli.console import environment, settings_files

Variants = Annotated[
    list[str],
    typer.Option("--variant", metavar="NAME", help="A variant of the network; repeatable."),
]
Inputs = Annotated[
    list[str],
    typer.Option(
        "-i",
        "--input",
        metavar="SHAPE",
        help="Channels and sizes without the batch, 3x512x512; ? for an unknown size. "
        "NAME=SHAPE where a network has several inputs. Repeatable.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", metavar="N", min=1, help="Samples per batch.")]
Params = Annotated[
    list[str],
    typer.Option("--set", metavar="NAME=VALUE", help="Set a param of the file; repeatable."),
]
ParamsFrom = Annotated[
    list[str],
    typer.Option(
        "--set-from",
        metavar="FILE",
        help="Values for params by their names, from JSON, YAML, TOML or Python literals; "
        "FILE::KEY for a part of it. Repeatable.",
    ),
]
Counted = Annotated[
    str,
    typer.Option(
        "--count",
        metavar="KINDS",
        show_default=False,
        help="Work that MACs add up, of weights, dynamic, sampling, elementwise. "
        "[default: weights,dynamic; env: CONVCALC_COUNT]",
    ),
]
DType = Annotated[
    str,
    typer.Option(
        "--dtype",
        metavar="TYPE",
        show_default=False,
        help="Type of the numbers in memory. [default: float32; env: CONVCALC_DTYPE]",
    ),
]
Convention = Annotated[
    str,
    typer.Option(
        "--convention",
        metavar="NAME",
        show_default=False,
        help="Also show what another tool counts, such as fvcore; see 'list conventions'. "
        "[env: CONVCALC_CONVENTION]",
    ),
]
Fused = Annotated[
    bool,
    typer.Option(
        "--fuse-batch-norm", help="Also show the numbers with batch norms folded into convolutions."
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        metavar="A,B",
        show_default=False,
        help="How memory is counted: in-place, fused, fused-attention, held-inputs, or training "
        "with checkpoint and an optimizer, such as training,adam; see docs/memory.md. "
        "[env: CONVCALC_MEMORY]",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        show_default=False,
        help="Also show the least that a device must spend, such as a100 or a file device.yaml; "
        "see 'list devices'.",
    ),
]
Runtime = Annotated[
    str,
    typer.Option(
        "--runtime",
        metavar="NAME",
        show_default=False,
        help="Which layers one kernel computes: eager, fused, cmsis-nn, or a file; by default as "
        "the device's file says.",
    ),
]
Variant = Annotated[
    str, typer.Option("--variant", metavar="NAME", help="A variant of the network.")
]
Config = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="FILE",
        show_default=False,
        help="Use these settings for all files, not the closest; paths and patterns in it are "
        "relative to the current folder. [env: CONVCALC_CONFIG]",
    ),
]
Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="REV",
        show_default=False,
        help="Take settings and requirements from a git revision, such as "
        "origin/main...; see docs/policy.md. [env: CONVCALC_POLICY]",
    ),
]
Isolated = Annotated[
    bool,
    typer.Option(
        "--isolated",
        help="Ignore settings and budgets that are not named. [env: CONVCALC_ISOLATED]",
    ),
]


Columns = Annotated[
    str,
    typer.Option(
        "--columns",
        metavar="A,B",
        help="Columns to show, or +A,B to add to the default ones; see 'list columns'.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Compute everything again; see 'convcalc cache'. [env: CONVCALC_NO_CACHE]",
    ),
]


def default(name: str) -> str:
    """Return the value to use if no flag is given: CONVCALC_<NAME>, else the setting of that name,
    if any.
    """
    if value := environment(name.upper()):
        return value
    if next(settings_files(), None) is None:
        return ""
    from convcalc.cli.defaults import settings

    return settings().get(name, "")


def is_default(ctx: Any, name: str) -> bool:
    """Whether an option was not given on the command line."""
    return bool(ctx.get_parameter_source(name).name == "DEFAULT")
