"""The grain as a witness: what it looks at, and the words for its finding."""

from mesorch_cli.inference.witnesses.block_logits import Logits, check_network, concluded
from mesorch_cli.inference.witnesses.block_statistics import can_be_measured
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.grain.network import grain_network
from mesorch_cli.inference.witnesses.grain.planes import FEWEST_SIDE, grain_planes
from mesorch_cli.inference.witnesses.witness import Map, Material, Witness, Words
from mesorch_cli.network.rules import GrainRule


def _looked_at(material: Material, rule: GrainRule) -> Logits | None:
    network = grain_network()
    check_network("grain", "grain", network.sha256, rule)
    if not can_be_measured(material.pixels, FEWEST_SIDE):
        return None
    return network.logits(grain_planes(material.pixels, material.blocks))


def _concluded(logits: Logits | None, map_: Map, rule: GrainRule) -> tuple[Finding, ...]:
    return concluded(GRAIN.name, logits, map_, rule)


GRAIN = Witness(
    name="grain",
    needs=("pixels",),
    counts_as=None,
    words=Words(
        title="Blocks whose finest detail differs",
        short="grain",
        sentence="In {share:.1%} of the photo, the finest detail differs from the rest.",
        explanation="Noise, sharpening, blur, scaling, demosaicing, compression and tone curves all leave traces in the "
        "finest detail of a photo. A small network compared the blocks of 8 x 8 pixels of this photo with each other. In "
        "the marked part they differ from the rest of the photo. A part that was added, replaced or processed does. So can "
        "a part that is out of focus, in deep shadow or over-exposed, a caption, or a frame. The map includes this.",
        drawn="blocks whose finest detail differs",
        linked="points that belong together",
    ),
    look=_looked_at,
    conclude=_concluded,
)
