"""What a report says of an explanation: one section, which page and document draw as they draw all others."""

from collections.abc import Iterator

from mesorch_cli.explanation.facts import CheckPart, Explanation, ScalePart
from mesorch_cli.explanation.scales import BRANCHES, Branch
from mesorch_cli.report.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Figures,
    Heading,
    Point,
    Points,
    Said,
    Section,
    Table,
    Text,
)
from mesorch_cli.report.explained import BRANCH_WORDS, CANNOT, ShownExplanation
from mesorch_cli.report.numbers import in_words

KEY, TITLE = "explanation", "What the network saw, and what stays"
IN_A_ROW = 4  # pictures of checks
SEES: dict[Branch, str] = {"cnn": "high", "transformer": "low"}
MEANING = (
    "Kept: share of the region's pixels above the threshold again. Within: share of the patches they then belong to that "
    "was above it before. Network alone: before copies and traces of JPEG compression are taken into account, and before "
    "edges are moved, if they are. A negative share: that branch spoke against the region."
)
NO_REGION = (
    "No connected region of the map lies above the threshold, so there is none to check or explain. The pictures below show "
    "what the network saw all the same."
)
VIEWS = (
    Figure(
        "high.png",
        "High-frequency view",
        "High frequencies, for the CNN: the input without the lowest twentieth of its spectrum",
    ),
    Figure(
        "low.png",
        "Low-frequency view",
        "Low frequencies, for the Transformer: the first twentieth of rows and columns of the spectrum. Stripes along one "
        "axis come from the split",
    ),
)
VIEWS_NOTE = (
    "As the finest scale of the photo gave them. Each tile is split and scaled by itself, and tiles blend into each other "
    "here."
)


def explanation_section(shown: ShownExplanation) -> Section:
    """Return an explanation as a section, or why there is none to show."""
    if shown.facts is None:
        return Section(
            KEY,
            TITLE,
            (Text(f"The explanation of this photo is not shown. {shown.problem or ''}".rstrip(), loud=True),),
        )
    return Section(KEY, TITLE, tuple(_blocks(shown, shown.facts)))


def _blocks(shown: ShownExplanation, facts: Explanation) -> Iterator[Block]:
    if shown.lines:
        yield _regions(shown, facts)
        yield Text(facts.survive)
        yield Text(MEANING, quiet=True)
    else:
        yield Text(NO_REGION)
    yield Figures(
        tuple(_check(check, facts) for check in facts.checks),
        IN_A_ROW,
        note="The map of each check over the photo in grey. White outline: what the usual analysis has above the "
        f"threshold, {facts.threshold:.3g}.",
    )
    yield Heading("Scales of the network")
    yield Text(_gate(facts))
    yield Text(_key_of_scales(facts), quiet=True)
    for branch in BRANCHES:
        scales = tuple(_scale(scale) for scale in facts.scales if scale.branch == branch)
        if scales:
            yield Figures(scales, 2, title=f"{BRANCH_WORDS[branch]}, from the photo and its {SEES[branch]} frequencies")
    yield Figures(VIEWS, 2, title="Frequency views", note=VIEWS_NOTE)
    yield Heading("What this cannot show")
    yield Points(tuple(Point(words=text) for text in CANNOT))


def _regions(shown: ShownExplanation, facts: Explanation) -> Table:
    survives, mean, raised = "Survives", "Mean", "What raised it above the rest of the photo"
    columns = (
        Column("No.", number=True),
        Column("in all", group=survives),
        *(Column(check.title, group=survives) for check in facts.checks),
        Column("map", number=True, group=mean),
        Column("network alone", number=True, group=mean),
        Column("logits", number=True, group=raised),
        *(Column(branch, number=True, group=raised) for branch in shown.branches),
        Column("strongest scale", group=raised),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            line.name,
            line.survived,
            *(Said(answer, shares) for answer, shares in line.checks),
            *(line.map, line.alone, line.lift, *line.branches, line.strongest),
        )
        for line in shown.lines
    ]
    return Table(columns, tuple(rows))


def _check(check: CheckPart, facts: Explanation) -> Figure:
    if check.reason is not None or check.verdict is None or check.score is None or check.above is None:
        reason = check.reason or "no reason is stated"
        return Figure("", "", f"{check.title}: not made. {reason[0].upper()}{reason[1:]}.")
    return Figure(
        f"check_{check.name}.png",
        f"Map of the check: {check.title}",
        f"{check.title}: {check.verdict.value}, score {in_words(check.score)}; {check.above:.1%} of the photo above the "
        f"threshold (usually {facts.above:.1%})",
    )


def _scale(scale: ScalePart) -> Figure:
    weight = "" if scale.gate is None else ", and its weight"
    said = [f"stride {scale.stride} px: map {scale.map.lowest:.2f} to {scale.map.highest:.2f} logits"]
    if scale.gate is not None:
        said.append(f"weight {scale.gate.mean:.2f} ({scale.gate.lowest:.2f} to {scale.gate.highest:.2f})")
    said.append(f"adds {scale.added.lowest:.2f} to {scale.added.highest:.2f}")
    return Figure(
        f"scale_{scale.name}.png",
        f"Scale {scale.name}: its map, what it added{weight}",
        "; ".join(said),
        lead=f"{scale.name},",
    )


def _gate(facts: Explanation) -> str:
    """Return what the gate does, and the share of its weights that each branch has."""
    shares = [
        f"the {BRANCH_WORDS[branch]} has {mean:.0%}" for branch, mean in facts.branches.items() if mean is not None
    ]
    told = [f"Over the photo {', '.join(shares)} of them."] if facts.gate and shares else []
    return " ".join([facts.gate_words, *told, "The logits of the network's map are the sum of what the scales add."])


def _key_of_scales(facts: Explanation) -> str:
    weight = "; the gate's weight, dark is 0, the brightest is the largest of all scales" if facts.gate else ""
    return (
        "In each picture from left to right: the scale's map, dark to bright over its own range; what it added to the logits "
        "beyond its median over the photo, the same colours for all scales (red raises by up to "
        f"{facts.added_limit:.1f}, blue lowers){weight}."
    )
