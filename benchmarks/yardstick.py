"""The published networks as their plain description has them, to measure against: the same tensors, none of the savings.

Open form (no convolution folded), dense DCT matrices, attention with its matrix written out, default memory layout. This is a
restatement of the description in `docs/network.md`, not the published code, which needs packages of its own. A Transformer on
a smaller input was never published, and is taken as the network has it.
"""

import copy

import torch
from torch import Tensor, nn

from mesorch_cli.network import frequency
from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.training.timm_start import timm_transformer


class PlainTransformer(nn.Module):
    """timm's Transformer with the tensors of a network's branch, tokens brought to images and back by transposing."""

    def __init__(self, network: Mesorch) -> None:
        super().__init__()
        self.network = timm_transformer(network.config.transformer, 6)
        own = network.transformer.patch_embed.proj
        embedding = self.network.get_submodule("patch_embed")
        embedding.proj = copy.deepcopy(own)
        self.network.load_state_dict(network.transformer.state_dict(), strict=True)
        for module in self.network.modules():
            if hasattr(module, "fused_attn"):
                setattr(module, "fused_attn", False)  # noqa: B010 - timm declares it on some modules alone

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.network.get_submodule("patch_embed")(image)
        outputs = []
        for stage in self.network.get_submodule("stages").children():
            x = stage(x)
            outputs.append(x)
        return outputs


class Yardstick(nn.Module):
    """A network with nothing saved; takes and gives what the network takes and gives."""

    def __init__(self, network: Mesorch) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        published = network.config.transformer_shrink == 1
        self.transformer = (PlainTransformer(network) if published else copy.deepcopy(network.transformer)).eval()
        self.matrices: dict[int, Tensor] = {}

    def _dct(self, size: int) -> Tensor:
        if size not in self.matrices:
            self.matrices[size] = frequency.dct_rows(size, size, torch.device("cpu"))
        return self.matrices[size]

    def _split(self, image: Tensor) -> tuple[Tensor, Tensor]:
        rows, columns = self._dct(image.shape[2]), self._dct(image.shape[3])
        spectrum = rows @ image @ columns.T
        high, low = spectrum.clone(), spectrum.clone()
        height, width = image.shape[2:]
        high[:, :, : int(0.05 * height), : int(0.05 * width)] = 0
        low[:, :, height - int(0.95 * height) :, width - int(0.95 * width) :] = 0
        planes = [rows.T @ plane @ columns for plane in (high, low)]
        return frequency.rescale(planes[0]), frequency.rescale(planes[1])

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        with torch.autocast("cpu", enabled=False):
            high, low = self._split(image.float())
        features = dict(zip(CNN_SCALES, network.cnn(torch.cat([image, high], dim=1)), strict=False))
        features |= zip(TRANSFORMER_SCALES, self.transformer(torch.cat([image, low], dim=1)), strict=False)
        maps = []
        for scale in network.config.scales:
            x = features[scale]
            maps.append(network.heads[scale](network.decoders[scale](x) if scale in network.decoders else x))
        fused = torch.cat(maps, dim=1).float()
        if network.gate is not None:
            fused = fused * network.gate(torch.cat([image, high, low], dim=1))
        fused = fused.sum(dim=1, keepdim=True)
        return nn.functional.interpolate(fused, size=image.shape[-2:], mode="bilinear", align_corners=True)
