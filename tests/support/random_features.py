"""Feature sets by a seed: anything that the vocabulary and `FeatureSet` let pass."""

from __future__ import annotations

import random
from collections.abc import Callable

from pitwall.channels.channel import Channel
from pitwall.channels.table import TABLE
from pitwall.features import (
    Feature,
    FeatureSet,
    delta_to,
    diff,
    gaps,
    lag,
    lap,
    lap_integral,
    lap_mean,
    last,
    maths,
    nan_share,
    out_of_range_share,
    rolling,
    sectors,
    session_time,
    share_above,
    share_below,
    ticks,
)
from pitwall.features.vocabulary import LAP, STATS

LENGTHS_S = (0.001, 0.02, 0.1, 0.2, 1, 1.5, 5, 30, 600)
THRESHOLDS = (0.0, -1.5, 50, 1e-300, 1e17, -1.7e308)
FORMULAS = (
    "Speed * 3 - nWheelFL * 0.1",
    "exp(Throttle / 50) ** 1.5 + sin(Speed * 1) % 0.3",
    "integral(Speed, reset=lap) / time_since(Brake > 5)",
    "smooth(Brake * 1, 0.5) + hold(rate(Throttle * 1)) * stat_mean(Speed, over=lap)",
    "where(Speed > previous(Speed), 1, 0) * count_of(Brake > 0, over=session)",
)
OWN = (Channel("OilTemp", "°C", 0, 160), Channel("Odd", "", -1e308, 1e308))


def feature_set(seed: int, most: int = 40, formulas: bool = False) -> FeatureSet:
    """A feature set of 1 to `most` features over a few channels; the same for the same seed.

    With `formulas` one of the channels is a maths channel.
    """
    dice = random.Random(seed)
    channels = [*dice.sample(TABLE, 3), dice.choice(OWN)]
    used = list(channels)
    if formulas:
        formula = f"({dice.choice(FORMULAS)}) * 1"
        used.append(maths(formula, unit="", name="Formula", low=-5, high=1e9))
    count = dice.choice((1, 2, 3, 7, 100))
    by_name: dict[str, Feature] = {}
    for _ in range(dice.randint(1, 12)):
        by_name |= {feature.name: feature for feature in _group(dice, used, count)}
    chosen = dice.sample(list(by_name.values()), min(len(by_name), most))
    features = FeatureSet(
        f"random_{seed}",
        chosen,
        distance=dice.choice(("LapDistance", *channels)),
        sectors=count,
    )
    features.references = {
        feature.reference: [0.5 * line for line in range(dice.randint(2, 400))]
        for feature in chosen
        if feature.reference
    }
    return features


def _group(dice: random.Random, channels: list[Channel], count: int) -> list[Feature]:
    channel = dice.choice(channels)
    length = dice.choice(LENGTHS_S)
    threshold = dice.choice(THRESHOLDS)
    words: list[Callable[[], list[Feature]]] = [
        lambda: last(channel),
        lambda: rolling(channel, dice.sample(list(STATS), 3), (length, dice.choice(LENGTHS_S))),
        lambda: rolling(channel, ("mean", "std", "rms", "slope"), (length,)),
        lambda: lag(channel, length),
        lambda: diff(channel, length),
        lambda: lap(*dice.sample(list(LAP), 3)),
        lambda: sectors(count),
        lambda: lap_mean(channel) + lap_integral(channel),
        lambda: [share_above(channel, threshold, length), share_below(channel, threshold, length)],
        lambda: [nan_share(channel, length), out_of_range_share(channel, length)],
        lambda: [ticks(length), gaps(0.03, length), session_time()],
        lambda: [delta_to("pole")],
    ]
    return dice.choice(words)()
