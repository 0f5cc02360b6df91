"""Names of strangers: seen, linked and quoted without harm."""

import os
import re
import subprocess
import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesorch_cli.report.names import harmless_cell, href, shell_word, visible
from tests.report.made import HOSTILE

texts = st.text(st.characters(codec=None), max_size=40)
paths = st.binary(min_size=1, max_size=40).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))


@given(texts)
@example("\u202egpj.exe\u2066\u200b\ufeff\x1b[2J\x85\u2028\ud800\udcff\U000e0041")
def test_everything_can_be_seen(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")  # what a page can hold
    assert not [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert visible(shown) == shown


def test_what_was_seen_before_stays_as_it_is() -> None:
    for text in ("photo 1.jpg", "\u05e9\u05dc\u05d5\u05dd", "\u5199\u771f \U0001f4f7", "a\\xff"):
        assert visible(text) == text
    assert visible("a\udcff\n") == "a\\xff\\n"


@given(paths)
def test_an_address_leads_back_to_the_same_bytes(path: str) -> None:
    address = href(path, "../")
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]*", address)
    assert unquote_to_bytes(address.removeprefix("../")) == os.fsencode(path)


def test_a_shell_reads_the_same_word() -> None:
    words = [
        *HOSTILE,
        "plain.jpg",
        "a b",
        "$(touch /tmp/x)`id`",
        "!history",
        "~",
        "*",
        "\x01\x7f",
        "'",
        "\\'",
        "\udc80\n",
    ]
    command = "printf '%s\\0' " + " ".join(map(shell_word, words))
    assert command.isprintable()
    out = subprocess.run(["bash", "-c", command], capture_output=True, check=True, env={"LC_ALL": "C"}).stdout
    assert out.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


@given(texts)
def test_any_text_can_be_a_word(text: str) -> None:
    assert visible(shell_word(text)) == shell_word(text)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "\uff1d1"])
def test_formulas_become_text(text: str) -> None:
    assert harmless_cell(text) == "'" + text


def test_other_text_stays() -> None:
    assert harmless_cell("a=b.jpg") == "a=b.jpg"
    assert harmless_cell("") == ""
