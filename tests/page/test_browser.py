"""The page in a real browser, on a real stack: a real lap replayed, late join, reconnection,
overlay, export, hostile names.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from shared_stack import SharedStack
from waiting import wait

from pitwall.car.replay import produce
from pitwall.car.session import Session
from pitwall.kafka.topics import end_offsets
from pitwall.lab.browser import chromium, opened
from pitwall.recordings import files as recordings
from pitwall.settings import Settings

pytestmark = pytest.mark.integration

HOSTILE = "<img src=x onerror=document.title='taken'>"
PATIENCE_MS = 120_000
SENT: Counter[str] = Counter()
"""Ticks sent so far, by session."""
READY = {
    "/": "#strips canvas",
    "/analysis": "[aria-label=Overlay] canvas",
    "/models": "[data-table=versions], .empty",
    "/services": "[data-service=page]",
}
COLUMN = (
    "(name) => { const column = pitwall.strips?.columns.get(name); if (!column) return [[], []]; "
    "const { times, values, count } = column; "
    "return [Array.from(times.subarray(0, count)), Array.from(values.subarray(0, count))]; }"
)


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Settings:
    """The shared stack with the page."""
    if chromium() is None:
        pytest.skip("no Chromium on PATH; Debian: apt-get install chromium")
    return shared_stack.start("flink", "page")


@pytest.fixture(scope="module")
def page(stack: Settings) -> Iterator[Any]:
    """A logged-in tab."""
    with opened(stack, PATIENCE_MS / 1000) as tab:
        yield tab


@pytest.fixture(scope="module")
def lap(laps_dir: Path) -> Session:
    return recordings.read(sorted(laps_dir.glob("*.parquet"))[0])


@pytest.fixture(scope="module")
def drive(stack: Settings, lap: Session) -> Session:
    """The real lap's first four minutes, sent and through; the rest comes while the
    page is open.
    """
    part = Session(
        lap.vehicle, lap.session, lap.names, lap.units, lap.times_s[:12_500], lap.values[:12_500]
    )
    send(stack, part)
    return part


def send(settings: Settings, session: Session) -> None:
    """Send and wait until all of it is on the features topic."""
    before = sum(end_offsets(settings, settings.features_topic).values())
    sent = produce(settings, [session], speed=None).ticks
    SENT[session.session] += sent
    wait(
        lambda: sum(end_offsets(settings, settings.features_topic).values()) - before >= sent,
        240,
        "the features",
    )


def live(page: Any, session: Session, *channels: str) -> None:
    page.goto(
        "/?"
        + urlencode(
            {"vehicle": session.vehicle, "session": session.session, "channels": ",".join(channels)}
        )
    )


def column(page: Any, name: str, ticks: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Times and values of one column once it has so many."""
    page.wait_for_function(f"() => pitwall.strips?.columns.get({name!r})?.count >= {ticks}")
    times, values = page.evaluate(COLUMN, name)
    return np.array(times), np.array(values)


def test_a_late_joiner_sees_the_whole_session_as_it_stands_in_the_stores(
    stack: Settings, page: Any, drive: Session
) -> None:
    from pitwall.stores.history import read

    live(page, drive, "speed", "lap_distance")
    times, values = column(page, "speed", len(drive.times_s))
    stored = read(stack, drive.vehicle, drive.session, "SPEED")
    assert np.array_equal(np.round(times, 6), np.round(stored.times_s[::-1], 6)) and np.array_equal(
        values, stored.values[::-1]
    )
    assert np.array_equal(values, drive.channel("Speed"))
    page.locator("#strips").press("Home")
    page.wait_for_function(
        "() => document.getElementById('strips').dataset.paused "
        "=== 'true' && pitwall.strips.end <= 61"
    )


def test_reconnection_leaves_no_gap(
    stack: Settings, page: Any, drive: Session, lap: Session
) -> None:
    live(page, drive, "speed")
    column(page, "speed", len(drive.times_s))
    page.evaluate("() => { pitwall.strips.retryMs = 3000; pitwall.strips.socket.close(); }")
    page.wait_for_function("() => document.getElementById('strips').dataset.state === 'lost'")
    send(
        stack,
        Session(
            lap.vehicle,
            lap.session,
            lap.names,
            lap.units,
            lap.times_s[12_500:15_000],
            lap.values[12_500:15_000],
        ),
    )
    times, values = column(page, "speed", 15_000)
    assert np.array_equal(values, lap.channel("Speed")[:15_000]) and np.array_equal(
        np.round(times, 6), np.round(lap.times_s[:15_000], 6)
    )
    assert page.evaluate("() => pitwall.strips.stats.reconnects") == 1


def test_overlay_cursors_and_export_give_what_the_store_has(
    stack: Settings, page: Any, drive: Session
) -> None:
    import duckdb

    query = {
        "laps": f"{drive.vehicle}\x1f{drive.session}\x1f1",
        "channels": "speed,brake",
        "by": "distance",
        "a": "1000",
        "b": "2000",
    }
    stored = duckdb.connect()
    rows = (
        "(SELECT DISTINCT session_time, speed FROM "
        "read_parquet(?, union_by_name = true) WHERE session = ?)"
    )
    where = [f"{stack.offline_dir}/car_state/**/[!._]*", drive.session]
    sent = SENT[drive.session]
    wait(
        lambda: stored.execute(f"SELECT count(*) FROM {rows}", where).fetchone() == (sent,),
        60,
        "all rows in the offline store",
    )
    wait(
        lambda: page.request.get("/export?" + urlencode({**query, "format": "csv"})).status == 200,
        20,
        "the lap in the page's list",
    )
    exported = {
        kind: page.request.get("/export?" + urlencode({**query, "format": kind})).body()
        for kind in ("csv", "parquet")
    }
    csv, parquet = (
        pd.read_csv(io.BytesIO(exported["csv"]), float_precision="round_trip"),
        pd.read_parquet(io.BytesIO(exported["parquet"])),
    )
    pd.testing.assert_frame_equal(csv, parquet, check_dtype=False, rtol=0, atol=0)
    known = {value for _, value in stored.execute(rows, where).fetchall()}
    assert len(parquet) > 10_000 and set(parquet["speed"]) <= known

    page.goto("/analysis?" + urlencode(query))
    row = page.locator("[data-table=between] tbody tr").first
    row.wait_for()
    inside = parquet[(parquet["lap_distance"] >= 1000) & (parquet["lap_distance"] <= 2000)]["speed"]
    cells = row.locator("td").all_inner_texts()
    assert cells[1] == "speed [km/h]"
    assert [float(cell) for cell in cells[4:]] == pytest.approx(
        [inside.min(), inside.max(), inside.mean()], rel=1e-3
    )
    with page.expect_download() as png:
        page.get_by_role("button", name="PNG").click()
    assert Path(png.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_role("button", name="by time").click()
    page.wait_for_function("() => location.search.includes('by=time')")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("[data-table=between] tbody tr").first.wait_for()
    assert (
        other.get_by_label("Cursor A").input_value() == "1000"
        and other.get_by_role("button", name="by time", pressed=True).count() == 1
    )
    assert (
        other.locator("[data-table=between] tbody").inner_text()
        == page.locator("[data-table=between] tbody").inner_text()
    )
    other.close()


def test_a_limit_alarms_until_it_is_acknowledged_and_over(page: Any, drive: Session) -> None:
    live(page, drive, "speed")
    alarm = page.get_by_role("log").locator(".alarm", has_text="speed above -1")

    def set_highest(value: str) -> None:
        page.get_by_role("button", name="Limits …").click()
        page.get_by_label("Highest").fill(value)
        page.get_by_role("button", name="Set", exact=True).click()

    set_highest("-1")
    alarm.get_by_role("button", name="Acknowledge").click()
    alarm.get_by_text("acknowledged", exact=True).wait_for()
    set_highest("999")
    alarm.wait_for(state="detached")


def test_no_view_without_the_token(stack: Settings, page: Any) -> None:
    stranger = page.context.browser.new_context(base_url=stack.page_url)
    for view in READY:
        tab = stranger.new_page()
        tab.goto(view)
        tab.locator("#token").wait_for()
        assert tab.get_by_role("link", name="Services").count() == 0
    stranger.close()


def test_ids_of_the_car_are_text(stack: Settings, page: Any, lap: Session) -> None:
    name = f"20260101-000000-{HOSTILE}"
    send(stack, Session(HOSTILE, name, lap.names, lap.units, lap.times_s[:200], lap.values[:200]))
    page.goto("/?" + urlencode({"vehicle": HOSTILE, "session": name}))
    page.wait_for_function("() => pitwall.strips?.columns.get('speed')?.count >= 200")
    page.get_by_role("combobox", name="Session").click()
    page.get_by_role("option").first.wait_for()
    assert (
        HOSTILE in page.content()
        or HOSTILE.replace("<", "&lt;").replace(">", "&gt;") in page.content()
    )
    assert page.title() == "pitwall" and page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("view", READY)
def test_contrast_and_labels(page: Any, drive: Session, view: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.goto(view)
    page.locator(READY[view]).first.wait_for()
    found = Axe().run(
        page,
        options={
            "runOnly": [
                "color-contrast",
                "label",
                "button-name",
                "link-name",
                "html-has-lang",
                "duplicate-id-aria",
            ]
        },
    )
    assert found.violations_count == 0, found.generate_report()
