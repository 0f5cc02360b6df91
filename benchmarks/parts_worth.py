"""What the parts of a network are worth: each is silenced in turn, and the network is measured without it.

usage: parts_worth.py SET OUT [--weights mesorch-s] [--parts NAME ...] [--trained FOLDER] [--scales default] [--limit N]
                      [--witnesses]

SET is one as `mesorch evaluate` takes it. OUT keeps the row of every photo, so that a stopped run continues. Nothing is
trained again: a silenced part is missing from a network that learnt to use it. A loss is thus an upper bound of what the part
is worth, and no loss means that it is worth nothing. With --trained, the tensors are those that `parts_trained.py` wrote to
FOLDER: all arms, the whole one too, were trained for the same steps without their part. Silenced are:

    stem         the stem beside the CNN's own (`fine` or `trace`): its output is 0
    c1+c2        the maps of these scales; the gate's weights of the others are scaled up so that they sum to 1 again
    c3+c4        likewise
    transformer  likewise all of its maps
    cnn          likewise all of the CNN's maps
    gate         every map has the same weight everywhere
    spare        stem, gate and transformer together

Unless --witnesses is given, only the network is measured, without the searches beside it (copies, double quantisation,
compression history, grain).
Differences are silenced less whole, paired, with 95 % intervals by bootstrap over photos. F1 is at the passport's
threshold, and at the one that is best for all photos of the set.
"""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from mesorch_cli.evaluation.comparison import Difference, compare
from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evaluation.entrants import NetworkEntrant
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.study import Study
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.loading import TorchWeights
from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.inference.witnesses.registry import WITNESSES
from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES, NetworkConfig
from mesorch_cli.network.store import read_weights
from mesorch_cli.network.weights import LoadedWeights, build_from, load_weights, tensors_digest

PARTS: Mapping[str, tuple[str, ...]] = {
    "stem": (),
    "c1+c2": ("c1", "c2"),
    "c3+c4": ("c3", "c4"),
    "transformer": TRANSFORMER_SCALES,
    "cnn": CNN_SCALES,
    "gate": (),
    "spare": (),
}
SPARE = ("stem", "gate", "transformer")
SHUT = -1e4  # before the gate's softmax: exp(-10,000) is 0 in float32
SHOWN = ("auc", "f1", "f1_best")


def silenced(config: NetworkConfig, tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of a network without a part. Raises SystemExit where the network has no such part."""
    changed = {name: tensor.clone() for name, tensor in tensors.items()}
    if part == "spare":
        for one in SPARE:
            changed = silenced(config, changed, one)
        return changed
    if part == "stem":
        ends = [f"cnn.fine.project.{kind}" for kind in ("weight", "bias")]
        ends += [f"cnn.trace.norm3.{kind}" for kind in ("weight", "bias")]
        found = [name for name in ends if name in changed]
        if not found:
            raise SystemExit(f"{config.name} has no stem beside the CNN's own.")
        for name in found:
            changed[name].zero_()
        return changed
    if config.gate_width is None:
        raise SystemExit(f"{config.name} has no gate, so {part} cannot be taken out of it.")
    if part == "gate":
        changed["gate.choose.weight"].zero_()
        changed["gate.choose.bias"].zero_()
        return changed
    shut = [at for at, scale in enumerate(config.scales) if scale in PARTS[part]]
    if not shut or len(shut) == len(config.scales):
        raise SystemExit(f"{config.name} has the scales {', '.join(config.scales)}: {part} leaves all or none of them.")
    changed["gate.choose.weight"][shut] = 0.0
    changed["gate.choose.bias"][shut] = SHUT
    return changed


def without(whole: LoadedWeights, part: str, trained: Path | None) -> LoadedWeights:
    """Return weights without a part, or with all of them (`nothing`). trained: the folder of arms, if they are meant."""
    config = whole.network.config
    assert isinstance(config, NetworkConfig)
    if trained is not None:
        tensors = load_file(trained / f"{part}.safetensors")
    elif part == "nothing":
        return whole
    else:
        tensors = silenced(config, whole.network.state_dict(), part)
    network = build_from(whole.passport, tensors, str(whole.path))
    return replace(whole, sha256=tensors_digest(tensors), network=network)


def row(title: str, differences: Iterable[Difference]) -> str:
    cells = [title]
    for name in SHOWN:
        one = next((found for found in differences if found.figure == name), None)
        cells.append("" if one is None else f"{one.first:.3f}")
        cells.append("" if one is None else f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--trained", type=Path, metavar="FOLDER")
    parser.add_argument("--scales")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--witnesses", action="store_true")
    args = parser.parse_args()
    whole = load_weights(read_weights(args.weights))
    looking = dict.fromkeys((witness.name for witness in WITNESSES), None if args.witnesses else False)
    overrides = Overrides(scales=args.scales, edges=None if args.witnesses else False, **looking)
    settings = Settings.from_passport(whole.passport, overrides)
    dataset = read_dataset(args.set)
    if args.limit is not None:
        dataset = replace(dataset, samples=dataset.tampered[: args.limit] + dataset.authentic[: args.limit])
    print(f"{whole.passport.name} {whole.passport.version}, {whole.sha256[:8]}; {dataset.name}: ", end="")
    print(f"{len(dataset.tampered)} tampered, {len(dataset.authentic)} authentic photos; ", end="")
    print(f"{','.join(scale.name for scale in settings.scales)}; torch {torch.__version__}\n")
    print("| without | pixel AUC | less the whole | F1 | less the whole | F1 at its best threshold | less the whole |")
    print("|---|---|---|---|---|---|---|", flush=True)
    protocol = Protocol("native")
    first = None
    for part in ("nothing", *args.parts):
        weights = without(whole, part, args.trained)
        entrant = NetworkEntrant(part, weights.sha256, Detector.of(Analysis(TorchWeights(weights), settings), "cpu"))
        (result,) = Study([entrant], [dataset], protocol, folder=args.out).run(Processes())
        first = first or result
        print(
            row(part, compare(result.outcomes, first.outcomes, protocol, (result.evidence_at, first.evidence_at))),
            flush=True,
        )


if __name__ == "__main__":
    main()
