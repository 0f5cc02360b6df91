"""Train a network for the same steps on the same samples with each of its parts missing, for `parts_worth.py --trained`.

usage: parts_trained.py TRAINING.toml OUT --steps N [--parts NAME ...] [--precision fp32|bf16] [--decay-share .5]

Every arm begins with the training file's `initial` weights. Its part is silenced as `parts_worth.py` says and stays so: the
part's own parameters get no gradient. All arms take the same steps on the same batches, each of which is forged once. The
rate falls to zero over the last steps, and no average is kept, because a short run would remember its start. A loss on each
branch (`branch_weight`) stays as the training file has it: c1 and c2, say, still teach the CNN through it, and the losses
of arms cannot be compared. `nothing` is the arm that keeps all of its parts. OUT gets PART.safetensors and PART.jsonl, the
loss of every step. A stopped run begins anew.
"""

import argparse
import json
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from parts_worth import PARTS, silenced
from safetensors.torch import save_file

from mesorch_cli.network.config import NetworkConfig
from mesorch_cli.training.allocation import keep_freed_memory
from mesorch_cli.training.config import Schedule, TrainingConfig, read_config
from mesorch_cli.training.precision import settled
from mesorch_cli.training.trainer import Trainer

WARM_UP = 10  # steps: the optimiser's moments are new, the weights are not


def held(config: NetworkConfig, names: Iterable[str], part: str) -> dict[str, list[int] | None]:
    """Return the parameters of a silenced part, and which of their rows stay as they are. None: all of them."""
    names = list(names)
    if part == "nothing":
        return {}
    if part == "spare":  # the gate last: all of it stays, not only the Transformer's rows
        return held(config, names, "stem") | held(config, names, "transformer") | held(config, names, "gate")
    if part in ("stem", "gate"):
        prefixes = {"stem": ("cnn.fine.", "cnn.trace."), "gate": ("gate.",)}[part]
        return dict.fromkeys(name for name in names if name.startswith(prefixes))
    rows = [at for at, scale in enumerate(config.scales) if scale in PARTS[part]]
    ends = tuple(f"{kind}.{scale}." for scale in PARTS[part] for kind in ("decoders", "heads"))
    branch = {"transformer": "transformer.", "cnn": "cnn."}.get(part)
    stays: dict[str, list[int] | None] = dict.fromkeys(
        name for name in names if name.startswith(ends) or (branch and name.startswith(branch))
    )
    return stays | {f"gate.choose.{kind}": rows for kind in ("weight", "bias")}


def hold(trainer: Trainer, part: str) -> None:
    """Silence a part of a trainer's network, and keep its parameters from learning."""
    network, config = trainer.network, trainer.network.config
    assert isinstance(config, NetworkConfig)
    if part != "nothing":
        network.load_state_dict(silenced(config, network.state_dict(), part), strict=True)
    stays = held(config, dict(network.named_parameters()), part)
    for name, parameter in network.named_parameters():
        if name not in stays:
            continue
        rows = stays[name]
        if rows is None:
            parameter.requires_grad_(False)
        else:
            learns = torch.ones_like(parameter)
            learns[rows] = 0.0
            parameter.register_hook(partial(torch.mul, learns))  # type: ignore[no-untyped-call]


def arm_config(base: TrainingConfig, steps: int, decay_share: float) -> TrainingConfig:
    decay = round(steps * decay_share)
    changes = {"steps": steps, "shape": "flat", "least_rate": 0.0, "decay_steps": decay, "ema_decay": 0.0}
    changes["warmup_steps"] = min(WARM_UP, steps - decay)
    return base.model_copy(update={"schedule": Schedule.model_validate(base.schedule.model_dump() | changes)})


def train(config: TrainingConfig, out: Path, parts: Iterable[str]) -> None:
    """Train an arm without each part, side by side, and write their tensors and losses."""
    out.mkdir(parents=True, exist_ok=True)
    arms = {part: Trainer(config, out / part) for part in parts}
    for part, trainer in arms.items():
        hold(trainer, part)
    logs = {part: (out / f"{part}.jsonl").open("w") for part in arms}
    first = next(iter(arms.values()))
    for passes in first.batches():
        for part, trainer in arms.items():
            started = time.monotonic()
            loss, norm, _ = trainer.train_step(passes)
            line = {"step": trainer.step, "loss": loss, "norm": norm, "seconds": time.monotonic() - started}
            print(json.dumps(line), file=logs[part], flush=True)
    for part, trainer in arms.items():
        tensors = {name: tensor.detach().contiguous() for name, tensor in trainer.network.state_dict().items()}
        save_file(tensors, out / f"{part}.safetensors")
        logs[part].close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--parts", nargs="+", choices=["nothing", *PARTS], default=["nothing", *PARTS])
    parser.add_argument("--precision", choices=["fp32", "bf16"])
    parser.add_argument("--decay-share", type=float, default=0.5)
    args = parser.parse_args()
    config = arm_config(read_config(args.training), args.steps, args.decay_share)
    if args.precision is not None:
        config = config.model_copy(update={"precision": args.precision})
    keep_freed_memory()
    train(settled(config, args.out, torch.device("cpu")), args.out, args.parts)


if __name__ == "__main__":
    main()
