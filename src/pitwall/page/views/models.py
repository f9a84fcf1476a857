"""The models view: versions, errors beside the baseline's, champion beside challenger, drift,
parity, and what predictions are made of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.errors import PitwallError
from pitwall.models.registry import Version
from pitwall.monitoring.truths import PARTS, Score
from pitwall.page.data.feed import SHADOW, Feed
from pitwall.page.data.registry import Registry
from pitwall.page.data.session import LiveSession, Predicted
from pitwall.page.data.text import NBSP, Cell, number, signed
from pitwall.page.web.shell import HtmlTable, Legend, every, page, panel
from pitwall.page.web.theme import DIM, LINES, axis, chart
from pitwall.settings import Settings

MADE_OF = 3
"""Sessions whose newest predictions are taken apart."""


class Models:
    """One viewer's models view."""

    def __init__(self, settings: Settings, feed: Feed, registry: Registry) -> None:
        self._settings, self._feed, self._registry = settings, feed, registry
        self._drawn: dict[str, Any] = {}
        """What each chart shows now: it is drawn again when that is another."""
        with page("/models") as bar:
            with bar:
                self._of = ui.toggle([], on_change=self._refresh).props(
                    "dense no-caps toggle-text-color=black aria-label='Model of the charts'"
                )
            self._note = ui.label("Asking MLflow …").classes("empty").props('role="status"')
            with ui.element("div").classes("pairs"):
                with panel(
                    "Versions: mean absolute error over laps that the model never saw", "double"
                ):
                    self._versions = HtmlTable(
                        (
                            "Model",
                            "Version",
                            "Role",
                            "Error",
                            "Baseline",
                            "Gain",
                            "Made as",
                            "Features",
                            "Definitions",
                        ),
                        "versions",
                    )
                with panel("Error on each lap that was held out of the champion's training"):
                    self._by_lap_names, self._by_lap = Legend(), ui.echart(_empty())
                with panel("Error in each part of the lap: dashed in training, solid live"):
                    self._by_part_names, self._by_part = Legend(), ui.echart(_empty())
                with panel("Live: error of predictions whose truth is known", "double"):
                    self._live = HtmlTable(
                        (
                            "Model",
                            "Version",
                            "Role",
                            "Error",
                            "In training",
                            "Within interval",
                            "Predictions",
                            "To the champion",
                        ),
                        "live-error",
                    )
                with panel("Drift: channels that differ from the laps of the training"):
                    self._drift = HtmlTable(
                        ("Session", "Vehicle", Cell("Channels in doubt", "text")), "drift"
                    )
                    self._watched = ui.label("").classes("dim text-sm").props('data-fact="watched"')
                with (
                    panel("Parity: online store against offline store, bit for bit"),
                    ui.element("div").classes("tools"),
                ):
                    self._check = ui.button("Check now", on_click=self._compare).props(
                        "flat dense no-caps"
                    )
                    self._parity = ui.label("Parity was not checked yet.").props(
                        'data-fact="parity" role="status"'
                    )
                with panel(
                    "The newest predictions, and the features that they were made of", "wide"
                ):
                    self._made = ui.element("div").classes("w-full")
        every(1.0, self._refresh)

    async def _refresh(self) -> None:
        registry = self._registry
        self._note.set_visibility(registry.state != "live" or not registry.versions)
        self._note.set_text(
            "The page is asking MLflow …"
            if registry.state == "connecting"
            else registry.state
            if registry.state != "live"
            else "No model is registered yet. This command trains one: ./pitwall train lap_time"
        )
        names = sorted({each.model for each in registry.versions})
        if names != self._of.options:
            self._of.set_options(names, value=self._of.value or names[0] if names else None)
        self._versions.show([_row(each) for each in registry.versions], "There is no version yet.")
        champion = registry.champion(str(self._of.value))
        if champion is not None:
            await self._draw_by_lap(champion)
            await self._draw_by_part(champion)
        self._draw_live()
        self._draw_drift()
        await self._show_made()

    async def _draw_by_lap(self, champion: Version) -> None:
        found = await asyncio.to_thread(self._registry.errors_by_lap, champion)
        if self._same("by lap", (champion, len(found))):
            return
        laps = list(dict.fromkeys(lap for each in found.values() for lap in each))
        few = len(laps) < 12
        series = [
            {
                "type": "bar",
                "name": name,
                "itemStyle": {"color": LINES[at % len(LINES)]},
                "data": [_round(each.get(lap)) for lap in laps],
            }
            for at, (name, each) in enumerate(found.items())
        ]
        self._by_lap.options.update(
            xAxis={
                "type": "category",
                "data": [lap.split("/", 1)[-1] for lap in laps],
                "axisLabel": {
                    "color": DIM,
                    "show": few,
                    "hideOverlap": True,
                    "alignMinLabel": "left",
                    "alignMaxLabel": "right",
                },
                "name": f"{len(laps)} laps by date",
                "nameLocation": "middle",
                "nameGap": 26 if few else 12,
                "nameTextStyle": {"color": DIM},
            },
            yAxis=axis(f"error [{champion.unit}]", scale=False),
            series=series,
        )
        self._by_lap.update()
        self._by_lap_names.show(
            self._by_lap.id,
            [(name, LINES[at % len(LINES)], False) for at, name in enumerate(found)],
        )

    async def _draw_by_part(self, champion: Version) -> None:
        trained = await asyncio.to_thread(self._registry.errors_by_part, champion)
        live = {
            role: score
            for role, version, score in self._scores()
            if version.model == champion.model
        }
        if self._same(
            "by part",
            (champion, len(trained), {role: score.count.sum() for role, score in live.items()}),
        ):
            return
        lines: list[tuple[str, Sequence[float | None], str]] = [
            (f"{name}, training", values, "dashed")
            for name, values in trained.items()
            if not name.startswith("walk_")
        ]
        lines += [(f"{role}, live", score.by_part(), "solid") for role, score in live.items()]
        self._by_part.options.update(
            xAxis={
                "type": "category",
                "data": [f"{100 * n // PARTS}–{100 * (n + 1) // PARTS} %" for n in range(PARTS)],
                "axisLabel": {"color": DIM, "hideOverlap": True},
                "name": "part of the lap",
                "nameLocation": "middle",
                "nameGap": 26,
                "nameTextStyle": {"color": DIM},
            },
            yAxis=axis(f"mean absolute error [{champion.unit}]", scale=False),
            series=[
                {
                    "type": "line",
                    "name": name,
                    "itemStyle": {"color": LINES[at % len(LINES)]},
                    "lineStyle": {"type": kind, "width": 2},
                    "data": [_round(v) for v in values],
                }
                for at, (name, values, kind) in enumerate(lines)
            ],
        )
        self._by_part.update()
        self._by_part_names.show(
            self._by_part.id,
            [
                (name, LINES[at % len(LINES)], kind == "dashed")
                for at, (name, _, kind) in enumerate(lines)
            ],
        )

    def _same(self, chart_name: str, now: Any) -> bool:
        same = self._drawn.get(chart_name) == (now, self._of.value)
        self._drawn[chart_name] = (now, self._of.value)
        return same

    def _scores(self) -> list[tuple[str, Version, Score]]:
        """What has met its truth: role, version and score, champions before their challengers."""
        found = []
        scores = dict(self._feed.watch.truths.scores)
        for each in self._registry.versions:
            if (each.model, each.number) in scores:
                role = (
                    "champion"
                    if "champion" in each.aliases
                    else "challenger"
                    if "challenger" in each.aliases
                    else "former"
                )
                found.append((role, each, scores[(each.model, each.number)]))
        return sorted(
            found, key=lambda item: (item[1].model, item[0] != "champion", -item[1].number)
        )

    def _draw_live(self) -> None:
        rows: list[list[Any]] = []
        champions: dict[str, float] = {}
        for role, each, score in self._scores():
            champions.setdefault(each.model, score.mae)
            beside = score.mae - champions[each.model]
            rows.append(
                [
                    each.model,
                    str(each.number),
                    Cell(role, _kind(role)),
                    f"{score.mae:.3g} {each.unit}",
                    f"{each.mae:.3g} {each.unit}",
                    f"{score.held / score.promised:.0%}" if score.promised else "–",
                    f"{score.count.sum():,.0f}",
                    ""
                    if role == "champion"
                    else Cell(f"{signed(beside, 3)} {each.unit}", "good" if beside < 0 else "warn"),
                ]
            )
        self._live.show(
            rows,
            "No lap has ended since the page was started. The truth is known when a lap ends.",
        )

    def _draw_drift(self) -> None:
        watch = self._feed.watch
        rows = []
        for session in self._feed.ordered():
            names = watch.doubted(session.vehicle, session.session)
            rows.append(
                [
                    session.session,
                    session.vehicle,
                    Cell(", ".join(names) or "none", "text bad" if names else "text good"),
                ]
            )
        self._drift.show(
            rows if watch.watched else [],
            "There is no session yet."
            if watch.watched
            else "Drift is not watched yet. The page needs four whole laps in the offline store for it.",
        )
        self._watched.set_text(
            f"Watched channels: {', '.join(watch.watched)}" if watch.watched else ""
        )

    async def _show_made(self) -> None:
        newest = [
            (session, model, made[-1])
            for session in self._feed.ordered()[:MADE_OF]
            for model, made in sorted(session.predictions.items())
            if made
        ]
        if self._same("made of", tuple((s.session, model, p.time_s) for s, model, p in newest)):
            return
        rows = []
        for session, model, made in newest:
            version = next(
                (
                    v
                    for v in self._registry.versions
                    if v.model == model.removesuffix(SHADOW) and v.number == made.version
                ),
                None,
            )
            rows.append(
                (
                    session,
                    model,
                    made,
                    version,
                    await asyncio.to_thread(self._registry.inputs, version) if version else [],
                )
            )
        if self._made.is_deleted:
            return
        self._made.clear()
        with self._made:
            if not rows:
                ui.label(
                    "No prediction has arrived. The Services view shows whether the scorer runs."
                ).classes("empty")
            for session, model, made, version, names in rows:
                unit = version.unit if version else ""
                about = (
                    f" Its features: {version.feature_service} ({version.definitions})."
                    if version
                    else ""
                )
                ui.label(
                    f"{model} version {made.version} predicts {number(made.value)}{NBSP}{unit} "
                    f"({number(made.low)} to {number(made.high)}{NBSP}{unit}) for {session.vehicle}, "
                    f"{session.session} at {made.time_s:.2f}{NBSP}s.{about}"
                )
                with ui.element("dl").classes("inputs").props('data-fact="made"'):
                    for name, value in self._inputs(session, made, names):
                        with ui.element("div"):
                            with ui.element("dt"):
                                ui.label(name)
                            with ui.element("dd"):
                                ui.label(value)

    def _inputs(
        self, session: LiveSession, made: Predicted, names: list[str]
    ) -> list[tuple[str, str]]:
        """The row that was scored, as far as the model was asked with it."""
        _, block = session.rows.since(0)
        if not len(block) or not names:
            return [("inputs", "no longer in memory" if names else "unknown to MLflow")]
        row = block[
            int(np.argmin(np.abs(block[:, session.names.index("session_time")] - made.time_s)))
        ]
        units = (
            {each.name: each.unit for each in self._feed.sets[session.view].features}
            if session.view in self._feed.sets
            else {}
        )
        return [
            (
                name,
                f"{number(float(row[session.names.index(name)]))} {units.get(name, '')}".rstrip()
                if name in session.names
                else "–",
            )
            for name in names
        ]

    async def _compare(self) -> None:
        from pitwall.monitoring.parity import compare, online_rows

        sessions = self._feed.ordered()
        names = [each.session for each in sessions if not each.running] or [
            each.session for each in sessions
        ]
        if not names:
            self._parity.set_text("No session has arrived that could be compared.")
            return
        self._parity.set_text(f"Comparing {len(names)} sessions …")
        self._check.disable()
        try:
            found = await asyncio.to_thread(
                lambda: compare(self._settings, online_rows(self._settings, names))
            )
        except PitwallError as error:
            self._parity.set_text(str(error))
            return
        finally:
            self._check.enable()
        self._parity.set_text(
            f"{found.match:,} values equal, {found.mismatch:,} different, {found.missing:,} without an offline row yet"
        )
        self._parity.classes(replace="bad" if found.mismatch else "good")


def _kind(role: str) -> str:
    return {"champion": "good", "challenger": "warn"}.get(role, "dim")


def _row(each: Version) -> list[str]:
    gain = 100 * (1 - each.mae / each.baseline_mae) if each.baseline_mae else np.nan
    return [
        each.model,
        str(each.number),
        Cell(", ".join(each.aliases), _kind((*each.aliases, "")[0])),
        f"{each.mae:.3f} {each.unit}",
        f"{each.baseline_mae:.3f} {each.unit}",
        f"{gain:.1f} %",
        each.kind,
        each.feature_service,
        each.definitions,
    ]


def _empty() -> dict[str, Any]:
    return chart(
        grid={"left": 56, "right": 16, "top": 12, "bottom": 44},
        xAxis={"type": "category", "data": []},
        yAxis=axis(""),
        series=[],
        tooltip={"trigger": "axis", "renderMode": "richText"},
        legend={"show": False},
    )


def _round(value: float | None) -> float | None:
    return None if value is None or value != value else round(float(value), 4)
