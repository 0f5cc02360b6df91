"""The parts of a Mesorch network, for a table of what each costs."""

from itertools import pairwise

from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES
from mesorch_cli.network.lite import OUTPUTS, EfficientNetLiteStages
from mesorch_cli.network.mesorch import Mesorch


def parts_of(network: Mesorch) -> dict[str, tuple[str, ...]]:
    """Return the parts in the order of the forward pass: each one's name, and the paths of its modules.

    A stage is named after the scale that it ends at, a decoder (with its head) after the scale whose map it makes. No
    module belongs to two parts. What is in none: the frequency views, the sum of the maps, the last resize.
    """
    parts: dict[str, tuple[str, ...]] = {"CNN, stem": ("cnn.stem", "cnn.stem_norm")}
    lite = network.cnn if isinstance(network.cnn, EfficientNetLiteStages) else None
    for name in ("fine", "trace"):
        if lite is not None and getattr(lite, name) is not None:
            parts[f"CNN, {name} stem"] = (f"cnn.{name}",)
    count = len(list(network.cnn.stages.children()))  # type: ignore[union-attr]
    ends = [-1, *(OUTPUTS if lite is not None else range(count))]
    for scale, (before, end) in zip(CNN_SCALES, pairwise(ends), strict=False):
        parts[f"CNN, to {scale}"] = tuple(f"cnn.stages.{stage}" for stage in range(before + 1, end + 1))
    parts["Transformer, patches"] = ("transformer.patch_embed",)
    for scale, stage in zip(TRANSFORMER_SCALES, range(len(network.transformer.stages)), strict=False):
        parts[f"Transformer, to {scale}"] = (f"transformer.stages.{stage}",)
    for scale in network.config.scales:
        parts[f"decoder {scale}"] = (f"decoders.{scale}", f"heads.{scale}")
    if network.gate is not None:
        parts["gate"] = ("gate",)
    there = dict(network.named_modules())
    return {name: tuple(path for path in paths if path in there) for name, paths in parts.items()}
