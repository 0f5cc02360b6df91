"""What each part of mesorch-s is worth: the same short training without it, and the same weights at one level only.

usage: ablation.py CONFIG.toml CNN.pth VALIDATION OUT [--steps 250] [--side 256] [--forms "no gate" ...]

CONFIG names the photos (configs/mesorch-s/8-longer.toml), CNN.pth is the ImageNet start of the CNN branch, VALIDATION a
folder with Tp, Gt and Au (configs/mesorch-s/make_validation.py). Every form gets the same samples in the same order, the same
number of steps and the same schedule; only the network differs:

  whole network         as shipped, every scale, gate, both views
  no frequency split    both branches and the gate see RGB where they would see the view: as many parameters
  no gate               plain sum of the maps
  CNN only, Transformer only   maps of one branch; the gate still sees every view

Trainings this short say which parts pay early, not what they would be worth in the end. Each form runs in OUT/FORM and goes
on where it was stopped. A line is printed as soon as a form is done.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from torch import Tensor

from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.study import Entrant, Study
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings, parse_levels
from mesorch_cli.network import frequency
from mesorch_cli.network.config import CNN_SCALES, CONFIGS, MESORCH_S, TRANSFORMER_SCALES
from mesorch_cli.network.weights import load_weights
from mesorch_cli.training.config import TrainingConfig, read_config
from mesorch_cli.training.runtime import open_runtime
from mesorch_cli.training.trainer import Trainer

WHOLE = "whole network"
FORMS = {
    WHOLE: MESORCH_S,
    "no frequency split": MESORCH_S,
    "no gate": replace(MESORCH_S, gate_width=None),
    "CNN only": replace(MESORCH_S, scales=CNN_SCALES),
    "Transformer only": replace(MESORCH_S, scales=TRANSFORMER_SCALES),
}
LEVELS = ("whole,native", "whole", "native")


def no_split(image: Tensor) -> tuple[Tensor, Tensor]:
    """Stand in for the frequency split: RGB twice."""
    return image, image


def short(config: TrainingConfig, cnn: Path, validation: Path, steps: int, side: int) -> TrainingConfig:
    """Return the training file for one form: from the CNN's ImageNet start, one validation at the end."""
    data = config.data.model_copy(
        update={"validation_photos": (), "validation_objects": (), "validation_sets": (validation,)}
    )
    schedule = config.schedule.model_copy(
        update={"steps": steps, "warmup_steps": steps // 10, "decay_steps": steps // 3, "ema_decay": 0.97}
    )
    changes = {"data": data, "schedule": schedule, "side": side, "initial": None, "pretrained_cnn": cnn}
    return config.model_copy(update=changes | {"validate_every": 10 * steps, "checkpoint_every": 25})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("cnn", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(FORMS))
    args = parser.parse_args()
    config = short(read_config(args.config), args.cnn, args.validation, args.steps, args.side)
    print("| form | levels | pixel AUC | 95 % | F1 at the set's best threshold | 95 % |\n|---|---|---|---|---|---|")
    for form in args.forms:
        folder = args.out / form.replace(" ", "-")
        views = no_split if form == "no frequency split" else frequency.split
        with patch.dict(CONFIGS, {"mesorch-s": FORMS[form]}), patch.object(frequency, "split", views):
            measure(config, folder, form)


def measure(config: TrainingConfig, folder: Path, form: str) -> None:
    """Train one form to the end and print what its weights are worth, the whole network's at single levels too."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, folder, open_runtime("cpu", None, config.precision))
    trainer.run()
    weights = load_weights(folder / "best.safetensors")
    for levels in LEVELS if form == WHOLE else LEVELS[:1]:
        settings = replace(Settings.from_passport(weights.passport), levels=parse_levels(levels, ()), copies=None)
        detector = Detector(TorchBackend(weights.network, "cpu"), settings)
        dataset = read_dataset(config.data.validation_sets[0])
        study = Study([Entrant(form, weights.sha256, detector)], [dataset], Protocol("native"))
        figures = study.run(Processes(0, 1))[0].summary.figures
        cells = [
            f"{figures[key].value:.3f} | {figures[key].low:.3f} .. {figures[key].high:.3f}"
            for key in ("auc", "f1_best")
        ]
        print(f"| {form} | {levels} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
