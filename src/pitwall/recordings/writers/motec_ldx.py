"""MoTeC's `.ldx`, which lies beside a `.ld` and holds its beacons: the passings of the line.

Layout as public readers take it: XML with a `Marker` of class `BCN` for each beacon, its time in
microseconds since the start of the `.ld`.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from pitwall.recordings.writers.export import LapSpan

SAME_S = 1e-3
"""The end of a lap and the start of the next one, no farther apart than this, are one passing."""


def beacons_s(laps: Sequence[LapSpan], begin_s: float, end_s: float) -> list[float]:
    """Session times between `begin_s` and `end_s` at which the line was passed, rising.

    A whole lap begins and ends at the line. A lap that is not whole begins there only if it begins
    after the recording.
    """
    times = [lap.end_s for lap in laps if lap.whole]
    times += [lap.start_s for lap in laps if lap.whole or lap.start_s > begin_s]
    passings: list[float] = []
    for time_s in sorted(time_s for time_s in times if begin_s <= time_s <= end_s):
        if not passings or time_s - passings[-1] > SAME_S:
            passings.append(time_s)
    return passings


def document(laps: Sequence[LapSpan], begin_s: float, end_s: float) -> ElementTree[Element]:
    """The document of a `.ld` that lasts from `begin_s` to `end_s` in session time."""
    root = Element("LDXFile", Locale="English", DefaultLocale="C", Version="1.6")
    layers = SubElement(root, "Layers")
    layer = SubElement(layers, "Layer")
    markers = SubElement(SubElement(layer, "MarkerBlock"), "MarkerGroup", Name="Beacons", Index="3")
    passings = beacons_s(laps, begin_s, end_s)
    for number, time_s in enumerate(passings, start=1):
        SubElement(
            markers,
            "Marker",
            Version="100",
            ClassName="BCN",
            Name=f"Manual.{number}",
            Flags="77",
            Time=f"{(time_s - begin_s) * 1e6:.3f}",
        )
    SubElement(layer, "RangeBlock")
    details = SubElement(layers, "Details")
    # Lap 1 ends at the first beacon, and one lap follows the last beacon.
    SubElement(details, "String", Id="Total Laps", Value=str(len(passings) + 1))
    whole = [lap for lap in laps if lap.whole and begin_s <= lap.start_s and lap.end_s <= end_s]
    if whole:
        fastest = min(whole, key=lambda lap: lap.end_s - lap.start_s)
        minutes, seconds = divmod(round(fastest.end_s - fastest.start_s, 3), 60)
        SubElement(details, "String", Id="Fastest Time", Value=f"{minutes:.0f}:{seconds:06.3f}")
        place = 1 + sum(time_s < fastest.end_s - SAME_S for time_s in passings)
        SubElement(details, "String", Id="Fastest Lap", Value=str(place))
    indent(root)
    return ElementTree(root)
