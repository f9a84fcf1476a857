"""What a bridge counted, so that nothing is left out in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_KINDS = 1000
"""So many kinds of damage or unknown ids are counted apart; all others are one more kind."""
OTHERS = "others"


@dataclass
class Counts:
    """Counts of one bridge. The thread of the source and the main thread add to different ones."""

    received: int = 0
    """Frames or packets that came from the source."""
    dropped: int = 0
    """Frames or packets that found the queue full, because Kafka or this machine is too slow."""
    damaged: Counter[str] = field(default_factory=Counter)
    """Frames or packets that cannot be read, by the reason."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Frames or packets that are none of the wanted ones, by their id or kind."""
    replaced: int = 0
    """Values that gave way to a newer one of the same channel and tick."""
    ticks: int = 0
    """Ticks that Kafka has acknowledged."""
    samples: int = 0
    """Values of channels in the ticks that were given to Kafka."""
    bytes: int = 0
    undelivered: int = 0
    """Ticks that Kafka did not take in time."""
    lost: int = 0
    """How often the source's connection was lost."""
    rewound: int = 0
    """How often the source's clock jumped, so that the ticks' times were set anew."""
    newest_fault: str = ""
    """The newest fault of all kinds, as a sentence."""

    def damage(self, reason: str, detail: str) -> None:
        """Count a frame or packet that cannot be read. `detail` is shown as the newest fault."""
        _add(self.damaged, reason)
        self.newest_fault = detail

    def leave_out(self, kind: str) -> None:
        """Count a frame or packet that is none of the wanted ones."""
        _add(self.unknown, kind)

    def sentence(self) -> str:
        """The counts in one line; what is zero is not named."""
        parts = [f"{self.received:,} received", f"{self.ticks:,} ticks in Kafka"]
        parts += [
            f"{number:,} {what}"
            for number, what in (
                (self.dropped, "DROPPED because the queue was full"),
                (self.undelivered, "ticks NOT DELIVERED to Kafka"),
                (self.damaged.total(), f"damaged ({_most(self.damaged)})"),
                (self.unknown.total(), f"left out ({_most(self.unknown)})"),
                (self.replaced, "values replaced by newer ones of the same tick"),
                (self.lost, "times the source was lost"),
                (self.rewound, "times its clock jumped"),
            )
            if number
        ]
        return ", ".join(parts)


def _add(counter: Counter[str], kind: str) -> None:
    counter[kind if kind in counter or len(counter) < MOST_KINDS else OTHERS] += 1


def _most(counter: Counter[str]) -> str:
    """The three most frequent kinds."""
    shown = ", ".join(f"{kind}: {count:,}" for kind, count in counter.most_common(3))
    return shown + (", …" if len(counter) > 3 else "")
