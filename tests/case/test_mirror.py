"""Places of a case: another one for every path, whatever the file system takes for one name."""

import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.case.mirror import place_of

PARTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6)
TWISTS = (str.upper, str.lower, lambda text: unicodedata.normalize("NFD", text), lambda text: text)
PATHS = st.builds(
    lambda part, twist, deeper: "/".join([*deeper, twist(part)]),
    st.sampled_from(["a", "ä", "Straße", "x.jpg", "ﬁ"]) | PARTS,
    st.sampled_from(TWISTS),
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
)


@given(st.lists(PATHS, unique=True, max_size=8))
def test_no_two_paths_share_a_place(paths: list[str]) -> None:
    plain = [place_of(path, room=3000, folds=False) for path in paths]
    assert plain == [f"photos/{path}" for path in paths]
    folded = [place_of(path, room=3000, folds=True) for path in paths]
    assert len({unicodedata.normalize("NFC", place).casefold() for place in folded}) == len(paths)


@given(st.lists(PATHS, unique=True, max_size=8))
def test_a_long_path_has_a_short_place(paths: list[str]) -> None:
    places = {place_of(f"{'long/' * 30}{path}", room=100, folds=False) for path in paths}
    assert len(places) == len(paths)
    assert all(len(os.fsencode(place)) <= 100 for place in places)


def test_a_plain_path_keeps_its_name_where_names_fold() -> None:
    assert place_of("a/photo.jpg", room=3000, folds=True) == "photos/a/photo.jpg"
    assert place_of("A/photo.jpg", room=3000, folds=True).startswith("photos/A/photo.jpg~")
