"""`mesorch bench` from outside."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mesorch_cli.cli.app import app


def bench(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["bench", "--side", "64", "--rounds", "2", "--device", "cpu", *words])
    return result.exit_code, result.stdout, result.stderr


def test_every_case_is_a_line_and_adds_up() -> None:
    code, out, _ = bench(
        "--json", "--precision", "fp32", "--precision", "bf16", "--tile-batch", "1", "--tile-batch", "2"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(row["precision"], row["tile_batch"]) for row in rows] == [
        ("fp32", 1),
        ("fp32", 2),
        ("bf16", 1),
        ("bf16", 2),
    ]
    for row in rows:
        assert row["tiles_per_second"] == pytest.approx(row["tile_batch"] / row["seconds"])
        assert row["megapixels_per_second"] == pytest.approx(row["tiles_per_second"] * 64 * 64 / 1e6)
        assert row["quartiles"][0] <= row["seconds"] <= row["quartiles"][1]
        assert row["floor_seconds"] > 0
    assert rows[1]["gigaoperations"] == pytest.approx(2 * rows[0]["gigaoperations"])


def test_lanes_are_those_of_an_analysis_or_as_many_as_are_asked_for() -> None:
    threads = torch.get_num_threads()
    try:
        for words, lanes in ((("--lanes", "1", "--lanes", "3"), [1, 3]), ((), [2])):
            _, out, _ = bench("--json", "--threads", "2", *words)
            assert [json.loads(line)["lanes"] for line in out.splitlines()] == lanes
        code, _, err = bench("--threads", "1", "--lanes", "2")
        assert (code, "one call at a time" in err) == (2, True)
    finally:
        torch.set_num_threads(threads)


def test_the_table_can_be_read_on_a_narrow_terminal() -> None:
    code, out, err = bench()
    lines = (out + err).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if "mesorch-s" in line]
    assert "%" in row  # nothing of it wraps


def test_parts_add_up_to_the_network_at_the_weights_own_size(tiny_weights: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "--parts", "-w", str(tiny_weights), "--rounds", "2", "--json"])
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    *parts, whole = rows
    assert {(row["network"], row["side"]) for row in rows} == {("tiny test", 64)}
    assert sum(row["megamacs"] for row in parts) == pytest.approx(whole["megamacs"])
    assert (whole["part"], whole["share"], whole["time_share"]) == ("whole network", 1, 1)


def test_the_table_of_parts_can_be_read_on_a_narrow_terminal() -> None:
    code, out, _ = bench("--parts")
    lines = out.splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    for part in ("CNN, trace stem", "Transformer, patches", "decoder s3", "frequency views", "whole network"):
        (row,) = [line for line in lines if part in line]
        assert "%" in row  # nothing of it wraps


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--weights", "mesorch-s"), "--weights goes with --parts"),
        (("--parts", "--precision", "fp32"), "one tile at a time"),
        (("--parts", "--lanes", "2"), "one tile at a time"),
        (("mesorch-x",), "There is no network 'mesorch-x'"),
        (("--side", "100"), "multiple of 32"),
        (("--rounds", "1"), "2 or more"),
        (("--tile-batch", "0"), "tile batch of 0"),
        (("--lanes", "0"), "0 lanes"),
        (("--precision", "fp16"), "fp16 needs a GPU"),
        (("--device", "cuda:99"), "cuda:99"),
        (("--exported", "a/x.onnx", "--exported", "b/x.onnx"), "have the same name"),
    ],
)
def test_nonsense_is_refused(words: tuple[str, ...], message: str) -> None:
    code, _, err = bench(*words)
    assert code == 2
    assert message in err
