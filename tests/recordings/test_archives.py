from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from ld_file import LdChannel, write_ld, write_ldx
from mutations import mutations

from pitwall.errors import LapFileError
from pitwall.recordings import archives
from pitwall.recordings.readers import motec_ld
from pitwall.recordings.recording import Options, Recording

SPEED = LdChannel("Speed", "km/h", 10, [1.0, 2.0])


def read_folder(folder: Path, options: Options) -> Sequence[Recording]:
    files = sorted(folder.rglob("*.ld"))
    return [recording for file in files for recording in motec_ld.read(file, options)]


def pack(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_members_are_read_in_their_folders(tmp_path: Path) -> None:
    lap = write_ld(tmp_path / "x.ld", [SPEED]).read_bytes()
    beacons = write_ldx(tmp_path / "x.ldx", [1.5]).read_bytes()
    members = {
        "run 1/a.ld": lap,
        "run 1/a.ldx": beacons,
        "run 2\\b.ld": lap,
        "__MACOSX/run 1/._a.ld": b"nothing",
        ".hidden.ld": b"nothing",
        "README.txt": b"hello",
    }
    path = pack(tmp_path / "day.zip", members)
    assert archives.recognises(path, path.read_bytes())
    first, second = archives.read(path, Options(), read_folder)
    assert (first.path, second.path) == (path / "run 1" / "a.ld", path / "run 2" / "b.ld")
    assert (first.beacons_s, second.beacons_s) == ((1.5,), ())
    assert second.columns[0].values.tolist() == [1.0, 2.0]


def test_a_fault_of_a_member_names_archive_and_member(tmp_path: Path) -> None:
    path = pack(tmp_path / "day.zip", {"run/a.ld": b"short"})
    with pytest.raises(LapFileError) as caught:
        archives.read(path, Options(), read_folder)
    assert str(caught.value).startswith(f"{path}/run/a.ld: MoTeC .ld file of 5 bytes")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 20)
    path = pack(tmp_path / "bomb.zip", {"a.ld": bytes(8 << 20)})
    with pytest.raises(LapFileError, match="unpacks to more than 1048576 bytes"):
        archives.read(path, Options(), read_folder)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    path = pack(tmp_path / "many.zip", {f"{n}.ld": b"" for n in range(4)})
    with pytest.raises(LapFileError, match="4 files, at most 3"):
        archives.read(path, Options(), read_folder)


@pytest.mark.parametrize("name", ["../a.ld", "/../../a.ld", "c:/a.ld", "a/../../b.ld"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "day.zip", {name: b"x"})
    with pytest.raises(LapFileError, match="no name of a file in it"):
        archives.read(path, Options(), read_folder)


def test_an_encrypted_archive_says_what_to_do(tmp_path: Path) -> None:
    path = pack(tmp_path / "day.zip", {"a.ld": b"secret"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(LapFileError, match=r"encrypted.*unpack it first"):
        archives.read(path, Options(), read_folder)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damage_gives_a_reading_or_one_error(tmp_path: Path, packing: int) -> None:
    lap = write_ld(tmp_path / "x.ld", [SPEED]).read_bytes()
    good = pack(tmp_path / "day.zip", {"a.ld": lap, "b/c.ld": lap}, packing).read_bytes()
    path = tmp_path / "bad.zip"
    for damaged in mutations(good, 150, seed=22):
        path.write_bytes(damaged)
        try:
            archives.read(path, Options(), read_folder)
        except LapFileError as error:
            assert "\n" not in str(error)
