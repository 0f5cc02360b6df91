"""`mesorch bench`: measure how fast the networks run on this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import UsageError

SIDE = 512  # pixels


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
    parts: Annotated[
        bool,
        typer.Option("--parts", help="Show what each part of the networks costs: multiply-adds and time of one tile."),
    ] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            "-w",
            metavar="NAME|FILE",
            autocompletion=options.names_of_weights,
            help="Weights whose network is taken apart by --parts, at its own tile size. Repeatable.",
        ),
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
    side: Annotated[
        int | None,
        typer.Option(help="Side of a tile in pixels. (default: 512; with --weights, what their passport says)"),
    ] = None,
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

    --parts takes the inference form of each network apart, on the CPU in float32, one tile at a time: stages of both
    branches, stems, decoders, gate, frequency views. Multiply-adds are those of convolutions, matrices and attention.
    The time is that of the processor, summed over threads. A decoder is named after the scale whose map it makes.

    Example: mesorch bench mesorch-s mesorch --precision fp32 --precision bf16 --exported mesorch-s.onnx
    """
    with guard(printing=True):
        import torch

        from mesorch_cli.inference.loading import open_exported
        from mesorch_cli.inference.speed import Workload, measure
        from mesorch_cli.network.families import family_of, member_named

        if weights and not parts:
            raise UsageError("--weights goes with --parts. Expected networks by name, or --exported for a file.")
        if parts and (files or precision or tile_batch or lanes or device not in ("auto", "cpu")):
            raise UsageError("--parts is for one tile at a time, in float32 on the CPU. Leave the other choices out.")
        if threads is not None:
            torch.set_num_threads(threads)
        if parts:
            _show_parts(networks or ([] if weights else ["mesorch-s"]), weights or [], side, rounds, as_json)
            return
        names = list(dict.fromkeys(networks or ["mesorch-s"]))
        members = {name: member_named(name) for name in names}
        lanes_wanted: list[int | None] = [*lanes] if lanes else [None]
        cases = [
            Workload(name, wanted.value, batch, at_once)
            for name in names
            for wanted in precision or [PrecisionName.FP32]
            for batch in tile_batch or [1]
            for at_once in lanes_wanted
        ]
        named = {path.name: path for path in files or []}
        if len(named) < len(files or []):
            raise UsageError(
                "Two of the exported files have the same name. Expected different names, as the table shows them."
            )
        exported = {name: open_exported(path) for name, path in named.items()}
        cases += [
            Workload(name, file.seal.precision, batch, at_once)
            for name, file in exported.items()
            for batch in tile_batch or [1]
            for at_once in lanes_wanted
        ]
        built = {name: family_of(member).build(member).eval() for name, member in members.items()}
        speeds = list(measure(built, cases, device=device, side=side or SIDE, rounds=rounds, files=exported))
        if as_json:
            for speed in speeds:
                console.write_json(speed.to_dict())
            return
        console.show_table(
            f"tiles of {speeds[0].side} pixels on {speeds[0].device}, torch {torch.__version__}, {torch.get_num_threads()} "
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


def _show_parts(names: list[str], weights: list[str], side: int | None, rounds: int, as_json: bool) -> None:
    """Take networks apart, by name with random weights or out of weights files, and show what the parts cost."""
    import torch

    from mesorch_cli.inference.costs import costs
    from mesorch_cli.network.families import family_of, member_named
    from mesorch_cli.network.store import read_weights
    from mesorch_cli.network.weights import load_weights

    members = {name: member_named(name) for name in dict.fromkeys(names)}
    apart = [(name, family_of(member).build(member).eval(), SIDE) for name, member in members.items()]
    for one in dict.fromkeys(weights):
        loaded = load_weights(read_weights(one))
        passport = loaded.passport
        apart.append((f"{passport.name} {passport.version}", loaded.network, passport.input.side))
    for name, network, own in apart:
        found = costs(name, network, side=side or own, rounds=rounds)
        if as_json:
            for cost in found:
                console.write_json(cost.to_dict())
            continue
        console.show_table(
            f"{name}, one tile of {side or own} x {side or own}, torch {torch.__version__}, "
            f"{torch.get_num_threads()} threads",
            ["part", "multiply-adds, millions", "share", "processor, ms", "share"],
            [
                [
                    cost.part,
                    f"{cost.megamacs:,.0f}",
                    f"{cost.share:.1%}",
                    f"{1000 * cost.seconds:.1f}",
                    f"{cost.time_share:.1%}",
                ]
                for cost in found
            ],
        )
