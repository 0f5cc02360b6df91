"""The tensors of the inference form, from those of a weights file, without PyTorch.

What `folding` and `graph` do to a network, done to its tensors: `ImageGraph` has the same names, shapes and values up
to rounding. The arithmetic is float64, rounded once at the end, so processors and threads do not matter.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.blocks import shuffled
from mesorch_cli.network.composing import Array, compose
from mesorch_cli.network.config import NetworkConfig
from mesorch_cli.network.lite_stages import NORM_EPS, STAGES

CNN = "efficientnet_lite0"
UNUSED = "num_batches_tracked"  # counted by batch norms in training
TRACE_LAYERS = (("reduce", "norm1"), ("spread", "norm2"), ("project", "norm3"))
WIDENING = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))  # the layers of a block, as they follow
NARROWING = (("conv_dw", "bn1"), ("conv_pw", "bn2"))


def folded_tensors(tensors: Mapping[str, NDArray[np.generic]], config: NetworkConfig) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of the inference form. tensors: all of a network of this configuration, float of any width.

    Raises WeightsError for another CNN than EfficientNet-Lite0 and for missing tensors.
    """
    if config.cnn != CNN:
        raise WeightsError(f"The CNN {config.cnn} is folded by PyTorch only. Expected {CNN}.")
    try:
        return _Folding(tensors, config).done()
    except KeyError as error:
        raise WeightsError(
            f"The weights do not have the tensor {error} of {config.name}. Use the file that belongs to this passport."
        ) from error


class _Folding:
    """Tensors on their way from the open form to the folded one, in float64 where something is computed."""

    def __init__(self, tensors: Mapping[str, NDArray[np.generic]], config: NetworkConfig) -> None:
        self._left = {name: tensor for name, tensor in tensors.items() if not name.endswith(UNUSED)}
        self._config = config
        self._made: dict[str, Array] = {}

    def done(self) -> dict[str, NDArray[np.float32]]:
        self._stem()
        for stage, (_, stride, expansion, _, count) in enumerate(STAGES):
            for block in range(count):
                self._block(f"cnn.stages.{stage}.{block}.", expansion > 1, stride if block == 0 else 1)
        for scale in self._config.scales:
            if f"decoders.{scale}.0.weight" in self._left:
                self._decoder(scale)
        if self._config.gate_width is not None:
            self._gate()
        values = {**self._left, **self._made}  # what is left is the same in both forms
        return {name: np.ascontiguousarray(value, np.float32) for name, value in values.items()}

    def _take(self, name: str) -> Array:
        return self._left.pop(name).astype(np.float64)

    def _norm(self, name: str) -> tuple[Array, Array]:
        """Take a batch norm in eval mode. Return its factor and its offset for each channel."""
        scale = self._take(f"{name}.weight") / np.sqrt(self._take(f"{name}.running_var") + NORM_EPS)
        return scale, self._take(f"{name}.bias") - self._take(f"{name}.running_mean") * scale

    def _layer(self, convolution: str, norm: str, *, pad: bool) -> None:
        """Move a batch norm into the convolution before it."""
        self._fold(convolution, *self._norm(norm), pad=pad)

    def _fold(self, convolution: str, scale: Array, shift: Array, *, pad: bool) -> None:
        """Move a factor and an offset into a convolution. pad: also its padding below and right ("SAME")."""
        weight = self._take(f"{convolution}.weight") * scale[:, None, None, None]
        self._made[f"{convolution}.weight"] = _padded(weight) if pad else weight
        self._made[f"{convolution}.bias"] = shift

    def _stem(self) -> None:
        scale, shift = self._norm("cnn.stem_norm")
        self._fold("cnn.stem", scale, shift, pad=True)
        if self._config.fine_width is not None:  # its output is added before the norm
            project = "cnn.fine.project.weight"
            self._made[project] = self._take(project) * scale[:, None, None, None]
        if self._config.trace_width is not None:
            for layer, norm in TRACE_LAYERS:
                self._layer(f"cnn.trace.{layer}", f"cnn.trace.{norm}", pad=layer == "reduce")

    def _block(self, prefix: str, widens: bool, stride: int) -> None:
        for layer, norm in WIDENING if widens else NARROWING:
            self._layer(prefix + layer, prefix + norm, pad=stride == 2 and layer == "conv_dw")

    def _decoder(self, scale: str) -> None:
        """Turn a chain and its head into convolutions to blocks."""
        levels: list[tuple[Array, Array]] = []
        while f"decoders.{scale}.{len(levels)}.weight" in self._left:
            name = f"decoders.{scale}.{len(levels)}"
            levels.append((self._take(f"{name}.weight"), self._take(f"{name}.bias")))
        head, constant = self._take(f"heads.{scale}.weight").reshape(-1), self._take(f"heads.{scale}.bias")
        for name, (weight, bias) in shuffled(compose(levels, head, float(constant[0]))).items():
            self._made[f"decoders.{scale}.{name}.weight"] = weight
            self._made[f"decoders.{scale}.{name}.bias"] = bias

    def _gate(self) -> None:
        """Make one convolution of the gate's three; exact at borders, as only the first pads."""
        weight, bias = self._take("gate.mix.weight"), self._take("gate.mix.bias")
        for layer in ("expand", "reduce"):
            matrix = self._take(f"gate.{layer}.weight").reshape(-1, len(bias))
            weight = np.einsum("oc,cikl->oikl", matrix, weight)
            bias = matrix @ bias + self._take(f"gate.{layer}.bias")
        self._made["gate.mix.weight"], self._made["gate.mix.bias"] = weight, bias


def _padded(weight: Array) -> Array:
    """Return a kernel with zero rows above and zero columns on the left, for a convolution that pads evenly."""
    return np.pad(weight, ((0, 0), (0, 0), (1, 0), (1, 0)))
