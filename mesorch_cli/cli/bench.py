"""`mesorch bench`: how fast the networks run on this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard


class PrecisionName(StrEnum):
    """Arithmetic of the network; Typer takes several of an enumeration."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def bench(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NETWORK", help="mesorch, mesorch-p, mesorch-s. (default: mesorch-s)"),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--exported", metavar="FILE", help="An exported file beside the networks; may be given several times."
        ),
    ] = None,
    precision: Annotated[
        list[PrecisionName] | None, typer.Option(help="Arithmetic; may be given several times.")
    ] = None,
    tile_batch: Annotated[list[int] | None, typer.Option(help="Tiles per call; may be given several times.")] = None,
    lanes: Annotated[
        list[int] | None,
        typer.Option(help="Calls at the same time; may be given several times. (default: as in an analysis)"),
    ] = None,
    device: options.Device = "auto",
    side: Annotated[int, typer.Option(help="Pixels along a side of a tile.")] = 512,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians and quartiles are over them.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. (default: PyTorch's choice)")] = None,
    as_json: options.Json = False,
) -> None:
    """Time the networks on this machine, beside the floor that its matrix rate and bandwidth set.

    Random values: speed does not depend on them. A call takes tiles from memory and brings logits back. On a CPU several
    calls run at the same time (lanes), as in an analysis; seconds are those of all, divided by their number. `batch` is
    tiles of a call x lanes; `of floor` is the floor's share of the time. Operations and the floor itself are in --json.

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
            f"tiles of {side} x {side} on {speeds[0].device}, torch {torch.__version__}, {torch.get_num_threads()} threads",
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
