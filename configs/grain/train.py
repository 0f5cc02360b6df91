"""Train the grain network on what make_planes.py made, and write it in half precision.

usage: train.py PLANES VALIDATION OUT.safetensors [--minutes 60] [--rate 2e-3] [--batch 8] [--processes 2]
       [--start FILE]

Items may still be arriving in PLANES. The rate rises for 100 steps, then falls to a fiftieth along a cosine over the minutes.
Half of the items are cut to 48 x 48 blocks, and half have their rows or columns in reverse order. Cells of which
between a tenth and nine tenths were changed do not count. Every batch is shared by the processes. Every six
minutes, and at the end, the network is written and the mean AUC over the forged items of VALIDATION printed, by kind of
change.
"""

import argparse
import math
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn import functional

from mesorch_cli.inference.witnesses.grain.network import CELL, CHANNELS, DILATIONS, HIDDEN
from mesorch_cli.inference.witnesses.grain.planes import PLANES

sys.path.insert(0, str(Path(__file__).parents[1] / "history"))
from comparing import Comparing

CROP, CROP_SHARE = 48, 0.5  # blocks a side
CERTAIN = 0.1  # share of a cell
WARMUP, LAST_RATE = 100, 0.02
MEASURED = 500  # items
EVERY = 360  # seconds between validations

Item = dict[str, Tensor]


class Grain(Comparing):
    """The grain network in its trained form; `mesorch_cli/inference/witnesses/grain/network.py` says what it does."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, DILATIONS)
        self.register_buffer("typical", torch.zeros(PLANES))
        self.register_buffer("spread", torch.ones(PLANES))
        self.stem = nn.Linear(PLANES, HIDDEN)
        self.photo = nn.Linear(2 * PLANES, HIDDEN)
        self.project = nn.Linear(HIDDEN, CHANNELS)

    def forward(self, item: Item) -> Tensor:
        """Return the logit of each whole cell (M // 2, N // 2) of one photo."""
        rows, columns = (side // CELL * CELL for side in item["planes"].shape[:2])
        mean, deviation = (item["mean"] - self.typical) / self.spread, item["deviation"] / self.spread
        own = (item["planes"][:rows, :columns].float() - item["mean"]) / self.spread
        hidden = functional.relu(self.stem(own) + self.photo(torch.cat([mean, deviation])))
        cells = hidden.view(rows // CELL, CELL, columns // CELL, CELL, HIDDEN).mean((1, 3))
        state = self.project(cells).permute(2, 0, 1)[None]
        return self.compared(state)


@torch.no_grad()
def measure(network: Grain, paths: list[Path]) -> None:
    """Set what is typical of each plane: the mean over photos, and the root of the mean variance inside a photo."""
    items = [read(path)[0] for path in paths]
    network.typical.copy_(torch.stack([item["mean"] for item in items]).mean(0))
    network.spread.copy_(torch.stack([item["deviation"] ** 2 for item in items]).mean(0).sqrt())


def read(path: Path) -> tuple[Item, str]:
    """Return an item as tensors, and its kind."""
    with np.load(path) as file:
        planes = torch.from_numpy(file["planes"])
        every = planes.view(-1, PLANES).float()
        item = {"planes": planes, "changed": torch.from_numpy(file["changed"])}
        return item | {"mean": every.mean(0), "deviation": every.std(0, correction=0)}, str(file["kind"])


def cropped(item: Item, draw: random.Random) -> Item:
    """Return a part of an item. Its mean and deviation stay those of the whole photo."""
    rows, columns = item["changed"].shape
    top, left = draw.randint(0, max(0, rows - CROP)), draw.randint(0, max(0, columns - CROP))
    part = (slice(top, top + CROP), slice(left, left + CROP))
    return item | {name: item[name][part].contiguous() for name in ("planes", "changed")}


def flipped(item: Item, draw: random.Random) -> Item:
    """Return an item with its blocks in another order. What is inside a block stays."""
    for axis in (0, 1):
        if draw.random() < 0.5:
            item = item | {name: item[name].flip(axis) for name in ("planes", "changed")}
    return item | {name: item[name].contiguous() for name in ("planes", "changed")}


def truth_of(item: Item) -> tuple[Tensor, Tensor]:
    """Return the share of each whole cell that was changed, 0 to 1, and which cells are surely changed or surely not."""
    changed = functional.avg_pool2d(item["changed"][None].float() / 255, CELL)[0]
    return changed, (changed > 1 - CERTAIN) | (changed < CERTAIN)


def loss_of(network: Grain, item: Item) -> Tensor:
    """Return the binary cross-entropy over the cells that are surely changed or surely not."""
    changed, certain = truth_of(item)
    summed = functional.binary_cross_entropy_with_logits(
        network(item), (changed > 0.5).float(), certain.float(), reduction="sum"
    )
    return summed / certain.sum().clamp(min=1)


@torch.no_grad()
def validated(network: Grain, paths: list[Path]) -> str:
    """Return the mean AUC by kind, and the share of blocks above 0 in authentic items."""
    aucs, false = defaultdict(list), []
    for path in paths:
        item, kind = read(path)
        logits = network(item).numpy()
        changed, certain = (values.numpy() for values in truth_of(item))
        if not changed.any():
            false.append(float((logits > 0).mean()))
        elif 0 < (changed[certain] > 0.5).mean() < 1:
            kind = kind.replace("in place, ", "")
            aucs[kind].append(roc_auc_score(changed[certain] > 0.5, logits[certain]))
    lines = []
    for saving in ("lossless", "jpeg"):
        of = {kind.partition("|")[0]: values for kind, values in aucs.items() if kind.endswith(saving)}
        kinds = ", ".join(f"{kind} {np.mean(values):.3f} ({len(values)})" for kind, values in sorted(of.items()))
        lines.append(f"{saving} {np.mean([auc for values in of.values() for auc in values]):.3f}: {kinds}")
    return "\n  ".join([f"authentic blocks above 0: {np.mean(false):.2%}", *lines])


def save(network: Grain, out: Path) -> None:
    """Write the network in half precision."""
    save_file({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, out)


def averaged(network: Grain, passed: float) -> float:
    """Make the gradients the mean over all processes, and return the first one's share of the time, 0 to 1."""
    values = [value.grad for value in network.parameters() if value.grad is not None]
    flat = torch.cat([value.reshape(-1) for value in values])
    distributed.all_reduce(flat)
    for value, mean in zip(values, flat.split([value.numel() for value in values]), strict=True):
        value.copy_(mean.view_as(value) / distributed.get_world_size())
    told = torch.tensor(passed, dtype=torch.float64)
    distributed.broadcast(told, 0)
    return float(told)


def train(process: int, args: argparse.Namespace, meeting: str) -> None:
    """Train one copy of the network on a share of every batch."""
    distributed.init_process_group("gloo", f"file://{meeting}", rank=process, world_size=args.processes)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    draw = random.Random(process)
    network = Grain()
    if args.start is not None:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(args.start).items()})
    else:
        measure(network, sorted(args.planes.glob("*.npz"))[:MEASURED])
    network.convs.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-3)
    validation, each = sorted(args.validation.glob("*.npz")), max(1, args.batch // args.processes)
    begun, step, told, passed, waiting = time.monotonic(), 0, 1, 0.0, []
    while passed < 1:
        cosine = 0.5 * (1 + math.cos(math.pi * passed))
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1.0, (step + 1) / WARMUP) * (LAST_RATE + (1 - LAST_RATE) * cosine)
        optimiser.zero_grad()
        for _ in range(each):
            if not waiting:
                waiting = sorted(args.planes.glob("*.npz"))[process :: args.processes]
                draw.shuffle(waiting)
            item, _ = read(waiting.pop())
            item = flipped(cropped(item, draw) if draw.random() < CROP_SHARE else item, draw)
            (loss_of(network, item) / each).backward()
        passed = averaged(network, (time.monotonic() - begun) / 60 / args.minutes)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        if process == 0 and (passed >= 1 or time.monotonic() - begun > told * EVERY):
            told += 1
            save(network, args.out)
            print(f"{step * each * args.processes} items: {validated(network, validation)}", flush=True)
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("planes", "validation", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--start", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(train, (args, f"{folder}/meeting"), nprocs=args.processes)


if __name__ == "__main__":
    main()
