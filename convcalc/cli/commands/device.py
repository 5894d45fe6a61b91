"""``convcalc device``: the numbers of a device with their sources, or those that timings show."""

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from convcalc.cli import options
from convcalc.cli.console import Failure, Settings, choose
from convcalc.output.formats import FORMATS

if TYPE_CHECKING:
    from convcalc.analysis.devices.device import Device

ACTIONS = ("show", "fit")


class NumberEntry(NamedTuple):
    """One number of a device."""

    number: str
    value: Any
    unit: str
    source: str
    note: str


def command(
    ctx: typer.Context,
    action: Annotated[
        str,
        typer.Argument(metavar="ACTION", help="show prints a device, fit makes one from timings."),
    ],
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="For show a device or its file; for fit a CSV file with the columns path, of a "
            "layer or block, and seconds.",
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(metavar="[TARGET]", help="For fit, the network that the timings are of."),
    ] = "",
    variant: options.Variant = "",
    input: options.Inputs = [],  # noqa: A002, B006 - typer copies it
    batch: options.Batch = 1,
    set: options.Params = [],  # noqa: A002, B006
    set_from: options.ParamsFrom = [],  # noqa: B006
    dtype: options.DType = "",
    runtime: options.Runtime = "",
) -> int:
    """Show the numbers of a device with their sources, or fit them to own timings.

    A fit writes a device file, with what was measured and what its model gives beside it:

    convcalc device fit timings.csv resnet50 --dtype float16 -o my.yaml
    """
    settings: Settings = ctx.obj
    if choose(action, ACTIONS, "ACTION") == "show":
        if target:
            raise Failure("device show takes one device", "write for instance: device show a100")
        return _show(settings, subject)
    if not target:
        raise Failure(
            "device fit needs the network", "write for instance: device fit timings.csv resnet50"
        )
    from convcalc.cli.commands._device_fit import fit
    from convcalc.cli.loading import Reading, params_of

    variants = [variant] if variant else []
    params = params_of(set, set_from)
    reading = Reading(variants, input, batch, params, dtype=dtype, parts=())
    return fit(settings, reading, subject, target, runtime or "fused")


def _show(settings: Settings, word: str) -> int:
    """Writes the numbers of a device."""
    from convcalc.analysis.devices.shelf import device
    from convcalc.output.columns import Column
    from convcalc.output.table import Fact, Table, render

    form = settings.format(FORMATS)
    found = device(word)
    entries = [_entry(*each) for each in found.figures()]
    columns = (
        Column("number", "number", attrgetter("number")),
        Column("value", "value", _value_text if form == "table" else _plain_value, align="right"),
        Column("unit", "unit", attrgetter("unit"), priority=1),
        Column("note", "note", lambda entry: entry.note or None, priority=3, folds=True),
        Column("source", "source", attrgetter("source"), priority=2, folds=True),
    )
    stated = {entry.number for entry in entries}
    unknown = [key for key in ("bandwidth", "cache", "launch") if key not in stated]
    footer = [Fact("runtime", f"{found.runtime} unless --runtime says otherwise")]
    footer += [Fact("not stated", f"{', '.join(unknown)}, so unknown")] if unknown else []
    table = Table(found.title, columns, entries, footer=tuple(footer))
    settings.write(render(form, table, _payload(found, entries), settings.style()))
    return 0


def _entry(key: str, figure: Any, unit: str) -> NumberEntry:
    return NumberEntry(key, figure.value, unit, figure.source, figure.note)


def _value_text(entry: NumberEntry) -> str:
    from convcalc.model.quantities.number_text import count_text, memory_text, seconds_text

    if entry.unit == "s":
        return seconds_text(entry.value)
    if entry.unit == "B":
        return memory_text(int(entry.value))
    return count_text(int(entry.value))


def _plain_value(entry: NumberEntry) -> str:
    return f"{float(entry.value):.10g}"


def _payload(found: "Device", entries: list[NumberEntry]) -> dict[str, Any]:
    numbers = [{**entry._asdict(), "value": float(entry.value)} for entry in entries]
    return {
        "name": found.name,
        "title": found.title,
        "file": found.file,
        "runtime": found.runtime,
        "numbers": numbers,
    }
