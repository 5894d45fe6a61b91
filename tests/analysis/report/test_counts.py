"""Every count is declared once, and whatever shows counts shows all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from small import network_of, report_of

from convcalc.analysis.analyse import analyse
from convcalc.analysis.comparison.compare import UNITS, compare
from convcalc.analysis.report.lookup import value_at
from convcalc.analysis.report.report import LayerReport, ReceptiveField, Report, Totals
from convcalc.analysis.report.rows import Row, rows, rows_by_operator, target_row
from convcalc.analysis.report.to_json import report_payload
from convcalc.cli import main
from convcalc.cli.commands.show import View
from convcalc.diagnostics.codes import BY_NAME
from convcalc.language.assertions.vocabulary import METRICS
from convcalc.language.head.pins import EXPECTED
from convcalc.language.reading import read_network
from convcalc.language.sources.resolve import resolve
from convcalc.model.quantities.counts import BYTES, COUNTS, Counts, DeclaredCount
from convcalc.model.quantities.unknown import UNKNOWN, known
from convcalc.output.bound_columns import BOUND_COLUMNS
from convcalc.output.columns import COLUMNS, Size
from convcalc.output.schemas.budgets import budgets_schema
from convcalc.output.schemas.report import report_schema
from convcalc.output.sorting import sorted_rows
from convcalc.testing import assert_budget

CONV: dict[str, Any] = {"conv": {"out": 8, "k": 3, "p": 1}}
NORMED = [CONV, "batch_norm", "relu", {"upsample": {"scale": 2, "mode": "linear"}}]
NAMES = ["resnet18", "unet", "deeplabv3_resnet50"]
every_count = pytest.mark.parametrize("count", COUNTS.values(), ids=list(COUNTS))


@pytest.fixture(scope="module", params=NAMES)
def shipped(request: pytest.FixtureRequest) -> Report:
    return analyse(read_network(resolve(request.param)), support=True)


# --- what holds counts ---------------------------------------------------------------------------


def test_the_analysis_gives_an_amount_to_every_count_that_is_declared(shipped: Report) -> None:
    assert all(list(layer.counts) == list(COUNTS) for layer in shipped.layers)
    assert list(shipped.totals.counts) == list(COUNTS)


@every_count
def test_a_count_is_an_attribute_of_whatever_holds_counts(count: DeclaredCount) -> None:
    report = report_of(NORMED, [3, 8, 8])
    for holder in (*report.layers, report.totals, *rows(report), target_row(report)):
        assert getattr(holder, count.key) == holder.counts[count.key]
    for holding in (Counts, LayerReport, Totals, Row):
        assert getattr(holding, count.key) is count


@every_count
def test_rows_add_up_to_the_totals_however_they_are_bundled(
    count: DeclaredCount, shipped: Report
) -> None:
    whole = getattr(shipped.totals, count.key)
    assert sum(layer.counts[count.key] for layer in shipped.layers) == whole
    for listed in (rows(shipped, 1), rows(shipped, 2), rows(shipped, None)):
        assert sum(getattr(row, count.key) for row in listed) == whole
    assert sum(getattr(row, count.key) for row in rows_by_operator(shipped)) == whole


def test_an_unknown_part_makes_the_sum_unknown() -> None:
    report = report_of(NORMED, [3, None, 8])
    assert report.totals.macs is UNKNOWN
    assert report.totals.params == 8 * 3 * 9 + 8 + 16
    assert target_row(report).moved is UNKNOWN


def test_what_follows_from_other_counts_is_not_listed_as_unknown() -> None:
    listed = {entry.rpartition(": ")[2] for entry in report_of([CONV], [3, None, 8]).totals.unknown}
    assert listed >= {"macs", "elementwise", "activations"}
    assert listed.isdisjoint({"flops", "moved", "training"})
    assert "params" not in listed  # which is known


# --- where counts are shown ----------------------------------------------------------------------


@every_count
def test_a_count_is_a_column(count: DeclaredCount) -> None:
    column = COLUMNS[count.key]
    assert (column.title, column.doc, column.unit) == (count.title, count.doc, count.unit)
    assert all(
        column.value(row) == row.counts[count.key] for row in rows(report_of([CONV], [3, 8, 8]))
    )


@every_count
def test_a_count_is_in_the_json_report_and_in_its_schema(count: DeclaredCount) -> None:
    payload, schema = report_payload(report_of([CONV], [3, 8, 8])), report_schema()
    documented = schema["definitions"]["layer"], schema["properties"]["totals"]
    for holder, described in zip(
        (payload["layers"][0], payload["totals"]), documented, strict=True
    ):
        assert isinstance(holder[count.json], int)
        assert described["properties"][count.json]["description"] == count.doc
        assert count.json in described["required"]


@every_count
def test_get_knows_a_count_of_the_network_of_a_layer_and_of_a_block(count: DeclaredCount) -> None:
    block = {"Two": {"params": {}, "layers": [CONV, CONV]}}
    report = report_of([{"Two": {}, "id": "two"}, "relu"], [3, 8, 8], blocks=block)
    parts = [value_at(report, f"two.conv[{index}].{count.json}") for index in (0, 1)]
    whole = [value_at(report, f"{path}.{count.json}") for path in ("two", "relu")]
    assert whole[0] == sum(parts)
    assert sum(whole) == value_at(report, f"totals.{count.json}")


@every_count
def test_a_count_can_be_limited_pinned_and_compared(count: DeclaredCount) -> None:
    metric = METRICS[count.key]
    assert metric.kind == ("bytes" if count.unit == BYTES else "count")
    assert metric.doc == count.doc
    assert metric.rule in BY_NAME
    assert count.key in EXPECTED
    assert UNITS[count.key] == count.unit
    change = compare(report_of([CONV], [3, 8, 8]), report_of(NORMED, [3, 8, 8])).total(count.key)
    assert known(change.delta)


def test_the_schema_of_budgets_has_every_metric_with_its_line() -> None:
    asserted = budgets_schema()["properties"]["budgets"]["items"]["properties"]["assert"]
    described = {key: value["description"] for key, value in asserted["properties"].items()}
    assert described == {key: metric.doc for key, metric in METRICS.items()}


@pytest.mark.parametrize(("kind", "declared"), [("columns", COLUMNS), ("metrics", METRICS)])
def test_list_prints_all_with_their_lines(
    kind: str, declared: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", kind, "-f", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    found = {entry["name"]: entry["description"] for entry in listed}
    more = BOUND_COLUMNS if kind == "columns" else {}
    docs = {key: each.doc for key, each in declared.items()}
    assert found == docs | {key: f"{each.doc}; with --device" for key, each in more.items()}
    assert all(found.values())


# --- order ---------------------------------------------------------------------------------------


def test_rows_are_sorted_by_any_column(shipped: Report) -> None:
    every = rows(shipped, None)
    for column in COLUMNS.values():
        listed = View(None, "", "", column.key, 0, False).sort_rows(every, shipped)
        assert sorted(row.path for row in listed) == sorted(row.path for row in every)
        values = [column.value(row) for row in listed]
        there = [value for value in values if value is not None]
        assert values == [*there, *[None] * (len(values) - len(there))], column.key
        sizes = list(map(size_of, there))
        assert sizes == sorted(sizes, key=falling), column.key


def size_of(value: Any) -> Any:
    """How large a value is, said once more: a shape by its elements, numbers per axis by sum."""
    if isinstance(value, ReceptiveField):
        return product(value.size)
    if isinstance(value, Size):
        return product(value)
    if isinstance(value, dict):
        return sum(product(shape) for shape in value.values())
    if isinstance(value, tuple):
        parts = (part.split("+") if isinstance(part, str) else [part] for part in value)
        return sum(size_of(int(n) if isinstance(n, str) else n) for part in parts for n in part)
    return value


def product(sizes: Any) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


def falling(value: Any) -> Any:
    return value if isinstance(value, str) else -value


def test_what_is_unknown_comes_first_and_what_is_not_there_last() -> None:
    values: list[Any] = [None, 3, Fraction(7, 2), UNKNOWN, "b", "a", (UNKNOWN, 9), True]
    shown = sorted_rows(values, lambda value: value)
    assert shown[0] is UNKNOWN
    assert shown[2:] == [Fraction(7, 2), 3, True, "a", "b", None]


def test_sorting_by_what_takes_longer_computes_it(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["show", "resnet18", "--depth", "all", "--columns", "path", "-f", "csv"]
    assert main([*line, "--sort", "holes"]) == 0
    by_holes = capsys.readouterr().out
    assert main([*line, "--sort", "path"]) == 0
    assert by_holes != capsys.readouterr().out


# --- bytes ---------------------------------------------------------------------------------------

# Elements of input, weights and output, 4 bytes each: 192 + 216 + 8 + 512.
MOVED = 4 * (3 * 64 + 8 * 3 * 9 + 8 + 8 * 64)


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        ({"max": "10KiB"}, True),
        ({"max": "3KiB"}, False),
        ({"max": MOVED, "min": MOVED}, True),
        ({"max": f"{MOVED - 1}B"}, False),
        ({"max": "4kB", "at": "conv"}, None),
    ],
)
def test_a_budget_limits_the_bytes_that_are_moved(bound: Any, holds: bool | None) -> None:
    network = network_of([CONV], [3, 8, 8])
    if holds:
        assert_budget(network, moved=bound)
    elif holds is None:
        with pytest.raises(ValueError, match="4kB"):
            assert_budget(network, moved=bound)
    else:
        with pytest.raises(AssertionError, match=r"moved .*KiB exceeds"):
            assert_budget(network, moved=bound)


@every_count
def test_bytes_limit_bytes_alone(count: DeclaredCount) -> None:
    network = network_of([CONV], [3, 8, 8])
    limit = {count.key: {"max": "10MiB"}}
    if count.unit == BYTES:
        assert_budget(network, **limit)
    elif count.key not in ("params",):
        with pytest.raises(ValueError, match=f"{count.key} is not measured in bytes"):
            assert_budget(network, **limit)


@every_count
def test_a_part_has_a_share_of_every_count(count: DeclaredCount) -> None:
    network = network_of([{**CONV, "id": "head"}], [3, 8, 8])
    share = {"of": "head", "metric": count.key, "max": "100%"}
    assert_budget(network, share=share)


def test_training_is_limited_as_work_is() -> None:
    network = network_of([CONV, CONV], [3, 8, 8])
    first, second = 8 * 3 * 9 * 64, 8 * 8 * 9 * 64  # the first needs no gradient of its input
    flops = 2 * (2 * first + 3 * second)
    assert_budget(network, training={"max": flops, "min": flops})
    with pytest.raises(AssertionError, match=r"training .* exceeds"):
        assert_budget(network, training={"max": flops - 1})


def save(path: Path, dtype: str) -> None:
    report = analyse(network_of([CONV], [3, 8, 8]), dtype=dtype)
    path.write_text(json.dumps(report_payload(report)), "utf-8")


@pytest.mark.parametrize(("dtype", "problem"), [("float32", ""), ("float16", "bytes of float16")])
def test_bytes_of_another_type_are_not_compared(tmp_path: Path, dtype: str, problem: str) -> None:
    base = tmp_path / "old.json"
    save(base, dtype)

    def compare() -> None:
        network = network_of([CONV], [3, 8, 8])
        assert_budget(network, compare=str(base), moved={"max_increase": 0})

    if problem:
        with pytest.raises(AssertionError, match=problem):
            compare()
    else:
        compare()


@pytest.fixture
def diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    monkeypatch.chdir(tmp_path)
    for name, out in (("old", 8), ("new", 9)):
        layers = f"- conv: {{out: {out}, k: 3, p: 1}}\n"
        text = f"convcalc: 1\nname: {name}\ninput: [3, 8, 8]\nlayers:\n{layers}"
        Path(f"{name}.convcalc.yaml").write_text(text, "utf-8")
    sides = ["old.convcalc.yaml", "new.convcalc.yaml"]
    yield lambda limit: main(["diff", *sides, "--fail-on", limit])


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("moved:+1KiB", 0),
        ("moved:+100B", 1),
        ("training:+20%", 0),
        ("training:+1%", 1),
        ("training:+1KiB", 2),
    ],
)
def test_diff_fails_on_bytes_and_on_training(
    limit: str, code: int, diff: Callable[[str], int]
) -> None:
    assert diff(limit) == code
