"""What is remembered between networks changes neither numbers nor the work that is counted."""

from __future__ import annotations

from typing import Any

import pytest
from shipped import network

from convcalc.analysis.analyse import analyse
from convcalc.analysis.receptive_field import per_layer, remembered, walk
from convcalc.analysis.receptive_field.reach import Reach
from convcalc.analysis.report.to_json import report_payload
from convcalc.diagnostics.work import Work, current

NAMES = ("resnet50", "unet", "densenet121", "shufflenet_v2_x1_0", "swin_t", "deeplabv3_resnet50")


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Nothing is remembered of the tests before."""
    forget()


def forget() -> None:
    for each in (walk._AFTER, walk._JOINED, walk._THROUGH, walk._MEETING):
        each.forget()
    per_layer.forget()


def measured(name: str) -> tuple[Any, int]:
    """The report of a network, as JSON, and the units of work that it took."""
    read = network(name)
    with Work() as work:
        report = analyse(read)
    return report_payload(report), work.spent


@pytest.mark.shipped
@pytest.mark.parametrize("name", NAMES)
def test_a_second_analysis_gives_the_same_and_counts_the_same_work(name: str) -> None:
    first, second = measured(name), measured(name)
    assert first == second


@pytest.mark.shipped
def test_what_other_networks_left_changes_nothing() -> None:
    alone = {}
    for name in NAMES:
        forget()
        alone[name] = measured(name)
    for name in reversed(NAMES):
        assert measured(name) == alone[name]


@pytest.mark.shipped
def test_a_network_is_read_through_no_window_that_was_read_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Reach] = []
    plain = walk._after

    def counted(*arguments: object) -> Reach:
        made.append(plain(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(walk, "_after", counted)
    analyse(network("resnet50"))
    assert made
    made.clear()
    analyse(network("resnet50"))
    assert made == []
    analyse(network("resnet101"))  # the same windows, more often
    assert 0 < len(made) < 100


def test_a_result_is_made_once_and_equal_ones_are_one_object() -> None:
    calls: list[int] = []
    found = remembered.Remembered[tuple[int, ...]]("tuples", len)

    def pair(number: int) -> tuple[int, ...]:
        calls.append(number)
        current().spend(7, "pairs")
        return (number % 10, 1000)

    with Work() as work:
        assert found.of(3, pair, 3) is found.of(3, pair, 3)
        assert work.parts == {"pairs": 7, "tuples": 7}
        assert found.of(13, pair, 13) is found.of(3, pair, 3)
    assert calls == [3, 13]


def test_all_is_forgotten_when_it_becomes_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 5)
    found = remembered.Remembered[tuple[int, ...]]("tuples", len)
    calls: list[int] = []

    def pair(number: int) -> tuple[int, ...]:
        calls.append(number)
        return (number, number)

    for number in (1, 2, 1, 3, 1):
        assert found.of(number, pair, number) == (number, number)
    assert calls == [1, 2, 3, 1]
