"""``convcalc.sweep`` for Python programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import convcalc

METRICS = ("params", "macs", "jump")
OVER: dict[str, Any] = {"width": "0.5:1.25:0.25", "input": [128, 224]}


def found(**more: Any) -> convcalc.SweepResult:
    return convcalc.sweep("mobilenet_v2", OVER, metrics=METRICS, **more)


def test_its_rows_are_those_of_single_networks() -> None:
    rows = list(found().rows())
    assert len(rows) == 8
    for row in rows:
        size = [3, row["input"], row["input"]]
        network = convcalc.load("mobilenet_v2", params={"width": row["width"]}, inputs=size)
        totals = convcalc.analyse(network).totals
        assert (row["params"], row["macs"], row["problem"]) == (totals.params, totals.macs, "")


def test_it_has_columns_the_front_and_the_first_rows() -> None:
    result = found(where=["width > 0.5", "macs < 200M"], pareto=["macs", "-params"])
    assert len(result) == result.counts.kept < result.counts.rows
    assert list(result.columns) == ["width", "input", *METRICS, "problem"]
    assert all(value > 0.5 for value in result.columns["width"])
    front = result.front()
    assert front == [row for row in front if row in list(result.rows())]
    assert [row["macs"] for row in front] == sorted(row["macs"] for row in front)
    assert result.top(1, "-macs")[0]["macs"] == max(result.columns["macs"])
    assert result.front("-macs") == result.top(1, "-macs")
    with pytest.raises(convcalc.UnknownName):
        result.front("parms")
    with pytest.raises(convcalc.SpaceError, match="no columns are named"):
        found().front()


def test_it_is_shown_as_the_command_shows_it() -> None:
    result = found(pareto=["macs"])
    assert repr(result) == "<SweepResult mobilenet_v2 over width, input: 8 rows>"
    text = result.to_text()
    assert text.startswith("mobilenet_v2 · sweep over width, input")
    assert "1 configuration by macs (less)" in text
    assert "mobilenet_v2" in result._repr_html_()
    payload = json.loads(result.to_json())
    assert payload == result.to_dict()
    assert payload["rows"] == result.front()


def test_values_may_be_numbers_words_lists_and_tuples(tmp_path: Path) -> None:
    path = tmp_path / "s.convcalc.yaml"
    path.write_text(
        "convcalc: 1\ninput: [3, 8, 8]\nparams: {depths: [1, 2], k: 3, b: true}\n"
        "layers: [{conv: {out: 4, k: k, p: same, bias: b}, repeat: sum(depths)}]\n",
        "utf-8",
    )
    over = {"depths": [(1, 2), [2, 2]], "k": 5, "b": [True, False], "input": [(3, 9, 9), (3, 8, 8)]}
    rows = list(convcalc.sweep(path, over, metrics=["layers", "params"]).rows())
    assert len(rows) == 8
    assert {row["layers"] for row in rows} == {3, 4}
    assert rows[0]["params"] == 4 * 75 + 4 + 2 * (4 * 100 + 4)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"over": {}}, convcalc.SpaceError),
        ({"over": {"widht": [1]}}, convcalc.TargetError),
        ({"over": {"width": [1, "x"]}}, convcalc.SpaceError),
        ({"over": {"width": []}}, convcalc.SpaceError),
        ({"where": "params <"}, convcalc.SpaceError),
        ({"metrics": ["parms"]}, convcalc.UnknownName),
        ({"dtype": "float3"}, convcalc.SpaceError),
        ({"counted": ["x"]}, convcalc.SpaceError),
        ({"target": "nosuch"}, convcalc.TargetError),
    ],
)
def test_what_makes_no_sense_is_an_error(more: dict[str, Any], error: type[Exception]) -> None:
    wanted: dict[str, Any] = {"target": "mobilenet_v2", "over": OVER, **more}
    with pytest.raises(error):
        convcalc.sweep(**wanted)


def test_data_frames_hold_the_rows() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = found().to_pandas()
    assert len(frame) == 8
    assert str(frame["macs"].dtype) == "Int64"
    assert isinstance(frame, pandas.DataFrame)
    assert frame["macs"].tolist() == found().columns["macs"]


def test_data_frames_of_polars_hold_the_rows() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = found().to_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame["macs"].to_list() == found().columns["macs"]
    assert frame["width"].dtype == polars.Float64
