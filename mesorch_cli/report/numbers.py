"""Numbers as people read them."""

DIGITS = 3


def share_text(value: float) -> str:
    """Return a share in 0..1 with three decimals; one that only rounding makes 0 or 1 is told as what it is: `> 0.999`."""
    text = f"{value:.{DIGITS}f}"
    if value < 1 and float(text) == 1.0:
        return "> 0.999"
    if value > 0 and float(text) == 0.0:
        return "< 0.001"
    return text


def in_words(value: float) -> str:
    """Return the same for the middle of a sentence: `above 0.999`."""
    return share_text(value).replace("> ", "above ").replace("< ", "below ")


def percent_text(share: float) -> str:
    """Return a share in 0..1 in per cent with one decimal; one that only rounding makes 0 is told as what it is."""
    text = f"{share:.1%}"
    return "< 0.1%" if share > 0 and text == "0.0%" else text
