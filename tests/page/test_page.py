"""The live page's parts that need no server."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any

import numpy as np
import pytest

from pitwall.features import load
from pitwall.page.data import compare
from pitwall.page.data.alarms import Alarms, Limit
from pitwall.page.data.corners import Corner, Part, corners_of, corners_to_name, parts_of
from pitwall.page.data.forecast import verdicts
from pitwall.page.data.laps import best_times, laps_of
from pitwall.page.data.moment import Moment
from pitwall.page.data.reference import Reference, deltas, pace_ratio
from pitwall.page.data.rows import Rows, columns_of
from pitwall.page.data.session import LivePrediction, LiveSession
from pitwall.page.data.stored_laps import StoredLap
from pitwall.page.data.text import Cell
from pitwall.page.data.trail import INDEX, TRAIL
from pitwall.page.web import theme
from pitwall.page.web.login import COOKIE, Login
from pitwall.page.web.stream import frame
from pitwall.page.web.tables import table_html
from pitwall.settings import Settings

HOSTILE = "<img src=x onerror=alert(1)>\"'&"


def test_rows_keep_the_newest_and_say_what_is_gone() -> None:
    rows = Rows(1, keep=3)
    for value in range(10):
        rows.append(np.array([float(value)]))
    first, block = rows.since(0)
    assert block[:, 0].tolist() == list(range(first, 10)) and 3 <= len(block) <= 6
    assert rows.since(8)[1][:, 0].tolist() == [8, 9]
    assert len(rows.since(10)[1]) == 0


def test_a_frame_reads_back() -> None:
    block = np.array([[1.0, np.nan], [2.0, 3.5]])
    packed = frame({"kind": "rows", "names": ["ü"]}, block)
    length = int.from_bytes(packed[:4], "little")
    assert (4 + length) % 8 == 0
    assert np.array_equal(
        np.frombuffer(packed, "<f8", offset=4 + length).reshape(2, 2), block, equal_nan=True
    )


def test_columns_that_a_view_does_not_have_are_nan() -> None:
    found = columns_of(("a", "b"), np.array([[1.0, 2.0]]), ("b", "c"))
    assert found[0, 0] == 2 and np.isnan(found[0, 1])


def trail(laps: list[tuple[int, float]], hz: int = 10) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Laps of 1000 m at even speed, given (number, seconds): the last one is under way."""
    out, clock, last, best = [], 0.0, np.nan, np.nan
    for number, seconds in laps:
        for tick in range(int(seconds * hz)):
            row = np.full(len(TRAIL), np.nan)
            elapsed = tick / hz
            row[
                [
                    INDEX[n]
                    for n in (
                        "session_time",
                        "lap_number",
                        "lap_time",
                        "lap_from_start",
                        "lap_distance",
                    )
                ]
            ] = (clock + elapsed, number, elapsed, 1, 1000 * elapsed / seconds)
            row[INDEX["lap_last_time"]], row[INDEX["lap_best_time"]], row[INDEX["out_of_range"]] = (
                last,
                best,
                0,
            )
            row[INDEX["lap_delta_to_best"]] = elapsed - best * elapsed / seconds
            row[[INDEX[f"last_sector_{n}"] for n in (1, 2, 3)]] = last / 3
            out.append(row)
        clock, last, best = clock + seconds, seconds, np.fmin(best, seconds)
    return np.array(out)


def test_laps_best_and_theoretical() -> None:
    found = laps_of(trail([(1, 20), (2, 18), (3, 19), (4, 5)]))
    assert [lap.number for lap in found] == [1, 2, 3, 4]
    assert [lap.time_s for lap in found[:3]] == [20, 18, 19] and np.isnan(found[3].time_s)
    assert [lap.valid for lap in found] == [True, True, True, False]
    best, sectors = best_times(found)
    assert best == 18 and sectors == [6, 6, 6]


def test_a_lap_with_a_channel_out_of_range_is_not_valid() -> None:
    made = trail([(1, 20), (2, 5)])
    made[50, INDEX["out_of_range"]] = 0.9
    (lap, _) = laps_of(made)
    assert lap.whole and not lap.valid


def test_pace_ratio_of_even_laps_is_the_lap_time_and_the_verdict_says_so() -> None:
    made = trail([(1, 20), (2, 18), (3, 5)])
    plain = pace_ratio(made)[laps_of(made)[1].first_row + 20 : laps_of(made)[1].last_row]
    assert np.allclose(plain, 18)
    predictions = [LivePrediction(20 + t, 18.5, 17.9, 19.0, 1) for t in range(1, 18)]
    second = next(v for v in verdicts(made, laps_of(made), predictions) if v.lap == 2)
    assert second.predicted_s == 18.5 and second.truth_s == 18 and second.in_interval is True
    assert second.baseline_s == pytest.approx(18, abs=0.01)


def test_the_verdict_is_a_sentence_also_without_a_pace_ratio() -> None:
    session = LiveSession("car", "s", "car_state", ("session_time",))
    session.predictions["lap_time"] = deque(
        LivePrediction(t, 20.5, 19.9, 21.0, 1) for t in range(1, 18)
    )
    sentence = Moment(session, trail([(1, 20), (2, 5)])).verdict_text.replace("\u00a0", " ")
    assert sentence == (
        "Lap 1 took 20.000 s. At half distance the model was off by +0.50 s (inside its interval)."
    )


def test_a_first_lap_is_compared_with_a_stored_one_of_the_same_road() -> None:
    """Even laps of 1000 m along x; the stored one took 20 s."""
    made = trail([(1, 25)])
    made[:, INDEX["position_x"]], made[:, INDEX["position_z"]] = made[:, INDEX["lap_distance"]], 0.0
    metres = np.arange(0, 1001, 10.0)
    stored = Reference("stored", metres, metres / 50, metres, np.zeros_like(metres), 20.0)
    assert stored.fits(made) and not stored.fits(made[:40])
    assert not Reference("elsewhere", metres, metres / 50, metres, metres, 20.0).fits(made)
    assert np.allclose(deltas(made, stored), made[:, INDEX["lap_time"]] * 0.2)
    assert np.isnan(pace_ratio(made)).all() and np.allclose(pace_ratio(made, stored)[30:], 25)


def lap(seconds: float, slow: float = 0.0) -> compare.LapData:
    """A round kilometre with one bend from 400 to 600 m, in which `slow` seconds are lost."""
    distance = np.arange(0, 1001, 2.0)
    time = distance / 1000 * seconds + slow * np.clip((distance - 400) / 200, 0, 1)
    bend = (distance >= 400) & (distance <= 600)
    columns = {
        "speed": np.where(bend, 100 - slow, 200),
        "acceleration_lat": np.where(bend, 2.0, 0.0),
    }
    return compare.LapData(
        StoredLap("car", "s", "car_state", 1, 0, time[-1], time[-1]), time, distance, columns
    )


def test_a_corner_is_found_and_time_lost_there_is_told() -> None:
    laps = [lap(20), lap(20, slow=0.5)]
    (corner,) = corners_of(laps[0])
    assert 370 <= corner.begin_m <= 430 and 570 <= corner.end_m <= 630
    (part,) = parts_of(laps, [corner])
    assert part.lost_s == (0, pytest.approx(0.5)) and part.slowest_kph[1] == 99.5
    for by in ("distance", "time"):
        over = compare.overlay(laps, ["speed"], by)
        assert over.delta_s.shape == over.columns["speed"].shape == (2, len(over.grid))
        assert np.nanmax(np.abs(over.delta_s[0])) < 1e-9
    over = compare.overlay(laps, ["speed"], "distance")
    assert over.delta_s[1][-1] == pytest.approx(0.5)


def test_the_delta_at_the_line_is_the_difference_of_the_lap_times() -> None:
    """Though the second lap's wheels rolled 1 % further, and its last sample lies
    before the line.
    """
    first, second = lap(20), lap(20, slow=0.5)
    wide = compare.LapData(
        second.lap,
        second.time_s[:-7],
        second.distance_m[:-7] * 1.01,
        {n: c[:-7] for n, c in second.columns.items()},
    )
    laps = compare.aligned([first, wide])
    over = compare.overlay(laps, ["speed"], "distance")
    assert over.delta_s[1][-1] == pytest.approx(0.5) and np.allclose(
        over.delta_s[1][over.grid < 400], 0
    )
    (part,) = parts_of(laps, corners_of(first))
    assert part.lost_s[1] == pytest.approx(0.5)
    other_road = compare.LapData(second.lap, second.time_s, second.distance_m * 1.5, second.columns)
    assert other_road.stretched_to(first) is other_road


def test_corners_are_named_where_there_is_room_and_time_is_lost() -> None:
    found = [Corner(n, 100 * n - 10, 100 * n, 100 * n + 10) for n in range(1, 6)]
    parts = [
        Part(f"T{n}", 0, 0, (0.0, lost), (0.0, 0.0))
        for n, lost in enumerate([0.1, 0.0, -0.3, np.nan, 0.2], start=1)
    ]
    assert [c.number for c in corners_to_name(found, parts, 150)] == [1, 3, 5]
    assert [c.number for c in corners_to_name(found, parts, 50)] == [1, 2, 3, 4, 5]
    assert [c.number for c in corners_to_name(found, parts, 350)] == [3]


def test_between_two_cursors_in_either_order() -> None:
    axis, values = np.arange(5.0), np.array([9, 1, np.nan, 5, 9.0])
    assert compare.extremes(axis, values, 3, 1) == compare.Extremes(1, 5, 3)
    assert np.isnan(compare.extremes(axis, values, 2, 2).mean)


def test_an_alarm_stays_until_it_is_over_and_acknowledged() -> None:
    alarms = Alarms({"view": {"speed": Limit("speed", "km/h", 0, 300)}})
    watch = lambda value: alarms.check("view", "car", "s", ("speed",), np.array([value]))  # noqa: E731
    watch(200.0)
    assert not alarms.listed("car", "s")
    watch(310.0)
    watch(320.0)
    (alarm,) = alarms.listed("car", "s")
    assert alarm.active and alarm.worst == 320 and alarm.text == "speed above 300 km/h"
    watch(200.0)
    assert [a.active for a in alarms.listed("car", "s")] == [False]
    alarms.acknowledge("car", "s", "speed")
    assert not alarms.listed("car", "s")
    watch(float("nan"))
    watch(310.0)
    assert len(alarms.listed("car", "s")) == 1


def test_a_user_sets_a_limit() -> None:
    alarms = Alarms()
    alarms.set_limit("view", "speed", "km/h", 50, float("inf"))
    alarms.check("view", "car", "s", ("speed",), np.array([40.0]))
    assert [alarm.text for alarm in alarms.listed("car", "s")] == ["speed below 50 km/h"]


def test_drift_is_an_alarm_while_the_channel_is_in_doubt() -> None:
    alarms = Alarms()
    alarms.check_drift("car", "s", ())
    assert not alarms.listed("car", "s")
    alarms.check_drift("car", "s", ("speed",))
    (alarm,) = alarms.listed("car", "s")
    assert (
        alarm.active
        and alarm.line == "drift: speed differs from the laps that the model learned from"
    )
    alarms.check_drift("car", "s", ())
    assert [(a.active, a.line[-7:]) for a in alarms.listed("car", "s")] == [(False, ", ended")]


def test_a_session_that_begins_anew_forgets_and_one_that_repeats_does_not() -> None:
    session = LiveSession("car", "s", "view", ("session_time", "speed"))
    for time_s in (0.0, 5.0, 5.0, 4.9, 10.0):
        session.add(np.array([time_s, 1.0]), round(time_s * 1e6), 0, 0.0)
    assert session.rows.since(0)[1][:, 0].tolist() == [0, 5, 10]
    session.add(np.array([0.0, 2.0]), 0, 0, 0.0)
    assert session.restarts == 1 and session.rows.since(0)[1].tolist() == [[0, 2]]


def test_what_a_car_calls_itself_stays_text() -> None:
    html = table_html((HOSTILE,), [[HOSTILE, Cell(HOSTILE, HOSTILE)]])
    assert "<img" not in html and 'onerror=alert(1)>"' not in html


def linear(colour: str) -> Any:
    """Red, green and blue in proportion to light."""
    parts = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""
    light, dark = sorted(
        (float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


SEEN_BY = {
    "everybody": np.eye(3),
    "protanopes": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopes": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopes": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Machado, Oliveira and Fernandes 2009, severity 1."""


def lab(colour: str, seen: Any) -> Any:
    """CIE L*a*b* of an sRGB colour."""
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(seen @ linear(colour), 0, 1)
    x, y, z = np.where(
        (xyz := xyz / [0.9505, 1, 1.089]) > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("who", SEEN_BY)
def test_two_lines_can_be_told_apart_with_any_colour_vision(who: str) -> None:
    seen = {colour: lab(colour, np.array(SEEN_BY[who])) for colour in theme.LINES}
    for one, other in itertools.combinations(theme.LINES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 20, (one, other)


def test_the_edge_of_a_control_can_be_seen() -> None:
    assert contrast(theme.EDGE, theme.PANEL) >= 3


def test_every_text_and_line_colour_can_be_read() -> None:
    for ground in (theme.GROUND, theme.PANEL):
        for colour in (
            theme.TEXT,
            theme.DIM,
            theme.ACCENT,
            theme.BEST,
            theme.GOOD,
            theme.WARN,
            theme.BAD,
            *theme.LINES,
        ):
            assert contrast(colour, ground) >= 4.5, (colour, ground)


def test_strips_use_the_same_colours_as_all_else() -> None:
    from pitwall.page.web.shell import STATIC

    text = (STATIC / "strips.js").read_text()
    assert all(f'"{colour}"' in text for colour in (*theme.LINES, theme.DIM))
    assert "http://" not in text and "https://" not in text


def test_rows_grow_from_a_small_block_to_twice_what_is_kept() -> None:
    rows = Rows(1, keep=1000)
    for value in range(2500):
        rows.append(np.array([float(value)]))
        first, block = rows.since(0)
        assert block[-1, 0] == value and block[0, 0] == first
    assert 1000 <= len(block) <= 2000


async def _ask(
    login: Login, scope: dict[str, Any], body: bytes = b""
) -> tuple[int, dict[str, str]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {
            "type": "http.request" if scope["type"] == "http" else "websocket.connect",
            "body": body,
            "more_body": False,
        }

    async def send(message: Any) -> None:
        sent.append(message)

    await login(
        {
            "server": ("127.0.0.1", 1),
            "scheme": "http",
            "query_string": b"",
            "root_path": "",
            **scope,
        },
        receive,
        send,
    )
    headers = {k.decode(): v.decode() for k, v in sent[0].get("headers", [])}
    return int(sent[0].get("status", sent[0].get("code", 0))), headers


def test_login(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITWALL_SECRET_TOKEN", "right")

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    login = Login(inside, Settings(home=tmp_path))
    host = (b"host", b"127.0.0.1:18080")

    def get(
        path: str,
        *headers: tuple[bytes, bytes],
        kind: str = "http",
        method: str = "GET",
        body: bytes = b"",
    ) -> tuple[int, dict[str, str]]:
        return asyncio.run(
            _ask(login, {"type": kind, "path": path, "method": method, "headers": [*headers]}, body)
        )

    assert get("/", host)[0] == 401 and get("/health", host)[0] == 200
    assert get("/stream", host, kind="websocket")[0] == 4401
    assert get("/login", host, method="POST", body=b"token=wrong&next=/models")[0] == 401
    status, headers = get("/login", host, method="POST", body=b"token=right&next=/models")
    assert status == 303 and headers["location"] == "/models"
    assert (
        get("/login", host, method="POST", body=b"token=right&next=//evil.example/")[1]["location"]
        == "/"
    )
    assert (
        "httponly" in headers["set-cookie"].lower()
        and "samesite=strict" in headers["set-cookie"].lower()
    )
    cookie = (b"cookie", headers["set-cookie"].split(";")[0].encode())
    assert cookie[1].startswith(COOKIE.encode()) and get("/", host, cookie)[0] == 200
    assert get("/", (b"host", b"evil.example"), cookie)[0] == 403
    probe = (b"host", b"10.1.2.3:18080")
    assert get("/health", probe)[0] == 200 and get("/metrics", probe)[0] == 403
    assert get("/health", probe, (b"origin", b"http://evil.example"))[0] == 403
    token = (b"authorization", b"Bearer right")
    assert get("/metrics", probe, token)[0] == 200
    assert get("/metrics", probe, token, (b"origin", b"http://evil.example"))[0] == 403
    assert get("/metrics", probe, (b"authorization", b"Bearer wrong"))[0] == 403
    assert get("/login", host, method="POST", body=b"token=right&next=" + b"x" * 20_000)[0] == 413
    assert (
        get("/stream", host, cookie, (b"origin", b"http://127.0.0.1:9999"), kind="websocket")[0]
        == 4401
    )


def test_the_trails_columns_are_features_of_the_car() -> None:
    (features,) = [each for each in load(Settings().feature_repo) if each.name == "car_state"]
    assert set(TRAIL) - set(features.names) == {"out_of_range"}
