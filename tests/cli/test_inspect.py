"""`inspect` says how a file will be read; the other commands print the same in two lines."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paths import ROOT

from pitwall.cli.inspect import plot
from pitwall.cli.main import main
from pitwall.cli.reading import lap_time, options_of, read_recordings, summary
from pitwall.errors import UsageError
from pitwall.recordings.recording import Line, Options

KEYS = (
    "file format encoding session start start_source vehicle rate_hz rows ticks left_out "
    "channels laps doubts error"
).split()
CHANNEL_KEYS = "source unit channel canonical_unit factor rate_hz note".split()
LAP_KEYS = "number start_s duration_s whole told_by".split()


@pytest.fixture
def outing(tmp_path: Path) -> Path:
    """Two laps of 1,000 m in 20 s each, at 180 km/h, with one row twice."""
    rows = [f"{i / 10:.1f},50,{i * 5 % 1000},{i}" for i in range(450)]
    path = tmp_path / "20260304-140506.csv"
    path.write_text("\n".join(["TIME,SPEED,LAPDISTANCE,Own", "s,m/s,m,", *rows, rows[-1]]) + "\n")
    return path


def run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setenv("PITWALL_REPOSITORY", str(ROOT))
    monkeypatch.setattr(sys, "argv", ["pitwall", *arguments])
    monkeypatch.setattr("pitwall.cli.main.reserve_stdout", lambda: None)
    with pytest.raises(SystemExit) as end:
        main()
    out = capfd.readouterr()
    return int(end.value.code or 0), out.out, out.err


def test_the_report_has_exactly_its_keys(
    outing: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = run(capfd, monkeypatch, "inspect", "--json", str(outing))
    report = json.loads(out)
    assert status == 0 and list(report) == KEYS
    assert report["session"] == "20260304-140506-replay"
    assert (report["start"], report["start_source"]) == ("2026-03-04T14:05:06.000Z", "name")
    assert (report["rows"], report["ticks"], report["rate_hz"]) == (451, 450, 10.0)
    assert sum(report["left_out"].values()) == 1
    assert all(list(channel) == CHANNEL_KEYS for channel in report["channels"])
    speed: dict[str, Any] = next(c for c in report["channels"] if c["source"] == "SPEED")
    assert (speed["channel"], speed["canonical_unit"], speed["factor"]) == ("Speed", "km/h", 3.6)
    own: dict[str, Any] = next(c for c in report["channels"] if c["source"] == "Own")
    assert (own["channel"], own["canonical_unit"], own["factor"]) == ("Own", None, None)
    assert own["note"]
    assert all(list(lap) == LAP_KEYS for lap in report["laps"])
    whole = [lap for lap in report["laps"] if lap["whole"]]
    assert [lap["duration_s"] for lap in whole] == pytest.approx([20.0, 20.0])
    assert report["error"] is None and report["doubts"]


def test_each_file_is_one_line_and_a_refused_one_ends_with_1(
    outing: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("hello\n")
    status, out, _ = run(
        capfd, monkeypatch, "inspect", "--json", str(bad), str(outing), str(tmp_path / "none.csv")
    )
    missing, refused, good = sorted(
        map(json.loads, out.splitlines()), key=lambda report: str(report["file"]), reverse=True
    )[::1]
    assert status == 1
    assert all(list(report) == KEYS for report in (missing, refused, good))
    assert "no such file" in missing["error"]
    assert str(bad) in refused["error"]
    assert good["error"] is None


def test_people_see_a_table_laps_and_the_speed(
    outing: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = run(
        capfd, monkeypatch, "inspect", str(outing), "--vehicle", "Kart [1]", "--start", "2026-01-01"
    )
    assert status == 0
    assert "vehicle   Kart [1]" in out and "start     2026-01-01T00:00:00.000Z" in out
    assert "LAPDISTANCE" in out and "20.000 s" in out and "180 km/h" in out and "█" in out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"start": "yesterday"}, "--start is 'yesterday'.*ISO 8601"),
        ({"time_unit": "h"}, "--time-unit is 'h'.*s, ms, us, ns"),
        ({"rate_hz": 0.0}, "--rate-hz is 0"),
        ({"resample": float("nan")}, "--resample is nan"),
        ({"lap_length": -4.0}, "--lap-length is -4"),
        ({"line": "1,2"}, "--line is '1,2'"),
        ({"line": "91,2,3"}, "--line is '91,2,3'"),
        ({"session": ""}, "--session is ''"),
        ({"dbc": Path("/none.dbc")}, "--dbc is '/none.dbc'"),
    ],
)
def test_an_option_of_a_wrong_value_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        options_of(**given)


def test_options_become_facts() -> None:
    assert options_of(
        start="2026-03-04T15:05:06+01:00", line="0.5,-30.5,210", day_first=False, lap_length=2000
    ) == Options(
        start=datetime(2026, 3, 4, 14, 5, 6, tzinfo=UTC),
        line=Line(0.5, -30.5, 210),
        day_first=False,
        lap_length_m=2000,
    )
    assert options_of(line="closed-path") == Options(find_line=True)


def test_the_summary_has_two_lines(outing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITWALL_REPOSITORY", str(ROOT))
    first, second = summary(read_recordings([outing], Options(vehicle="Kart"))).splitlines()
    assert "20260304-140506-replay of Kart (csv): 450 ticks, 3 known channels and 1 others" in first
    assert second.startswith("2 whole laps of 3, the best 20.000 s; 1 rows left out (")


def test_what_is_refused_is_refused_before_kafka_is_asked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITWALL_KAFKA_SERVERS", "127.0.0.1:1")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "stint1.csv").write_text("TIME,SPEED\n0,1\n1,2\n")
    for command in ("replay", "backfill"):
        status, _, error = run(capfd, monkeypatch, command, str(tmp_path))
        assert status == 1 and "both become session" in error
        status, out, error = run(capfd, monkeypatch, command, str(tmp_path / "a"))
        assert status == 1 and "Kafka at 127.0.0.1:1 does not answer" in error
        assert out.splitlines()[0].endswith("start not told by 1 (--start)")


def test_a_plot_shows_where_it_is_high() -> None:
    lines = plot(np.arange(100).tolist(), np.r_[np.zeros(50), np.full(50, 90.0)].tolist(), "km/h")
    assert len(lines) == 5
    assert lines[0].startswith(" " * 30) and "█ 90 km/h" in lines[0]
    assert plot([0.0], [1.0], "") == [] and plot([0.0, 1.0], [0.0, 0.0], "") == []


def test_lap_times_are_written_as_people_do() -> None:
    assert [lap_time(t) for t in (39.2, 80.0, 59.9996, 612.3456)] == [
        "39.200 s",
        "1:20.000",
        "1:00.000",
        "10:12.346",
    ]
