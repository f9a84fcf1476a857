"""The point-in-time join in plain Python, a row at a time: slow, and meant to be seen
to be right.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
"""`event`, `created` (µs; created None: not said), the keys, and the features; `place` orders equal
rows.
"""


def known(row: Row, rows: list[Row], keys: list[str], rule: str) -> int:
    """When a row counts as known."""
    if rule == "event" or row["created"] is None:
        return int(row["event"])
    if rule == "created":
        return int(row["created"])
    same = [r for r in rows if all(r[key] == row[key] for key in keys)]
    first = min(r["event"] for r in same)
    clock = None
    for each in sorted(
        (r for r in same if r["created"] is not None),
        key=lambda r: (r["created"], r["event"], r["place"]),
    ):
        anew = clock is None or each["event"] == first
        clock = each["event"] if anew else max(clock, each["event"])
        if each is row:
            return int(clock)
    raise AssertionError("the row is among the rows")


def answer(
    question: Row, rows: list[Row], keys: list[str], ttl: int | None, rule: str
) -> Row | None:
    """The row that counts for a question (`at`, and the keys), or None."""
    if question["at"] is None or any(question[key] is None for key in keys):
        return None
    fit = []
    for row in rows:
        if row["event"] is None or any(
            row[key] is None or row[key] != question[key] for key in keys
        ):
            continue
        if (
            row["event"] <= question["at"]
            and known(row, [r for r in rows if r["event"] is not None], keys, rule)
            <= question["at"]
        ):
            fit.append(row)
    if not fit:
        return None
    best = max(
        fit, key=lambda r: (r["event"], r["created"] is not None, r["created"] or 0, r["place"])
    )
    return best if ttl is None or best["event"] >= question["at"] - ttl else None
