"""The models view: versions, their errors beside the baseline's, drift, parity, and what predictions are made of."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from nicegui import ui

from pitwall.errors import PitwallError
from pitwall.page.feed import Feed
from pitwall.page.laps import forecast, laps_of
from pitwall.page.registry import Registry, Version
from pitwall.page.session import Floats, LiveSession, Predicted, column
from pitwall.page.shell import Cell, HtmlTable, every, page, panel
from pitwall.page.theme import DIM, LINES, TEXT, axis, chart
from pitwall.settings import Settings

PARTS = 10


class Models:
    """One viewer's models view."""

    def __init__(self, settings: Settings, feed: Feed, registry: Registry) -> None:
        self._settings, self._feed, self._registry = settings, feed, registry
        self._drawn: Any = None
        with page("/models"):
            self._note = ui.label("Asking MLflow …").classes("empty").props('role="status"')
            with ui.element("div").style("display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:.6rem;width:100%"):
                with panel("Versions: mean absolute error over laps the model never saw", "wide"):
                    self._versions = HtmlTable(
                        ("Model", "Version", "Role", "Error", "Baseline", "Gain", "Made as", "Features", "Definitions"), "versions"
                    )
                with panel("Champion against baseline, lap by lap out of lap"):
                    self._by_lap = ui.echart(_empty()).classes("w-full").style("height:19rem")
                with panel("Lap time: error [s] by part of the lap"):
                    self._by_part = ui.echart(_empty()).classes("w-full").style("height:19rem")
                    self._part_note = ui.label("").classes("dim text-xs")
                with panel("Drift: the virtual speed sensor against the measured speed"):
                    self._drift = HtmlTable(("Session", "Vehicle", "Off by, last 30 s", "In training", "Times"), "drift")
                with panel("Live: predictions that met their truth, error by tenth of the lap, and sensors in doubt", "wide"):
                    parts = [f"{100 * n // PARTS}–{100 * (n + 1) // PARTS} %" for n in range(PARTS)]
                    self._live = HtmlTable(("Model", "Version", "Error", "Within interval", "Predictions", *parts), "live-error")
                    self._doubt = ui.label("").props('data-fact="doubt"')
                with panel("Parity: online store against offline store, bit for bit"):
                    self._parity = ui.label("Not checked yet.").props('data-fact="parity"')
                    self._check = ui.button("Check now", on_click=self._compare).props("flat dense no-caps").classes("self-start")
                with panel("The newest predictions and what they were made of", "wide"):
                    self._made = ui.element("div").classes("w-full")
        every(1.0, self._refresh)

    async def _refresh(self) -> None:
        registry = self._registry
        self._note.set_visibility(registry.state != "live" or not registry.versions)
        self._note.set_text(registry.state if registry.state not in ("live", "connecting") else "Asking MLflow …" if registry.state == "connecting"
                            else "No model is registered yet. Train one: ./pitwall train lap_time")  # fmt: skip
        self._versions.show([_row(each, registry) for each in registry.versions], "No version yet.")
        now = tuple((each.model, each.number, each.aliases) for each in registry.versions)
        if now != self._drawn:
            self._drawn = now
            await self._draw_by_lap()
        await self._draw_by_part()
        self._draw_drift()
        self._draw_live()
        await self._show_made()

    async def _draw_by_lap(self) -> None:
        champion = self._registry.champion("lap_time")
        if champion is None:
            return
        found = await asyncio.to_thread(self._registry.errors_by_lap, champion)
        names = list(found)
        laps = list(dict.fromkeys(lap for each in found.values() for lap in each))
        labels = [lap.split("/", 1)[-1] for lap in laps]
        series = [{"type": "bar", "name": name, "itemStyle": {"color": LINES[at % len(LINES)]}, "data": [_round(found[name].get(lap)) for lap in laps]}
                  for at, name in enumerate(names)]  # fmt: skip
        self._by_lap.options.update(
            xAxis={"type": "category", "data": labels, "axisLabel": {"color": DIM, "show": len(labels) < 12, "rotate": 20}},
            yAxis=axis(f"error [{champion.unit}]", scale=False), series=series,
        )  # fmt: skip
        self._by_lap.update()

    async def _draw_by_part(self) -> None:
        champion = self._registry.champion("lap_time")
        model, baseline, laps = errors_by_part(list(self._feed.sessions.values()), self._feed.errors.get("lap_time", np.nan))
        drawn = (laps, len(self._feed.sessions), champion.number if champion else None)
        if drawn == getattr(self, "_parts", None):
            return
        self._parts = drawn
        trained = await asyncio.to_thread(self._registry.errors_by_part, champion) if champion else {}
        lines = [(f"{name}, in training", values, "dashed") for name, values in trained.items() if not name.startswith("walk_")]
        lines += [("model, live", model, "solid"), ("pace ratio, live", baseline, "solid")]
        self._part_note.set_text(
            "Live: " + (f"{laps} whole laps driven since the page was started." if laps else "no whole lap with predictions yet.")
        )
        self._by_part.options.update(
            xAxis={"type": "category", "data": [f"{100 * n // PARTS}–{100 * (n + 1) // PARTS} %" for n in range(PARTS)], "axisLabel": {"color": DIM}},
            yAxis=axis("mean absolute error [s]", scale=False),
            series=[{"type": "line", "name": name, "itemStyle": {"color": LINES[at % len(LINES)]}, "lineStyle": {"type": kind},
                     "data": [_round(v) for v in values]} for at, (name, values, kind) in enumerate(lines)],
        )  # fmt: skip
        self._by_part.update()

    def _draw_drift(self) -> None:
        rows = []
        expected = self._feed.errors.get("speed_sensor", np.nan)
        for session in self._feed.ordered():
            made = list(session.predictions.get("speed_sensor", ()))[-300:]
            if not made:
                continue
            off = residual(session.trail.since(0)[1], made)
            times = off / expected if expected else np.nan
            rows.append(
                [
                    session.session,
                    session.vehicle,
                    f"{off:.2f} km/h",
                    f"{expected:.2f} km/h",
                    Cell(f"{times:.1f}", "bad" if times > 3 else "good"),
                ]
            )
        self._drift.show(rows, "No prediction of the virtual sensor has been heard.")

    def _draw_live(self) -> None:
        watch = self._feed.watch
        rows = [
            [
                model, str(version), f"{score.mae:.3g} {score.unit}", f"{score.held / score.promised:.0%}" if score.promised else "–",
                f"{score.count.sum():,.0f}", *("–" if mean is None else f"{mean:.2g}" for mean in score.by_part()),
            ]
            for (model, version), score in sorted(watch.truths.scores.items())
        ]
        self._live.show(rows, "No lap has ended since the page was started.")
        raised = watch.raised()
        self._doubt.set_text("   ".join(f"{session}: {', '.join(names)}" for (_, session), names in raised.items()) or "No sensor is in doubt.")
        self._doubt.classes(replace="bad" if raised else "good")

    async def _show_made(self) -> None:
        newest = [
            (session, model, made[-1])
            for session in self._feed.ordered()[:4]
            for model, made in sorted(session.predictions.items())
            if made
        ]
        now = tuple((s.session, model, p.time_s) for s, model, p in newest)
        if now == getattr(self, "_shown", None):
            return
        self._shown = now
        rows = []
        for session, model, made in newest:
            version = next(
                (v for v in self._registry.versions if v.model == model.removesuffix(" challenger") and v.number == made.version), None
            )
            names = await asyncio.to_thread(self._registry.inputs, version) if version else []
            rows.append((session, model, made, version, names))
        self._made.clear()
        with self._made:
            if not rows:
                ui.label("No prediction has been heard: is the scorer up? See Services.").classes("empty")
            for session, model, made, version, names in rows:
                unit = version.unit if version else ""
                about = f", features {version.tags.get('feature_service', '')} ({version.tags.get('definitions', '')})" if version else ""
                ui.label(
                    f"{model} version {made.version}: {made.value:.4g} {unit} for {session.vehicle}, {session.session} at {made.time_s:.2f} s{about}"
                )
                values = _inputs(session, made, names)
                ui.label("  ".join(f"{name} {value}" for name, value in values)).classes("dim text-xs").props('data-fact="made"')

    async def _compare(self) -> None:
        from pitwall.parity import compare, online_rows

        names = [each.session for each in self._feed.ordered() if not each.running] or [each.session for each in self._feed.ordered()]
        if not names:
            self._parity.set_text("No session has been heard that could be compared.")
            return
        self._parity.set_text(f"Comparing {len(names)} sessions …")
        try:
            found = await asyncio.to_thread(lambda: compare(self._settings, online_rows(self._settings, names)))
        except PitwallError as error:
            self._parity.set_text(str(error))
            return
        self._parity.set_text(f"{found.match:,} values equal, {found.mismatch:,} different, {found.missing:,} without an offline row yet")
        self._parity.classes(replace="bad" if found.mismatch else "good")


def errors_by_part(sessions: list[LiveSession], typical: float) -> tuple[list[float], list[float], int]:
    """Mean absolute error (s) of the lap-time model and the pace ratio in each tenth of the lap, and the laps it is of."""
    sums = np.zeros((2, PARTS, 2))
    count = 0
    for session in sessions:
        made = list(session.predictions.get("lap_time", ()))
        if not made:
            continue
        trail = session.trail.since(0)[1]
        for lap in laps_of(trail):
            if not lap.whole:
                continue
            one = forecast(trail, lap, made, typical)
            if not len(one.value):
                continue
            count += 1
            for row, (metres, value) in enumerate(((one.distance_m, one.value), (one.baseline_m, one.baseline))):
                good = np.isfinite(metres) & np.isfinite(value)
                part = np.clip((metres[good] / np.nanmax(one.baseline_m) * PARTS).astype(int), 0, PARTS - 1)
                np.add.at(sums[row, :, 0], part, np.abs(value[good] - lap.time_s))
                np.add.at(sums[row, :, 1], part, 1)
    with np.errstate(invalid="ignore"):
        means = sums[:, :, 0] / sums[:, :, 1]
    return means[0].tolist(), means[1].tolist(), count


def residual(trail: Floats, made: list[Predicted]) -> float:
    """Mean absolute difference between predicted and measured speed, km/h."""
    measured = np.interp([p.time_s for p in made], column(trail, "session_time"), column(trail, "speed"))
    return float(np.nanmean(np.abs(np.array([p.value for p in made]) - measured)))


def _inputs(session: LiveSession, made: Predicted, names: list[str]) -> list[tuple[str, str]]:
    _, block = session.rows.since(0)
    if not len(block) or not names:
        return [("inputs", "no longer in memory")]
    row = block[int(np.argmin(np.abs(block[:, session.names.index("session_time")] - made.time_s)))]
    return [(name, f"{row[session.names.index(name)]:.4g}" if name in session.names else "–") for name in names]


def _row(each: Version, registry: Registry) -> list[str]:
    champion = registry.champion(each.model)
    role = ", ".join(each.aliases) or ("challenger" if champion and each.number > champion.number else "")
    gain = 100 * (1 - each.mae / each.baseline_mae) if each.baseline_mae else np.nan
    return [each.model, str(each.number), Cell(role, "good" if "champion" in each.aliases else "dim"), f"{each.mae:.3f} {each.unit}",
            f"{each.baseline_mae:.3f} {each.unit}", f"{gain:.1f} %", each.kind, each.tags.get("feature_service", ""), each.tags.get("definitions", "")]  # fmt: skip


def _empty() -> dict[str, Any]:
    return chart(grid={"left": 56, "right": 10, "top": 28, "bottom": 44}, xAxis={"type": "category", "data": []}, yAxis=axis(""), series=[],
                 tooltip={"trigger": "axis", "renderMode": "richText"}, legend={"top": 0, "textStyle": {"color": TEXT}})  # fmt: skip


def _round(value: float | None) -> float | None:
    return None if value is None or value != value else round(float(value), 4)
