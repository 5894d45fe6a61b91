"""Timings of layers from a CSV file, and the device file that a fit of them makes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from convcalc.analysis.devices.fitting import Fitted, Timing, Unfitted, rounded
from convcalc.analysis.devices.fusion import Runtime, kernels
from convcalc.analysis.report.units import byte_count, flop_count
from convcalc.diagnostics.visible import visible
from convcalc.model.graph.network import Network
from convcalc.model.graph.paths import paths_of
from convcalc.model.graph.steps import steps_of
from convcalc.model.quantities.unknown import known

COLUMNS = ("path", "seconds")


def rows_of(text: str, file: str) -> list[tuple[str, float]]:
    """The paths and seconds of a CSV file with a header; Unfitted if a row is wrong.

    Lines that begin with ``#`` are comments.
    """
    written = ["" if line.startswith("#") else line for line in text.lstrip("\ufeff").splitlines()]
    first = next((number for number, line in enumerate(written) if line.strip()), 0)
    lines = csv.DictReader(written[first:])
    try:
        header = [name.strip().lower() for name in lines.fieldnames or ()]
        if missing := [name for name in COLUMNS if name not in header]:
            message = f"{file} has no column {' and no column '.join(missing)}"
            raise Unfitted(message, f"its first line names the columns: {','.join(COLUMNS)}")
        lines.fieldnames = header
        return [_row(row, f"{file}:{first + lines.line_num}") for row in lines]
    except csv.Error as error:
        raise Unfitted(f"{file}:{first + lines.line_num} is not CSV: {error}") from None


def _row(row: dict[str, str | None], place: str) -> tuple[str, float]:
    path, text = ((row.get(name) or "").strip() for name in COLUMNS)
    try:
        seconds = float(text) if len(text) < 40 and "_" not in text else 0.0
    except ValueError:
        seconds = 0.0
    if not path or not seconds > 0:
        message = (
            f"{place}: '{visible(text)}' is not a time above 0" if path else f"{place}: no path"
        )
        raise Unfitted(message, "write for instance layer[0].conv,2.1e-05")
    return path, seconds


def timings_of(
    rows: Sequence[tuple[str, float]],
    network: Network,
    runtime: Runtime,
    dtype: str,
    counted: Sequence[str],
) -> list[Timing]:
    """The timings with the work of the kernels that begin in each layer or block.

    Raises PathError for a path that names nothing, and Unfitted where no kernel begins or its work
    is not known.
    """
    folds = runtime.folds_norms
    begun: dict[int, list[tuple[int, int]]] = {}
    lead_of: dict[int, int] = {}
    for kernel in kernels(network, steps_of(network), runtime):
        flops = flop_count(kernel.macs(counted))
        moved = byte_count(kernel.elements(folds_norms=folds), dtype)
        begun.setdefault(kernel.lead.layer, []).append((flops, moved))
        for step in kernel.steps:
            lead_of.setdefault(step.layer, kernel.lead.layer)
    found = []
    for path, seconds in rows:
        layers = paths_of(network).part(path).layers
        work = tuple(each for layer in layers for each in begun.get(layer, ()))
        if not work:
            lead = next((lead_of[layer] for layer in layers if layer in lead_of), None)
            where = f"it belongs to that of {network.layers[lead].path}" if lead is not None else ""
            message = f"no kernel begins in {visible(path)} with runtime {runtime.name}"
            raise Unfitted(message, where or "leave it out")
        if not known(tuple(number for each in work for number in each)):
            raise Unfitted(
                f"the work of {visible(path)} is not known", "give the sizes of the input"
            )
        found.append(Timing(path, seconds, work))
    return found


# --- the file that a fit makes -------------------------------------------------------------------


def device_text(fitted: Fitted, name: str, dtype: str, runtime: str, what: str) -> str:
    """The device file of a fit; ``what`` says what was measured."""
    return "\n".join(_lines(fitted, name, dtype, runtime, what)) + "\n"


def _lines(fitted: Fitted, name: str, dtype: str, runtime: str, what: str) -> Iterator[str]:
    from convcalc.diagnostics.visible import exact_json

    yield f"# Made by convcalc device fit from {visible(what)}."
    yield from (f"# {line}" for line in notes(fitted, dtype))
    yield "convcalc-device: 1"
    yield f"title: {exact_json(name)}"
    yield f"runtime: {exact_json(runtime)}"
    yield "sources:"
    typical = f"median error {fitted.typical:.1%}"
    yield f"  fit: {exact_json(f'fit of {what}: {typical}')}"
    if fitted.peak is not None:
        yield "peak:"
        yield f"  {dtype}: {{value: {_number(fitted.peak)}, source: fit, note: effective}}"
    for key, value in (("bandwidth", fitted.bandwidth), ("launch", fitted.launch)):
        if value is not None:
            yield f"{key}: {{value: {_number(value)}, source: fit, note: effective}}"
    yield "# measured s   fitted s    error  bound by  path"
    for timing, error in fitted.residuals:
        model = fitted.model
        numbers = f"{timing.seconds:.4e}  {model.seconds(timing):.4e}  {error:+7.1%}"
        yield f"# {numbers}  {model.binding(timing):8}  {visible(timing.path)}"


def _number(value: float) -> str:
    return f"{float(rounded(value)):.3e}"


def notes(fitted: Fitted, dtype: str) -> list[str]:
    """Lines on the numbers that timings do not identify, with what they show all the same."""
    found = []
    if fitted.peak is None:
        shown = f"it is at least {fitted.least_peak:.3e} FLOP/s, which one of them reaches"
        found.append(f"peak for {dtype}: not identified, too few timings depend on it; {shown}")
    if fitted.bandwidth is None:
        shown = f"it is at least {fitted.least_bandwidth:.3e} B/s, which one of them reaches"
        found.append(f"bandwidth: not identified, too few timings depend on it; {shown}")
    if fitted.launch is None:
        found.append("launch: not identified, the timings fit as well without it")
    return found
