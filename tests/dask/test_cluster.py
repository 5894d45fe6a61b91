"""Sweeps on a local cluster of Dask give the same bytes, also when a worker is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import Command, environment, verb
from distributed import Client, LocalCluster

from convcalc.cli import sweep_cluster

sweep = verb("sweep")
LINE = (
    "mobilenet_v2 --over width=0.35:1.4:0.05 --over input=96:224:16 --metrics macs,params "
    "--chunk 10 --pareto macs,-params --jobs 1"
)
STACK = "convcalc: 1\ninput: [3, 8, 8]\nparams: {width: 8}\nlayers: [conv: {out: width, k: 3}]\n"
pytestmark = pytest.mark.filterwarnings("ignore")  # those of Dask itself


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = environment()["PYTHONPATH"]
    with LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
    ) as found:
        yield found
    if before is None:
        del os.environ["PYTHONPATH"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_cluster_writes_the_same_bytes(sweep: Command, folder: Path, cluster: Any) -> None:
    here = sweep(f"{LINE} -o here/")
    there = sweep(f"{LINE} -o there/ --dask {cluster.scheduler_address}")
    assert there == here
    assert content(folder / "there") == content(folder / "here")
    (folder / "s.convcalc.yaml").write_text(STACK, "utf-8")
    own = f"{folder}/s.convcalc.yaml --over width=4:90 --chunk 9 --metrics params"
    expected = sweep(own)
    assert sweep(f"{own} --dask {cluster.scheduler_address}") == expected
    assert expected.code == 0


def test_a_worker_may_be_killed_on_the_way(
    sweep: Command, folder: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = sweep(f"{LINE} -o here/")
    result = sweep_cluster._result
    killed: list[int] = []

    def with_a_death(task: Any) -> Any:
        if not killed:
            with Client(cluster.scheduler_address) as client:
                killed.extend(client.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)
        return result(task)

    monkeypatch.setattr(sweep_cluster, "_result", with_a_death)
    there = sweep(f"{LINE} -o there/ --dask {cluster.scheduler_address}")
    assert there == here
    assert killed
    assert content(folder / "there") == content(folder / "here")


def test_another_file_on_a_worker_is_an_error(sweep: Command, folder: Path, cluster: Any) -> None:
    path = folder / "s.convcalc.yaml"
    path.write_text(STACK, "utf-8")
    line = f"{path} --over width=4:90 --chunk 9 --metrics params"
    job_of = sweep_cluster.job_of

    def other(*arguments: Any) -> sweep_cluster.Job:
        return job_of(*arguments)._replace(files=("other",))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_cluster, "job_of", other)
        ran = sweep(f"{line} --dask {cluster.scheduler_address}")
    assert ran.code == 2
    assert "is another file on a worker" in ran.err


def test_a_cluster_that_is_not_there_is_an_error(
    sweep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_cluster, "SECONDS", 1)
    ran = sweep(f"{LINE} --dask tcp://127.0.0.1:1")
    assert ran.code == 2
    assert "no Dask scheduler at tcp://127.0.0.1:1" in ran.err
