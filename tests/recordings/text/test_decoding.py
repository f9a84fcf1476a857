from __future__ import annotations

from pathlib import Path

import pytest

from pitwall.errors import LapFileError
from pitwall.recordings.text import decoding

TEXT = "Zeit;Temperatur °C\n" + "".join(f"{row};2{row}\n" for row in range(5000))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings_are_found_and_pieces_make_the_text(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    found = decoding.encoding(path.read_bytes()[: decoding.HEAD])
    assert found == encoding
    pieces = list(decoding.pieces(path, found, size=1000))
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert b"".join(pieces).decode() == TEXT


def test_other_letters_are_left_to_charset_normalizer() -> None:
    text = "Время;Скорость автомобиля;Температура масла\n0;100;80\n" * 20
    assert text.encode("cp1251").decode(decoding.encoding(text.encode("cp1251"))) == text


def test_every_line_end_becomes_a_line_feed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for end in (b"\n", b"\r\n", b"\r"):
        path.write_bytes(end.join([b"a,b", b"1,2", b"3,4"]))
        assert b"".join(decoding.pieces(path, "utf-8", size=5)) == b"a,b\n1,2\n3,4\n"


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1" * (2 * decoding.LONGEST_LINE))
    with pytest.raises(LapFileError, match="a line is longer than"):
        list(decoding.pieces(path, "utf-8", size=1 << 20))


def test_bytes_that_are_no_text() -> None:
    assert not decoding.is_text(b"")
    assert not decoding.is_text(bytes(range(32)) * 40)
    assert decoding.is_text("Zeit\n".encode("utf-16-le"))
