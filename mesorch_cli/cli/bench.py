"""`mesorch bench`: measure how fast the networks run on this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard


class PrecisionName(StrEnum):
    """Arithmetic of the network, as an enumeration, of which Typer accepts several."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def bench(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NETWORK", help="Networks to time: mesorch, mesorch-p, mesorch-s. (default: mesorch-s)"),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option("--exported", metavar="FILE", help="Exported file to time beside the networks. Repeatable."),
    ] = None,
    precision: Annotated[
        list[PrecisionName] | None, typer.Option(help="Arithmetic. Repeatable. (default: fp32)")
    ] = None,
    tile_batch: Annotated[list[int] | None, typer.Option(help="Tiles per call. Repeatable. (default: 1)")] = None,
    lanes: Annotated[
        list[int] | None,
        typer.Option(help="Calls at the same time. Repeatable. (default: as in an analysis)"),
    ] = None,
    device: options.Device = "auto",
    side: Annotated[int, typer.Option(help="Side of a tile in pixels.")] = 512,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds, over which medians and quartiles are taken.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. (default: PyTorch's choice)")] = None,
    as_json: options.Json = False,
) -> None:
    """Time the networks on this machine, and compare them with the floor: the least time that the machine allows.

    The floor follows from the measured matrix rate and memory bandwidth. The weights are random, as the speed does not
    depend on their values. A call reads tiles from memory and returns logits. On a CPU, several calls run at the same
    time (lanes), as in an analysis, and the seconds of all calls are divided by their number. The column `batch` shows
    tiles per call x lanes. The column `of floor` shows the floor as a share of the time. --json also gives the number
    of operations and the floor itself.

    Exported files run on their own runtime, in the same rounds.

    Example: mesorch bench mesorch-s mesorch --precision fp32 --precision bf16 --exported mesorch-s.onnx
    """
    with guard(printing=True):
        import torch

        from mesorch_cli.inference.loading import open_exported
        from mesorch_cli.inference.speed import Workload, measure
        from mesorch_cli.network.families import family_of, member_named

        names = list(dict.fromkeys(networks or ["mesorch-s"]))
        members = {name: member_named(name) for name in names}
        if threads is not None:
            torch.set_num_threads(threads)
        lanes_wanted: list[int | None] = [*lanes] if lanes else [None]
        cases = [
            Workload(name, wanted.value, batch, at_once)
            for name in names
            for wanted in precision or [PrecisionName.FP32]
            for batch in tile_batch or [1]
            for at_once in lanes_wanted
        ]
        exported = {path.name: open_exported(path) for path in files or []}
        cases += [
            Workload(name, file.seal.precision, batch, at_once)
            for name, file in exported.items()
            for batch in tile_batch or [1]
            for at_once in lanes_wanted
        ]
        built = {name: family_of(member).build(member).eval() for name, member in members.items()}
        speeds = list(measure(built, cases, device=device, side=side, rounds=rounds, files=exported))
        if as_json:
            for speed in speeds:
                console.write_json(speed.to_dict())
            return
        console.show_table(
            f"tiles of {side} x {side} on {speeds[0].device}, torch {torch.__version__}, {torch.get_num_threads()} "
            "threads",
            ["network", "run by", "batch", "s/call", "quartiles", "Mpx/s", "of floor"],
            [
                [
                    speed.network,
                    f"{speed.backend} {speed.precision}",
                    f"{speed.tile_batch} x {speed.lanes}",
                    f"{speed.seconds:.3f}",
                    f"{speed.quartiles[0]:.3f}-{speed.quartiles[1]:.3f}",
                    f"{speed.megapixels_per_second:.2f}",
                    "" if speed.floor_seconds is None else f"{speed.floor_seconds / speed.seconds:.0%}",
                ]
                for speed in speeds
            ],
        )
