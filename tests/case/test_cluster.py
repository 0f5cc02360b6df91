"""`mesorch batch --engine ray` on two nodes of a cluster, one of them killed in the middle: the same results as here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from tests.case.folders import counts, fill, mixed, photo, steady

CLUSTER = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
print(cluster.address, flush=True)
sys.stdin.readline()
cluster.remove_node(nodes[0], allow_graceful=False)
print("killed", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""

ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(sys.path),
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # no token in the home folder
    "RAY_worker_niceness": "0",  # on a busy machine Ray's own 15 means never
}


@pytest.fixture
def cluster() -> Iterator[subprocess.Popen[str]]:
    """A cluster of a head that computes nothing and two nodes; a line on standard input kills the first of them."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", CLUSTER], text=True, env=ENVIRONMENT, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.stdin.write("\n\n")
        process.stdin.close()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As a worker of one CPU has it: the number of threads moves the last bits of a result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_two_nodes_and_one_of_them_dies(cluster: "subprocess.Popen[str]", tmp_path: Path, tiny_weights: Path) -> None:
    assert cluster.stdin is not None
    assert cluster.stdout is not None
    evidence = fill(mixed(tmp_path / "evidence"), {f"more/{number}.png": photo(number) for number in range(20, 28)})
    words = ["batch", str(evidence), "-w", str(tiny_weights), "--device", "cpu", "--json"]
    CliRunner().invoke(app, [*words, "-o", str(tmp_path / "here")])

    address = cluster.stdout.readline().split()[-1]
    command = [sys.executable, "-m", "mesorch_cli", *words, "-o", str(tmp_path / "there"), "--engine", "ray"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--address", address], text=True, env=ENVIRONMENT, **pipes) as run:  # type: ignore[call-overload]
        lines = []
        for line in run.stdout:
            lines.append(json.loads(line))
            if len(lines) == 5:
                cluster.stdin.write("\n")
                cluster.stdin.flush()
                assert cluster.stdout.readline() == "killed\n"
        errors = run.stderr.read()
    assert run.returncode == 3, errors
    assert len(lines) == 19
    assert counts(tmp_path / "there")["waiting"] == 0
    assert steady(tmp_path / "there") == steady(tmp_path / "here")
