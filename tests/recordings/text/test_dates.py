from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from pitwall.recordings.text import dates, times

START = datetime(2024, 3, 4, 14, 5, 6, tzinfo=UTC)
INSTANTS = [
    "2024-03-04 14:05:06.000",
    "2024-03-04T14:05:06Z",
    "2024-03-04T16:05:06+02:00",
    "2024/03/04 14:05:06",
    "04-Mar-2024 14:05:06.000",
    "Mon Mar 04 14:05:06 GMT 2024",
    "04.03.2024 14:05:06",
    "04.03.2024 14:05:06,000",
    "Mar 4, 2024 2:05:06 PM",
    "20240304T140506Z",
]
SECONDS = {
    "14:05:06.5": 50706.5,
    "2:05:06 PM": 50706.0,
    "12:00:00 AM": 0.0,
    "9:05:06:123": 32706.123,
    "0 days 00:00:00.185000": 0.185,
    "0 days 00:00:05": 5.0,
    "1 days 00:00:01": 86401.0,
    "01:23.456": 83.456,
    "PT1M3.5S": 63.5,
}


@pytest.mark.parametrize("text", INSTANTS)
def test_instants(text: str) -> None:
    moment = dates.moment(text)
    assert moment is not None
    assert moment.utc() == START


@pytest.mark.parametrize("text", SECONDS)
def test_times_of_day_and_durations(text: str) -> None:
    moment = dates.moment(text)
    assert moment is not None
    assert (moment.day, moment.seconds) == (None, pytest.approx(SECONDS[text]))


@pytest.mark.parametrize("text", [*INSTANTS, *SECONDS, "2024-03-04", "04-MAR-24"])
def test_a_column_says_what_each_cell_says(text: str) -> None:
    shape, moment = dates.shape(text), dates.moment(text)
    assert shape is not None
    assert moment is not None
    instant = moment.utc()
    column, _ = times.seconds_of(pl.Series([text, None, "no time"]), shape, day_first=True)
    expected = moment.seconds if instant is None else instant.timestamp()
    assert column[0] == pytest.approx(expected)
    assert (column[1:] != column[1:]).all()


@pytest.mark.parametrize("text", ["", "12.5", "-0.5", "1-2-3", "13/13/2024", "25:61:61", "Time"])
def test_other_texts_are_no_times(text: str) -> None:
    assert dates.shape(text) is None


def test_day_or_month_first() -> None:
    for text, ambiguous in {"04/03/2024": True, "24/03/2024": False, "04.03.2024": False}.items():
        moment = dates.moment(text)
        assert moment is not None
        assert moment.ambiguous == ambiguous
    american = dates.moment("04/03/2024", day_first=False)
    assert american is not None
    assert (str(american.day), american.ambiguous) == ("2024-04-03", False)


def test_one_day_above_12_decides_for_a_column() -> None:
    column = pl.Series(["04/03/2024", "05/13/2024"])
    assert times.order(column, "dmy", None) == (False, False)
    assert times.order(column[:1], "dmy", None) == (True, True)
