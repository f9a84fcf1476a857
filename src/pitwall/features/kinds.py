"""Every kind of feature: its name in the operator's plan, and what it means.

A kind that is new gets a line here, a word in `vocabulary`, its meaning in `oracle`, and its
computation in the operator on the JVM.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """A kind of feature; its value is its name in the plan. Windows are (t − w, t].

    A feature is a finite number or null. A sample that is NaN, infinite or null counts as missing,
    and so does a distance of more than 100 km before or after the line, which is no distance of a
    lap. A value beyond the largest double is null.

    A lap is whole that was seen from its start, has no jump of the distance, and is as long as the
    circuit within 2 %. Other laps have no time, no sectors and are never the best one. Where the
    distance does not tell where on the lap a car is (before the line, after a jump), its share of
    the lap, its sector and its deltas are null.

    A lap's integral is that of a step function: each sample counts for the time since its channel
    was sent before, and within a lap only for the time since the tick before the lap's first one.
    The first sample of the session counts for the time since the tick before. A channel that is
    sent as NaN ends a step that counts for nothing.
    """

    meaning: str
    """The kind in a few words, as documentation and descriptions show it."""

    def __new__(cls, value: str, meaning: str) -> Kind:
        """Each member is written as its name in the plan and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    LAST = "last", "value at this tick"
    ROLLING_MEAN = "rolling_mean", "mean over the window"
    ROLLING_MIN = "rolling_min", "minimum over the window"
    ROLLING_MAX = "rolling_max", "maximum over the window"
    ROLLING_STD = "rolling_std", "population standard deviation over the window"
    ROLLING_RANGE = "rolling_range", "maximum minus minimum over the window"
    ROLLING_RMS = "rolling_rms", "root mean square over the window"
    ROLLING_COUNT = "rolling_count", "samples in the window"
    ROLLING_SLOPE = "rolling_slope", "least-squares slope a second over the window"
    SHARE_ABOVE = "share_above", "share of samples above the threshold in the window"
    SHARE_BELOW = "share_below", "share of samples below the threshold in the window"
    LAG = "lag", "newest value at least that old"
    DIFF = "diff", "value at this tick minus the lagged one"
    LAP_MEAN = "lap_mean", "mean of the samples since lap start"
    LAP_INTEGRAL = (
        "lap_integral",
        "integral over time since lap start, each sample for the time since the one before it",
    )
    NAN_SHARE = "nan_share", "share of the channel's samples in the window that came as NaN"
    OUT_OF_RANGE_SHARE = (
        "out_of_range_share",
        "share of samples in the window outside the channel's expected range",
    )
    TICKS = "ticks", "ticks in the window"
    GAPS = "gaps", "spacings of ticks in the window longer than the threshold"
    SESSION_TIME = "session_time", "time on the session's clock"
    LAP_NUMBER = "lap_number", "laps begun in this session"
    LAP_TIME = "lap_time", "time since lap start"
    LAP_FROM_START = "lap_from_start", "1 where the lap was seen from its start, else 0"
    LAST_LAP_TIME = "last_lap_time", "time of the lap before, seen whole"
    BEST_LAP_TIME = "best_lap_time", "best lap of the session, seen whole"
    LAP_FRACTION = "lap_fraction", "share of the lap driven, by the length of the last whole lap"
    DELTA_TO_BEST = (
        "delta_to_best",
        "seconds behind the session's best lap at the same distance",
    )
    DELTA_TO_REFERENCE = (
        "delta_to_reference",
        "seconds behind the reference lap at the same distance",
    )
    SECTOR = "sector", "sector the car is in"
    SECTOR_TIME = "sector_time", "time since the sector began"
    LAST_SECTOR_TIME = "last_sector_time", "time of the sector in the last whole lap"
    BEST_SECTOR_TIME = "best_sector_time", "best time of the sector in the session"


WITH_CHANNEL = frozenset(
    {
        Kind.LAST,
        Kind.LAG,
        Kind.DIFF,
        Kind.LAP_MEAN,
        Kind.LAP_INTEGRAL,
        Kind.NAN_SHARE,
        Kind.OUT_OF_RANGE_SHARE,
        Kind.SHARE_ABOVE,
        Kind.SHARE_BELOW,
        *(kind for kind in Kind if kind.value.startswith("rolling_")),
    }
)
"""Kinds that are computed from a channel."""
WITH_WINDOW = (WITH_CHANNEL | {Kind.TICKS, Kind.GAPS}) - {
    Kind.LAST,
    Kind.LAP_MEAN,
    Kind.LAP_INTEGRAL,
}
"""Kinds that look back for a length of time: a window's, or a lag."""
WITH_THRESHOLD = frozenset({Kind.SHARE_ABOVE, Kind.SHARE_BELOW, Kind.GAPS})
"""Kinds whose argument is a threshold: in the channel's unit, for gaps in seconds."""
OF_ONE_SECTOR = frozenset({Kind.LAST_SECTOR_TIME, Kind.BEST_SECTOR_TIME})
"""Kinds whose argument is the number of a sector, from 1."""
OF_SECTORS = OF_ONE_SECTOR | {Kind.SECTOR, Kind.SECTOR_TIME}
"""Kinds that depend on the number of sectors of a lap."""
