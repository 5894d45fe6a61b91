"""The bounds of a network on a device, added to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.analysis.devices.device import Device, Figure
from convcalc.analysis.devices.fusion import Kernel, Runtime, kernels
from convcalc.analysis.report.bounds import COMPUTE, LEAST, LOWER, MEMORY, UPPER, Roofline, Source
from convcalc.analysis.report.report import LayerReport, Report, sum_by_key
from convcalc.analysis.report.units import byte_count, flop_count
from convcalc.model.graph.network import Network
from convcalc.model.graph.steps import Steps, steps_of
from convcalc.model.quantities.unknown import UNKNOWN, known

UNFUSED = Runtime("eager", "a kernel for every layer", "", "")


class Bound(NamedTuple):
    """The bound of one kernel in seconds: its two roofs, and its bytes. Either may be unknown."""

    kernel: Kernel
    compute: Any
    memory: Any
    moved: int

    @property
    def value(self) -> Any:
        """The bound: the larger roof; unknown if one of them is."""
        roofs = self.compute, self.memory
        return max(roofs) if known(roofs) else UNKNOWN

    @property
    def least(self) -> Any:
        """The least that the bound can be, by the roofs that are known."""
        return max((roof for roof in (self.compute, self.memory) if known(roof)), default=0)

    @property
    def binding(self) -> str:
        """Which roof it is; empty if the bound is unknown or nothing is to be done."""
        if not known(self.value) or not self.value:
            return ""
        return COMPUTE if self.compute > self.memory else MEMORY


class Setting(NamedTuple):
    """Under which bounds are computed: numbers of a device for one data type."""

    device: Device
    dtype: str
    counted: Sequence[str]

    @property
    def peak(self) -> Figure | None:
        """The peak for the data type."""
        return self.device.peak.get(self.dtype)

    def bound(self, kernel: Kernel, *, folds_norms: bool) -> Bound:
        """The bound of one kernel."""
        flops = flop_count(kernel.macs(self.counted))
        moved = byte_count(kernel.elements(folds_norms=folds_norms), self.dtype)
        return Bound(kernel, per(flops, self.peak), per(moved, self.device.bandwidth), moved)

    def numbers(self) -> dict[str, Source]:
        """The numbers that are used, by key."""
        stated = {key: (figure, unit) for key, figure, unit in self.device.figures()}
        used = (f"peak.{self.dtype}", "bandwidth", "cache", "launch")
        return {
            key.partition(".")[0]: Source(figure.value, unit, figure.source, figure.note)
            for key, (figure, unit) in stated.items()
            if key in used
        }

    def missing(self) -> tuple[str, ...]:
        """The numbers that are needed and not stated."""
        stated = self.numbers()
        words = {"peak": f"peak for {self.dtype}", "bandwidth": "bandwidth", "launch": "launch"}
        return tuple(word for key, word in words.items() if key not in stated)


def per(amount: int, rate: Figure | None) -> Any:
    """Seconds for an amount at a rate; nothing takes none, whatever the rate."""
    if known(amount) and not amount:
        return Fraction(0)
    return UNKNOWN if rate is None or not known(amount) else Fraction(amount) / rate.value


def with_bounds(
    network: Network, report: Report, device: Device, runtime: Runtime, steps: Steps | None = None
) -> Report:
    """The report of a network with its bounds on a device, at the report's data type."""
    found = steps or steps_of(network)
    setting = Setting(device, report.totals.memory.dtype, report.counted)
    folds = runtime.folds_norms
    fused = [setting.bound(each, folds_norms=folds) for each in kernels(network, found, runtime)]
    alone = [setting.bound(each, folds_norms=False) for each in kernels(network, found, UNFUSED)]
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for bound in fused:
        parts.setdefault(bound.kernel.lead.layer, []).append(_fused(bound))
    for bound in alone:
        parts.setdefault(bound.kernel.lead.layer, []).append(_alone(bound, device.launch))
    leads = _leads(fused)
    layers = tuple(
        _layer(layer, parts.get(index, ()), leads.get(index, index), report.layers)
        for index, layer in enumerate(report.layers)
    )
    totals = report.totals.replace(bounds=sum_by_key(layer.bounds for layer in layers))
    whole = roofline(setting, runtime, fused, len(alone))
    return report.replace(layers=layers, totals=totals, roofline=whole)


def _fused(bound: Bound) -> dict[str, Any]:
    value = bound.value
    return {
        LOWER: value,
        LEAST[LOWER]: bound.least,
        MEMORY: value if known(value) and bound.binding != COMPUTE else value * 0,
        COMPUTE: value if known(value) and bound.binding == COMPUTE else value * 0,
    }


def _alone(bound: Bound, launch: Figure | None) -> dict[str, Any]:
    spent = UNKNOWN if launch is None else launch.value
    known_part = 0 if launch is None else launch.value
    return {UPPER: bound.value + spent, LEAST[UPPER]: bound.least + known_part}


def _leads(bounds: Sequence[Bound]) -> dict[int, int]:
    """For each layer of which every step joined a kernel of another layer, that layer."""
    leads: dict[int, int] = {}
    for bound in bounds:
        for step in bound.kernel.steps:
            leads.setdefault(step.layer, bound.kernel.lead.layer)
    begins = {bound.kernel.lead.layer for bound in bounds}
    return {layer: lead for layer, lead in leads.items() if layer not in begins}


def _layer(
    layer: LayerReport,
    parts: Sequence[Mapping[str, Any]],
    lead: int,
    layers: Sequence[LayerReport],
) -> LayerReport:
    if not parts:
        return layer
    joined = "" if layers[lead] is layer else layers[lead].path
    return layer.replace(bounds=sum_by_key(parts), kernel=joined)


def roofline(setting: Setting, runtime: Runtime, fused: Sequence[Bound], unfused: int) -> Roofline:
    """The facts of the network as a whole."""
    device = setting.device
    words = [bound.binding for bound in fused]
    cache = device.cache
    fitting = None if cache is None else sum(bound.moved <= cache.value for bound in fused)
    flops = flop_count(sum(bound.kernel.macs(setting.counted) for bound in fused))
    return Roofline(
        device.name,
        device.title,
        device.file,
        setting.dtype,
        runtime.name,
        setting.numbers(),
        len(fused),
        words.count(MEMORY),
        words.count(COMPUTE),
        unfused,
        fitting,
        per(flops, setting.peak),
        setting.missing(),
        tuple(device.peak),
    )
