"""``convcalc device fit``: a device file from timings of layers."""

from convcalc.analysis.analyse import COUNTED
from convcalc.analysis.devices.fitting import fit as fitted_numbers
from convcalc.analysis.devices.shelf import runtime as runtime_of
from convcalc.analysis.devices.timings import device_text, notes, rows_of, timings_of
from convcalc.cli.console import Failure, Settings, choose
from convcalc.cli.loading import Reading
from convcalc.cli.options import default
from convcalc.cli.problems import print_problems
from convcalc.language.sources.gate import SETTINGS_BYTES, read_all
from convcalc.language.sources.target import unreadable
from convcalc.model.quantities.number_text import DTYPES


def fit(settings: Settings, reading: Reading, file: str, target: str, runtime: str) -> int:
    """Reads timings and the network, fits the device and writes its file; returns the exit code."""
    try:
        text = read_all(file, SETTINGS_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise unreadable(file, error) from None
    networks = reading.networks([target])
    if len(networks) > 1:
        raise Failure("device fit takes one network at one input", "name each --input once")
    (network,) = networks
    if code := print_problems([network], settings, warnings=False):
        return code
    dtype = choose(reading.dtype or default("dtype") or "float32", DTYPES, "--dtype")
    rules = runtime_of(runtime)
    timings = timings_of(rows_of(text, file), network, rules, dtype, COUNTED)
    found = fitted_numbers(timings)
    what = f"{len(timings)} timings in {file} ({network.name}, {dtype}, batch {reading.batch})"
    name = f"fitted to {file}"
    settings.write(device_text(found, name, dtype, rules.file, what).removesuffix("\n"))
    for line in notes(found, dtype):
        settings.note(line)
    return 0
