"""Reports with one of each thing that a table can show, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from convcalc.analysis.analyse import analyse
from convcalc.analysis.report.report import LayerReport, Memory, ReceptiveField, Report, Totals
from convcalc.analysis.report.rows import rows
from convcalc.analysis.report.to_json import report_payload
from convcalc.diagnostics.diagnostic import Diagnostic, Place
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.model.graph.network import Group
from convcalc.model.operators.contract import Term
from convcalc.model.quantities.counts import COUNTS
from convcalc.model.quantities.shape import Shape
from convcalc.model.quantities.unknown import UNKNOWN
from convcalc.output.columns import COLUMNS, DEFAULT, Column
from convcalc.output.table import Style, Table, render
from convcalc.output.views.network import report_table

HOSTILE = (
    "[/]",
    "blocks[i].conv",
    "[bold]x[/bold]",
    "a|b",
    "<script>",
    "\x1b[31mred",
    "#%&_$^~{}\\",
)
NAMES = ("resnet50", "vgg16", "alexnet")


def field(size: int, jump: Fraction | int, **more: Any) -> ReceptiveField:
    """A receptive field that is the same on two axes."""
    center = Fraction(jump - 1, 2)
    least = more.pop("least", size)
    axes = ((size,) * 2, (least,) * 2, (Fraction(jump),) * 2, (center,) * 2)
    return ReceptiveField(*axes, **more)


def layer(
    path: str, operator: str, output: Shape, seen: ReceptiveField | None, **counts: Any
) -> LayerReport:
    """A layer with the given counts; those that are left out are 0."""
    macs = counts.pop("macs", 0)
    params = counts.get("params", 0)
    given: dict[str, Any] = {
        "groups": (),
        "fields": {},
        "inputs": (output,),
        "weights": {},
        "terms": (Term("weight", "weights", macs),),
        "receptive_fields": {"image": seen} if seen else {},
        "source": Place("net.convcalc.yaml", 3, 5),
        "counts": {
            **dict.fromkeys(COUNTS, 0),
            "trainable": params,
            "macs": macs,
            "flops": 2 * macs,
            "training": 6 * macs,
            **{key: counts.pop(key) for key in COUNTS if key in counts},
        },
        **counts,
    }
    return LayerReport(
        path=path,
        operator=operator,
        output=output,
        **given,
    )


def sample(layers: Sequence[LayerReport], **more: Any) -> Report:
    """A report of these layers, added up here and not by convcalc."""
    sums = {key: sum(each.counts[key] for each in layers) for key in COUNTS}
    unknown = tuple(f"{each.path}: macs" for each in layers if each.macs is UNKNOWN)
    memory = Memory("float32", 4 * sums["params"], 3_000_000)
    given: dict[str, Any] = {
        "variant": None,
        "description": "",
        "source": "net.convcalc.yaml",
        "inputs": {"image": Shape(1, 3, (32, 32))},
        "outputs": {"head": layers[-1].output},
        "counted": ("weights", "dynamic"),
        "receptive_field": layers[-1].receptive_field,
        "global_from": "",
        **more,
    }
    return Report(
        network="sample",
        totals=Totals(len(layers), sums, memory=memory, unknown=unknown),
        layers=tuple(layers),
        **given,
    )


def everything() -> Report:
    """One of each thing that a table can show."""
    encoder = (Group("enc", "Encoder"),)
    weight = {"weight": (64, 3, 3, 3), "bias": (64,)}
    kernel = {"kernel_size": (3, 3), "stride": (2, 2), "padding": ((0, 1), (0, 1)), "groups": 1}
    wide = ReceptiveField(
        (7, 5), (7, 5), (Fraction(2), Fraction(1, 2)), (Fraction(1, 2), Fraction(-1, 3))
    )
    return sample(
        [
            layer(
                "enc.conv",
                "conv",
                Shape(1, 64, (16, 16)),
                field(3, 2),
                groups=encoder,
                params=1792,
                macs=442_368,
                elementwise=16_384,
                activations=16_384,
                moved=85_000,
                weights=weight,
                fields=kernel,
            ),
            layer(
                "enc.relu",
                "relu",
                Shape(1, 64, (16, 16)),
                field(3, 2),
                groups=encoder,
                elementwise=16_384,
                moved=131_072,
            ),
            layer(
                "again",
                "conv",
                Shape(1, 64, (16, 8)),
                wide,
                macs=221_184,
                shares="enc.conv",
                activations=8192,
                moved=60_000,
            ),
            layer(
                "up",
                "upsample",
                Shape(1, 64, (32, 32)),
                field(204, Fraction(1, 2), least=188),
                sampling=262_144,
                moved=393_216,
            ),
            layer(
                "secret",
                "opaque",
                Shape(1, 8, (32, 32)),
                field(UNKNOWN, 1, reason="not stated"),
                params=5_000_000,
                trainable=4_000_000,
                macs=UNKNOWN,
                moved=UNKNOWN,
                declared=True,
                note="from the paper; see table 3, which is long",
            ),
            layer(
                "head",
                "linear",
                Shape(1, 10),
                field(427, 32, is_global=True),
                params=90,
                macs=80,
                activations=10,
                moved=500,
            ),
        ],
        global_from="head",
        problems=(
            Diagnostic(
                "even-kernel-same",
                "kernel_size 4 is even",
                Place("n.yaml", 4, 2),
                severity="warning",
            ),
        ),
    )


def hostile() -> Report:
    """Every text that a file can bring along is one of ``HOSTILE``."""
    return sample(
        [layer(text, text, Shape(1, 8, (4, 4)), field(3, 1), note=text) for text in HOSTILE]
    )


def broken() -> Report:
    """An error, and layers that could not be computed after it."""
    error = Diagnostic(
        "does-not-divide", "groups 3 does not divide in_channels 64", Place("n.yaml", 9, 13)
    )
    first = layer("conv", "conv", Shape(1, 64, (16, 16)), field(3, 2), params=1792, macs=442_368)
    return sample([first], problems=(error,), skipped=3, outputs={}, receptive_field=None)


def real(name: str) -> Report:
    return analyse(read_network(resolve(name)))


def chosen(keys: Sequence[str]) -> list[Column]:
    return [COLUMNS[key] for key in keys]


def table_of(report: Report, keys: Sequence[str] = DEFAULT, *, exact: bool = False) -> Table:
    return report_table(report, chosen(keys), rows(report, None), exact=exact)


def shown(report: Report, form: str = "table", keys: Sequence[str] = DEFAULT, **style: Any) -> str:
    table = table_of(report, keys, exact=style.get("exact", False))
    return render(form, table, report_payload(report), Style(**style))
