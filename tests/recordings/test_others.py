from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from pitwall.errors import LapFileError
from pitwall.recordings import files
from pitwall.recordings.recording import Options

GPX = b'<?xml version="1.0"?>\n<gpx version="1.1"><trk><trkpt lat="1" lon="2"/></trk></gpx>'
RMC = b"$GPRMC,140506.00,A,5026.2200,N,00558.1000,E,54.0,90.0,140324,,,A*6A\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.gpx", GPX, "a GPX track.*CSV"),
        ("a.csv", b"\xef\xbb\xbf" + GPX, "a GPX track.*CSV"),
        ("a.nmea", RMC * 9, "NMEA sentences.*convert it to CSV"),
        ("a.txt", RMC * 9, "NMEA sentences"),
        ("a.json", b'[{"date": "2023-09-15", "speed": 315}]', "this is JSON.*row for each time"),
        ("a.csv", b'{"speed": 315}\n{"speed": 316}\n', "this is JSON"),
        ("a.mlg", b"MLVLG\0\0\2" + bytes(90), "TunerStudio.*msl or CSV"),
        ("a.ldx", b'<?xml version="1.0"?><LDXFile Locale="x"/>', "give the .ld file beside it"),
        ("a.csv.gz", gzip.compress(b"Time,Speed\n0,1\n1,2\n"), "gzip.*unpack it first"),
        ("a.html", b"<!DOCTYPE html><html>", "a page of HTML"),
    ],
)
def test_a_known_file_without_a_reader_says_what_to_do(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LapFileError, match=f"{name}: this is .*which is not read; .*") as caught:
        files.recordings(path, Options())
    assert caught.match(says)


def test_an_excel_workbook_is_no_archive_of_recordings(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as workbook:
        workbook.writestr("[Content_Types].xml", "<a/>")
        workbook.writestr("xl/worksheets/sheet1.xml", "<a/>")
    with pytest.raises(LapFileError, match="an Excel workbook, which is not read; save it as CSV"):
        files.recordings(path, Options())
