"""The vocabulary: the functions that features are defined with.

Channels are given by display name, or as a `Channel` where the channel table has none; windows and
lags in seconds of session time, from 0.001 to 600. Every function raises `UsageError`, with the
place of the definition, for an unknown channel, a length out of these bounds, a threshold that is
no finite number, and for whatever else its docstring names.
"""

from __future__ import annotations

from collections.abc import Iterable

from pitwall.channels.channel import Channel
from pitwall.channels.table import CHANNELS
from pitwall.features.checks import MOST_SECTORS, REFERENCE, is_number, wrong_window
from pitwall.features.feature import Feature
from pitwall.features.kinds import Kind
from pitwall.features.places import refused, resolved

STATS = {
    "mean": Kind.ROLLING_MEAN,
    "min": Kind.ROLLING_MIN,
    "max": Kind.ROLLING_MAX,
    "std": Kind.ROLLING_STD,
    "range": Kind.ROLLING_RANGE,
    "rms": Kind.ROLLING_RMS,
    "count": Kind.ROLLING_COUNT,
    "slope": Kind.ROLLING_SLOPE,
}
"""The statistics that `rolling` knows."""
LAP = {
    "number": (Kind.LAP_NUMBER, ""),
    "time": (Kind.LAP_TIME, "s"),
    "from_start": (Kind.LAP_FROM_START, ""),
    "last_time": (Kind.LAST_LAP_TIME, "s"),
    "best_time": (Kind.BEST_LAP_TIME, "s"),
    "fraction": (Kind.LAP_FRACTION, ""),
    "delta_to_best": (Kind.DELTA_TO_BEST, "s"),
}
"""The parts that `lap` knows, each with its kind and unit."""


def last(*channels: str | Channel) -> list[Feature]:
    """The value of each channel at this tick; null where the tick does not carry it."""
    return [
        _feature(channel, channel.snake, Kind.LAST, channel.unit)
        for channel in map(resolved, channels)
    ]


def rolling(
    channel: str | Channel, stats: Iterable[str], windows_s: Iterable[float]
) -> list[Feature]:
    """Statistics (`STATS`) of one channel over each window (t − w, t]; NaN samples are left out.

    Raises `UsageError` for an unknown statistic.
    """
    source = resolved(channel)
    call = f"rolling({source.name!r})"
    if isinstance(stats, str) or not isinstance(windows_s, Iterable):
        raise refused(f"{call}: give statistics and windows as tuples, such as ('mean',), (1, 5)")
    unknown = [stat for stat in stats if stat not in STATS]
    if unknown:
        raise refused(f"{call} has statistic {unknown[0]!r}; known: {', '.join(STATS)}")
    features = []
    for window_s in windows_s:
        span = _span(call, window_s)
        for stat in stats:
            unit = {"count": "", "slope": f"{source.unit}/s"}.get(stat, source.unit)
            name = f"{source.snake}_{stat}_{span}"
            features.append(_feature(source, name, STATS[stat], unit, window_s))
    return features


def share_above(channel: str | Channel, threshold: float, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples above `threshold`, in the channel's unit."""
    source = resolved(channel)
    call = f"share_above({source.name!r})"
    name = f"{source.snake}_above_{_number(call, threshold)}_{_span(call, window_s)}"
    return _feature(source, name, Kind.SHARE_ABOVE, "", window_s, threshold)


def share_below(channel: str | Channel, threshold: float, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples below `threshold`, in the channel's unit."""
    source = resolved(channel)
    call = f"share_below({source.name!r})"
    name = f"{source.snake}_below_{_number(call, threshold)}_{_span(call, window_s)}"
    return _feature(source, name, Kind.SHARE_BELOW, "", window_s, threshold)


def lag(channel: str | Channel, *lags_s: float) -> list[Feature]:
    """For each lag the newest value that is at least so old; null as long as there is none."""
    source = resolved(channel)
    call = f"lag({source.name!r})"
    return [
        _feature(source, f"{source.snake}_lag_{_span(call, lag_s)}", Kind.LAG, source.unit, lag_s)
        for lag_s in lags_s
    ]


def diff(channel: str | Channel, *lags_s: float) -> list[Feature]:
    """For each lag this tick's value minus the lagged one."""
    source = resolved(channel)
    call = f"diff({source.name!r})"
    return [
        _feature(source, f"{source.snake}_diff_{_span(call, lag_s)}", Kind.DIFF, source.unit, lag_s)
        for lag_s in lags_s
    ]


def lap_mean(*channels: str | Channel) -> list[Feature]:
    """Mean of each channel's samples since lap start."""
    return [
        _feature(channel, f"{channel.snake}_lap_mean", Kind.LAP_MEAN, channel.unit)
        for channel in map(resolved, channels)
    ]


def lap_integral(*channels: str | Channel) -> list[Feature]:
    """Integral of each channel over time since lap start, in the channel's unit × s.

    The channel counts as a step function: a sample holds for the time since the channel's sample
    before it, however many ticks of other channels came between. `Kind` says what holds at the
    beginning of a lap and where the channel is sent as NaN.
    """
    return [
        _feature(channel, f"{channel.snake}_lap_integral", Kind.LAP_INTEGRAL, f"{channel.unit} s")
        for channel in map(resolved, channels)
    ]


def lap(*parts: str) -> list[Feature]:
    """State of the lap: its number, time and so on, by the parts of `LAP`.

    Raises `UsageError` for an unknown part.
    """
    unknown = [part for part in parts if part not in LAP]
    if unknown:
        raise refused(f"lap() has {unknown[0]!r}; known: {', '.join(LAP)}")
    return [Feature(f"lap_{part}", *LAP[part]) for part in parts]


def delta_to(name: str) -> Feature:
    """Seconds behind the lap `feature_repo/reference_laps/<name>.csv` at the same distance.

    Null beyond the reference lap's end. Raises `UsageError` for a name that no column can have.
    """
    if not isinstance(name, str) or not REFERENCE.fullmatch(name) or name == "best":
        raise refused(
            f"delta_to({name!r}): name the reference lap in small letters, digits and _, "
            "and not 'best'"
        )
    return Feature(f"lap_delta_to_{name}", Kind.DELTA_TO_REFERENCE, "s", reference=name)


def session_time() -> Feature:
    """Seconds on the session's own clock."""
    return Feature("session_time", Kind.SESSION_TIME, "s")


def sectors(count: int = 3) -> list[Feature]:
    """The sector that the car is in, the time in it, and the last and best time of each sector.

    Where `count` is not 3, give the feature set `sectors=count` as well. Raises `UsageError` for
    a count that is not a whole number from 1 to `MOST_SECTORS`.
    """
    if type(count) is not int or not 1 <= count <= MOST_SECTORS:
        raise refused(f"sectors({count!r}): give a whole number from 1 to {MOST_SECTORS}")
    splits = [
        Feature(f"{which}_sector_{number}", kind, "s", argument=number, sectors=count)
        for which, kind in (("last", Kind.LAST_SECTOR_TIME), ("best", Kind.BEST_SECTOR_TIME))
        for number in range(1, count + 1)
    ]
    return [
        Feature("sector", Kind.SECTOR, "", sectors=count),
        Feature("sector_time", Kind.SECTOR_TIME, "s", sectors=count),
        *splits,
    ]


def nan_share(channel: str | Channel, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples that came as NaN, infinite or null."""
    source = resolved(channel)
    call = f"nan_share({source.name!r})"
    name = f"{source.snake}_nan_share_{_span(call, window_s)}"
    return _feature(source, name, Kind.NAN_SHARE, "", window_s)


def out_of_range_share(channel: str | Channel, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples outside the channel's expected range."""
    source = resolved(channel)
    call = f"out_of_range_share({source.name!r})"
    name = f"{source.snake}_out_of_range_share_{_span(call, window_s)}"
    return _feature(source, name, Kind.OUT_OF_RANGE_SHARE, "", window_s)


def ticks(window_s: float) -> Feature:
    """Number of the session's ticks in the window."""
    return Feature(f"ticks_{_span('ticks()', window_s)}", Kind.TICKS, "", None, window_s)


def gaps(longer_than_s: float, window_s: float) -> Feature:
    """How often in the window two ticks lay more than `longer_than_s` seconds apart."""
    _number("gaps()", longer_than_s)
    return Feature(
        f"gaps_{_span('gaps()', window_s)}", Kind.GAPS, "", None, window_s, longer_than_s
    )


def _feature(
    channel: Channel,
    name: str,
    kind: Kind,
    unit: str,
    window_s: float = 0.0,
    argument: float = 0.0,
) -> Feature:
    own = None if channel.id in CHANNELS else channel
    return Feature(name, kind, unit, channel.id, window_s, argument, own=own)


def _span(call: str, seconds: float) -> str:
    """A length of time as it appears in feature names, e.g. `5s` or `200ms`.

    Raises `UsageError`, which names the call, where no window or lag can be that long.
    """
    if problem := wrong_window(seconds):
        raise refused(f"{call} has a window of {problem}")
    return f"{seconds:g}s" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"


def _number(call: str, threshold: float) -> str:
    """A threshold as it appears in feature names, e.g. `95`, `0_5` or `minus_3`.

    Raises `UsageError`, which names the call, where it is no finite number.
    """
    if not is_number(threshold):
        raise refused(f"{call} has the threshold {threshold}; give a finite number")
    text = f"{threshold:g}".replace("e+", "e").replace("e-", "e_minus_")
    return text.replace("-", "minus_").replace(".", "_")
