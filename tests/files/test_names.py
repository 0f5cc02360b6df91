"""Names below a folder: what stays inside, by the operating system's own arithmetic."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.files.names import parts_of, stays_inside

PARTS = st.sampled_from(["a", "b", ".", "..", "", "...", "a b", "\udcff", "~", "-"])


@given(st.lists(PARTS, min_size=1, max_size=5).map("/".join))
def test_a_name_that_is_let_through_stays_below_its_folder(name: str) -> None:
    if stays_inside(name):
        joined = os.path.normpath(os.path.join("/case", name))  # noqa: PTH118  # the oracle works on text
        assert joined == f"/case/{name}"
        assert "/".join(parts_of(name)) == name
    else:
        with pytest.raises(ValueError, match="does not stay below"):
            parts_of(name)


@pytest.mark.parametrize("name", ["", "/", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\0b"])
def test_what_leads_outside_is_refused(name: str) -> None:
    assert not stays_inside(name)
