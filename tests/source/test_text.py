"""Bytes to text and back."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch2jax.source.text import SourceError, SourceText


@pytest.mark.parametrize(
    ("data", "newline", "encoding", "bom"),
    [
        (b"", "\n", "utf-8", False),
        (b"x = 1", "\n", "utf-8", False),
        (b"x = 1\r\ny = 2\r\n", "\r\n", "utf-8", False),
        (b"x = 1\ry = 2\r", "\r", "utf-8", False),
        (codecs.BOM_UTF8 + b"x = 1\r\n", "\r\n", "utf-8", True),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "\n", "iso-8859-1", False),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", "\n", "cp1252", False),
        ("x = 'é→'\n".encode(), "\n", "utf-8", False),
        (b"\tif x:\n\t\ty\n", "\n", "utf-8", False),
    ],
)
def test_round_trip_is_byte_for_byte(data: bytes, newline: str, encoding: str, bom: bool) -> None:
    text = SourceText.decode(data, "a.py")
    assert (text.newline, text.encoding, text.bom) == (newline, encoding, bom)
    assert "\r" not in text.text
    assert not text.text.startswith("\ufeff")
    assert text.encode(text.text) == data


def test_mixed_newlines_become_the_one_that_most_lines_have() -> None:
    text = SourceText.decode(b"a\r\nb\r\nc\n", "a.py")
    assert text.text == "a\nb\nc\n"
    assert text.encode(text.text) == b"a\r\nb\r\nc\r\n"


@pytest.mark.parametrize(
    ("data", "words", "line", "column"),
    [
        (b"x = 1\ny = '\xe9t\xe9'\n", "not utf-8 text: byte 0xe9", 2, 5),
        (b"\xff\xfex\x00", "not utf-8 text: byte 0xff", 1, 0),
        (b"# coding: nonsense\nx = 1\n", "unknown encoding", 1, 0),
        (codecs.BOM_UTF8 + b"ab\xff\n", "not utf-8 text: byte 0xff", 1, 2),
        (b"# coding: ascii\r\nx = '\xc3\xa9'\r\n", "not ascii text: byte 0xc3", 2, 5),
    ],
)
def test_bytes_that_are_no_text_are_reported_where_they_are(data: bytes, words: str, line: int, column: int) -> None:
    with pytest.raises(SourceError) as caught:
        SourceText.decode(data, "a.py")
    found = caught.value.diagnostic
    assert (found.code, found.path, found.line, found.column) == ("T2J109", "a.py", line, column)
    assert words in found.message
    assert "UTF-8" in found.hint


def test_a_character_that_the_encoding_lacks_turns_the_file_to_utf8() -> None:
    text = SourceText.decode(b"# -*- coding: latin-1 -*-\r\nx = 1\r\n", "a.py")
    data = text.encode(text.text + "y = '→'\n")
    assert data == "# -*- coding: utf-8 -*-\r\nx = 1\r\ny = '→'\r\n".encode()
    assert SourceText.decode(data, "a.py").encoding == "utf-8"


@given(st.text(alphabet="ab\n é→\t#", max_size=60), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_any_text_with_one_kind_of_newline_comes_back(text: str, newline: str, bom: bool) -> None:
    whole = ("\ufeff" if bom else "") + text.replace("\n", newline)
    found = SourceText.of(whole)
    assert found.text == text
    assert found.restore(found.text) == whole
    data = (codecs.BOM_UTF8 if bom else b"") + text.replace("\n", newline).encode()
    assert SourceText.decode(data, "a.py").encode(text) == data
