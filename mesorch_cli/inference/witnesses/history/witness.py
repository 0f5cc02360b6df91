"""The compression history as a witness: what it looks at, and the words for its finding."""

from mesorch_cli.inference.witnesses.block_logits import Logits, check_network, concluded
from mesorch_cli.inference.witnesses.block_statistics import can_be_measured
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.history.network import history_network
from mesorch_cli.inference.witnesses.history.traces import FEWEST_SIDE, traces
from mesorch_cli.inference.witnesses.witness import Map, Material, Witness, Words
from mesorch_cli.network.rules import HistoryRule


def _looked_at(material: Material, rule: HistoryRule) -> Logits | None:
    assert material.steps is not None  # the witness needs them
    network = history_network()
    check_network("compression history", "history", network.sha256, rule)
    if not can_be_measured(material.pixels, FEWEST_SIDE):
        return None
    return network.logits(traces(material.pixels, material.steps, material.blocks))


def _concluded(logits: Logits | None, map_: Map, rule: HistoryRule) -> tuple[Finding, ...]:
    return concluded(HISTORY.name, logits, map_, rule)


HISTORY = Witness(
    name="history",
    needs=("pixels", "steps"),
    counts_as=None,
    words=Words(
        title="Blocks of the JPEG that were compressed differently",
        short="history",
        sentence="In {share:.1%} of the photo, the compression differs from the rest.",
        explanation="A JPEG is compressed in blocks of 8 x 8 pixels. A small network compared the blocks of this file "
        "with each other: how their coefficients are distributed, whether they show a second grid, and how much noise "
        "they hold. In the marked part they differ from the rest of the photo. A part that was added, replaced or edited "
        "does. So can a part that is out of focus, over-exposed or without detail, a caption, or a frame. The map "
        "includes this.",
        drawn="blocks that were compressed differently",
        linked="points that belong together",
    ),
    look=_looked_at,
    conclude=_concluded,
)
