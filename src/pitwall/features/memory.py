"""What a feature set costs the job in memory, for each session, by counting its samples."""

from __future__ import annotations

from pitwall.features.definitions import FeatureSet
from pitwall.features.kinds import WITH_CHANNEL, WITH_WINDOW, Kind

SAMPLE_BYTES = 8
"""Bytes of one sample. Samples of one channel are kept once, for its longest window or lag."""
TICK_BYTES = 1
"""Bytes of one tick's time in a checkpoint. All channels share it; an uneven spacing takes 5."""


def kept_bytes(features: FeatureSet, rate_hz: float) -> int:
    """Bytes of samples in a checkpoint for one session, once its longest window is full.

    All channels come at `rate_hz`, so each costs rate × its longest window or lag × 8 bytes. What
    the laps keep is not in it, nor some 50 bytes for each window.
    """
    longest_s: dict[tuple[str, str | None], float] = {}
    for feature in features.features:
        if feature.kind in WITH_WINDOW:
            key = (_series(feature.kind), feature.channel)
            longest_s[key] = max(feature.window_s, longest_s.get(key, 0.0))
    samples = rate_hz * sum(longest_s.values())
    ticks = rate_hz * max(longest_s.values(), default=0.0)
    return round(samples * SAMPLE_BYTES + ticks * TICK_BYTES)


def _series(kind: Kind) -> str:
    """What the samples of a feature of this kind are: one series serves all features of a name."""
    if kind is Kind.NAN_SHARE:
        return "whether the channel came as NaN"
    return "values" if kind in WITH_CHANNEL else "spacings"
