"""The published checkpoints of Mesorch and Mesorch-P: the names of their tensors, and how to tell the two apart.

The tensor names on the left are those of the published code (Mesorch, commit ea82b02). Chains of one transposed
convolution have no index, `convnext.head.*` is a classifier that never had a gradient, and Mesorch-P files may still
contain the ConvNeXt stage that this network does not use.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesorch_cli.network.config import MESORCH, MESORCH_P, NetworkConfig
from mesorch_cli.network.family import Foreign

if TYPE_CHECKING:
    from torch import Tensor

DROPPED = {
    "convnext.head.": "classifier, never trained",
    "convnext.norm_pre.": "norm before the classifier, unused",
}
DROPPED_P = DROPPED | {"convnext.stages.3.": "fourth ConvNeXt stage, not part of Mesorch-P"}
_LICENCE = (
    "Not stated by this file. The published code is MIT; the Transformer was initialised from NVIDIA's ImageNet MiT-B3 "
    "weights, which carry non-commercial terms. Clear the licence for your use with the authors."
)
RENAMED = (
    (r"^convnext\.", "cnn."),
    (r"^segformer\.patch_embed1\.", "transformer.patch_embed."),
    (r"\.dwconv\.dwconv\.", ".dwconv."),
    (r"^upsample\.upsample([cs]2)\.", r"decoders.\1.0."),
    (r"^upsample\.upsample([cs][34])\.", r"decoders.\1."),
    (r"^gate\.conv1\.", "gate.widen."),
    (r"^gate\.invert\.0\.", "gate.norm."),
    (r"^gate\.invert\.1\.", "gate.mix."),
    (r"^gate\.invert\.2\.", "gate.expand."),
    (r"^gate\.invert\.3\.", "gate.reduce."),
    (r"^gate\.conv2\.", "gate.choose."),
)
STAGED = {"patch_embed": "downsample", "block": "blocks", "norm": "norm"}


def rename(key: str, config: NetworkConfig) -> str | None:
    """Return our name of a published tensor, None if the network does not use it."""
    return None if key.startswith(tuple(DROPPED_P if config is MESORCH_P else DROPPED)) else named_as_ours(key, config)


def named_as_ours(key: str, config: NetworkConfig) -> str:
    """Return our name of a published tensor."""
    for pattern, replacement in RENAMED:
        key = re.sub(pattern, replacement, key)
    if found := re.match(r"^segformer\.(patch_embed|block|norm)(\d)\.", key):
        key = f"transformer.stages.{int(found[2]) - 1}.{STAGED[found[1]]}.{key[found.end() :]}"
    if found := re.match(r"^inverse\.(\d)\.", key):
        index = int(found[1])
        scale = config.scales[index] if index < len(config.scales) else f"map{index}"
        key = f"heads.{scale}.{key[found.end() :]}"
    return key


def recognise(tensors: Mapping[str, "Tensor"]) -> NetworkConfig | None:
    """Recognise Mesorch (with gate) or Mesorch-P (without) by the tensors' names; None for neither."""
    if not any(key.startswith("convnext.") for key in tensors) or not any(k.startswith("segformer.") for k in tensors):
        return None
    gated = any(key.startswith("gate.") for key in tensors)
    eight_maps = any(key.startswith("inverse.7.") for key in tensors)
    return MESORCH if gated or eight_maps else MESORCH_P


PUBLISHED = Foreign(
    expected="`convnext.*` and `segformer.*`",
    recognise=recognise,
    rename=rename,
    licence=_LICENCE,
    data="CAT-Net protocol as published (Zhu et al., AAAI 2025); not verified here",
    limits=("No image score was published with this network: the pooling and its thresholds are not calibrated.",),
)
