"""The words a feature is defined with.

Channels are given by display name, or as a `Channel` where the channel table has none; windows in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pitwall.channels.table import CHANNELS, Channel, resolve
from pitwall.errors import UsageError
from pitwall.features.definitions import Feature

STATS = ("mean", "min", "max", "std", "range", "rms", "count", "slope")
LAP = {
    "number": ("lap_number", ""),
    "time": ("lap_time", "s"),
    "from_start": ("lap_from_start", ""),
    "last_time": ("last_lap_time", "s"),
    "best_time": ("best_lap_time", "s"),
    "fraction": ("lap_fraction", ""),
    "delta_to_best": ("delta_to_best", "s"),
}


def _of(
    c: Channel, name: str, kind: str, unit: str, window_s: float = 0.0, argument: float = 0.0
) -> Feature:
    return Feature(name, kind, unit, c.id, window_s, argument, own=None if c.id in CHANNELS else c)


def _span(seconds: float) -> str:
    return f"{seconds:g}s" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"


def last(*channels: str | Channel) -> list[Feature]:
    """The value of each channel at this tick; null where the tick does not carry it."""
    return [_of(c, c.snake, "last", c.unit) for c in map(resolve, channels)]


def rolling(
    channel: str | Channel, stats: Iterable[str], windows_s: Iterable[float]
) -> list[Feature]:
    """Statistics (`STATS`) of one channel over each window (t − w, t]; NaN samples are left out."""
    c = resolve(channel)
    features = []
    for window_s in windows_s:
        for stat in stats:
            if stat not in STATS:
                raise UsageError(
                    f"rolling({c.name!r}) has statistic {stat!r}; known: {', '.join(STATS)}"
                )
            if not 0 < window_s <= 600:
                raise UsageError(
                    f"rolling({c.name!r}) has a window of {window_s} s; give one above 0 and up to 600"
                )
            unit = {"count": "", "slope": f"{c.unit}/s"}.get(stat, c.unit)
            features.append(
                _of(c, f"{c.snake}_{stat}_{_span(window_s)}", f"rolling_{stat}", unit, window_s)
            )
    return features


def share_above(channel: str | Channel, threshold: float, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples above `threshold`, in the channel's unit."""
    c = resolve(channel)
    return _of(
        c,
        f"{c.snake}_above_{threshold:g}_{_span(window_s)}",
        "share_above",
        "",
        window_s,
        threshold,
    )


def share_below(channel: str | Channel, threshold: float, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples below `threshold`, in the channel's unit."""
    c = resolve(channel)
    return _of(
        c,
        f"{c.snake}_below_{threshold:g}_{_span(window_s)}",
        "share_below",
        "",
        window_s,
        threshold,
    )


def lag(channel: str | Channel, *lags_s: float) -> list[Feature]:
    """The newest value at least `lag` seconds old; null before there is one."""
    c = resolve(channel)
    return [_of(c, f"{c.snake}_lag_{_span(lag_s)}", "lag", c.unit, lag_s) for lag_s in lags_s]


def diff(channel: str | Channel, *lags_s: float) -> list[Feature]:
    """This tick's value minus the lagged one."""
    c = resolve(channel)
    return [_of(c, f"{c.snake}_diff_{_span(lag_s)}", "diff", c.unit, lag_s) for lag_s in lags_s]


def lap_mean(*channels: str | Channel) -> list[Feature]:
    """Mean of each channel's samples since lap start."""
    return [_of(c, f"{c.snake}_lap_mean", "lap_mean", c.unit) for c in map(resolve, channels)]


def lap_integral(*channels: str | Channel) -> list[Feature]:
    """Integral of each channel over time since lap start, in unit × s."""
    return [
        _of(c, f"{c.snake}_lap_integral", "lap_integral", f"{c.unit} s")
        for c in map(resolve, channels)
    ]


def lap(*parts: str) -> list[Feature]:
    """State of the lap: `number`, `time`, `from_start`, `last_time`, `best_time`, `fraction`, `delta_to_best`."""
    unknown = [part for part in parts if part not in LAP]
    if unknown:
        raise UsageError(f"lap() has {unknown[0]!r}; known: {', '.join(LAP)}")
    return [Feature(f"lap_{part}", *LAP[part]) for part in parts]


def delta_to(name: str) -> Feature:
    """Seconds behind the lap `feature_repo/reference_laps/<name>.csv` at the same distance; null beyond its end."""
    if not re.fullmatch(r"[a-z0-9_]{1,40}", name) or name == "best":
        raise UsageError(
            f"delta_to({name!r}): name the reference lap in small letters, digits and _, and not 'best'"
        )
    return Feature(f"lap_delta_to_{name}", "delta_to_reference", "s", reference=name)


def session_time() -> Feature:
    """Seconds on the session's own clock."""
    return Feature("session_time", "session_time", "s")


def sectors(count: int = 3) -> list[Feature]:
    """The sector the car is in, the time in it, and last and best time of each; give the view `sectors=count` too."""
    splits = [
        Feature(f"{which}_sector_{number}", f"{which}_sector_time", "s", argument=number)
        for which in ("last", "best")
        for number in range(1, count + 1)
    ]
    return [Feature("sector", "sector", ""), Feature("sector_time", "sector_time", "s"), *splits]


def nan_share(channel: str | Channel, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples that came as NaN, infinite or null."""
    c = resolve(channel)
    return _of(c, f"{c.snake}_nan_share_{_span(window_s)}", "nan_share", "", window_s)


def out_of_range_share(channel: str | Channel, window_s: float) -> Feature:
    """Share (0 to 1) of the window's samples outside the channel's expected range."""
    c = resolve(channel)
    return _of(
        c, f"{c.snake}_out_of_range_share_{_span(window_s)}", "out_of_range_share", "", window_s
    )


def ticks(window_s: float) -> Feature:
    """Ticks of the session in the window."""
    return Feature(f"ticks_{_span(window_s)}", "ticks", "", None, window_s)


def gaps(longer_than_s: float, window_s: float) -> Feature:
    """How often in the window two ticks lay further apart than that."""
    return Feature(f"gaps_{_span(window_s)}", "gaps", "", None, window_s, longer_than_s)
