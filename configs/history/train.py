"""Train the history network on what make_blocks.py made, and write it in half precision.

usage: train.py BLOCKS VALIDATION OUT.safetensors [--minutes 75] [--rate 2e-3] [--batch 8] [--start FILE]

Items may still be arriving in BLOCKS. The rate rises for 100 steps, then falls to a fiftieth along a cosine over the minutes.
Six of ten items are cut to 56 x 56 blocks. Blocks of which between a tenth and nine tenths were changed do not count. Every
five minutes, and at the end, the mean AUC over the forged items of VALIDATION is printed, by kind of change.
"""

import argparse
import math
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.history.network import CHANNELS, DILATIONS, EDGE_SCALE, LOG_STEP_SCALE, SAID
from mesorch_cli.inference.witnesses.history.traces import FREQUENCIES, LEVELS, PLANES

sys.path.insert(0, str(Path(__file__).parent))
from comparing import Comparing

HIDDEN = 64
CROP, CROP_SHARE = 56, 0.6  # blocks a side
CERTAIN = 0.1  # share of a block
WARMUP, LAST_RATE = 100, 0.02
EVERY = 300  # seconds between validations

Item = dict[str, Tensor]


class History(Comparing):
    """The history network in its trained form; `mesorch_cli/inference/witnesses/history/network.py` says what it does."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, DILATIONS)
        frequencies = len(FREQUENCIES)
        self.table = nn.Sequential(
            nn.Linear(2 * LEVELS + 1 + frequencies, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, LEVELS * SAID),
        )  # fmt: skip
        self.static = nn.Parameter(torch.randn(frequencies, LEVELS, SAID) * 0.02)
        self.stem = nn.Conv2d(SAID + PLANES, CHANNELS, 1)
        self.qctx = nn.Linear(frequencies, CHANNELS)

    def forward(self, item: Item) -> Tensor:
        """Return the logit of each block (M, N) of one photo."""
        own, shifted, steps = item["own"], item["shifted"], item["log_steps"] / LOG_STEP_SCALE
        frequencies = len(FREQUENCIES)
        known = torch.cat([own.sqrt(), shifted.sqrt(), steps[:, None], torch.eye(frequencies)], 1)
        table = self.table(known).view(frequencies, LEVELS, SAID) + self.static
        table = table - (table * own[..., None]).sum(1, keepdim=True)
        rows, columns = item["levels"].shape[:2]
        places = item["levels"].long() + torch.arange(frequencies) * LEVELS
        said = functional.embedding_bag(places.view(-1, frequencies), table.reshape(-1, SAID), mode="sum")
        planes = item["planes"].float().view(-1, PLANES)
        planes = torch.cat([planes[:, : 4 * BLOCK] * EDGE_SCALE, planes[:, 4 * BLOCK :]], 1)
        given = torch.cat([said / math.sqrt(frequencies), planes - planes.mean(0, keepdim=True)], 1)
        state = self.stem(given.view(rows, columns, -1).permute(2, 0, 1)[None]) + self.qctx(steps)[None, :, None, None]
        return self.compared(state)


def read(path: Path) -> tuple[Item, str]:
    """Return an item as tensors, and its kind."""
    with np.load(path) as file:
        names = ("levels", "own", "shifted", "planes", "log_steps", "changed")
        return {name: torch.from_numpy(file[name]) for name in names}, str(file["kind"])


def cropped(item: Item, draw: random.Random) -> Item:
    """Return a part of an item. Its histograms stay those of the whole photo."""
    rows, columns = item["changed"].shape
    top, left = draw.randint(0, max(0, rows - CROP)), draw.randint(0, max(0, columns - CROP))
    part = (slice(top, top + CROP), slice(left, left + CROP))
    return item | {name: item[name][part].contiguous() for name in ("levels", "planes", "changed")}


def loss_of(network: History, item: Item) -> Tensor:
    """Return the binary cross-entropy over the blocks that are surely changed or surely not."""
    changed = item["changed"].float() / 255
    certain = ((changed > 1 - CERTAIN) | (changed < CERTAIN)).float()
    summed = functional.binary_cross_entropy_with_logits(
        network(item), (changed > 0.5).float(), certain, reduction="sum"
    )
    return summed / certain.sum().clamp(min=1)


@torch.no_grad()
def validated(network: History, paths: list[Path]) -> str:
    """Return the mean AUC by kind, and the share of blocks above 0 in authentic items."""
    aucs, false = defaultdict(list), []
    for path in paths:
        item, kind = read(path)
        logits, changed = network(item).numpy(), item["changed"].numpy() / 255
        certain = (changed > 1 - CERTAIN) | (changed < CERTAIN)
        if not changed.any():
            false.append(float((logits > 0).mean()))
        elif 0 < (changed[certain] > 0.5).mean() < 1:
            aucs[kind.partition(",")[0]].append(roc_auc_score(changed[certain] > 0.5, logits[certain]))
    every = [auc for kind in aucs.values() for auc in kind]
    kinds = ", ".join(f"{kind} {np.mean(values):.3f} ({len(values)})" for kind, values in sorted(aucs.items()))
    return f"AUC {np.mean(every):.3f} ({len(every)}): {kinds}; authentic blocks above 0: {np.mean(false):.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("blocks", "validation", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--start", type=Path)
    args = parser.parse_args()
    torch.manual_seed(0)
    draw = random.Random(0)
    network = History()
    if args.start is not None:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(args.start).items()})
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.rate, weight_decay=1e-3)
    validation = sorted(args.validation.glob("*.npz"))
    begun, step, seen, told, waiting = time.monotonic(), 0, 0, 1, []
    while (passed := (time.monotonic() - begun) / 60 / args.minutes) < 1:
        cosine = 0.5 * (1 + math.cos(math.pi * passed))
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1.0, (step + 1) / WARMUP) * (LAST_RATE + (1 - LAST_RATE) * cosine)
        optimiser.zero_grad()
        for _ in range(args.batch):
            if not waiting:
                waiting = sorted(args.blocks.glob("*.npz"))
                draw.shuffle(waiting)
            item, _ = read(waiting.pop())
            (loss_of(network, cropped(item, draw) if draw.random() < CROP_SHARE else item) / args.batch).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step, seen = step + 1, seen + args.batch
        if time.monotonic() - begun > told * EVERY:
            told += 1
            print(f"{seen} items: {validated(network, validation)}", flush=True)
    save_file({name: tensor.half() for name, tensor in network.state_dict().items()}, args.out)
    print(f"{seen} items: {validated(network, validation)}")


if __name__ == "__main__":
    main()
