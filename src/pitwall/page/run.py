"""Starts the web server of the live page: `python -m pitwall.page.run`."""

from __future__ import annotations

import os
import zipfile
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.websockets import WebSocket

from pitwall import logs
from pitwall.machine import certificates, jars
from pitwall.settings import Settings

UPLOT = "META-INF/resources/webjars/uplot/1.6.30/dist/"
"""Folder of uPlot in its jar."""
UPLOT_FILES = ("uPlot.iife.min.js", "uPlot.min.css")
OWN_FILES = ("page.css", "column.js", "strips.js")


def main() -> None:
    """Serve the page on the host and port of the settings until the process ends."""
    settings = Settings()
    # NiceGUI reads the variable when it is imported.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(settings.home_dir / "page"))

    from nicegui import app, core, ui

    from pitwall.page.data import export
    from pitwall.page.data.feed import Feed
    from pitwall.page.data.health import Health
    from pitwall.page.data.recorded import Archive
    from pitwall.page.data.registry import Registry
    from pitwall.page.views.analysis import Analysis
    from pitwall.page.views.live import Live
    from pitwall.page.views.models import Models
    from pitwall.page.views.services import services_view
    from pitwall.page.web import backlog, stream
    from pitwall.page.web.login import Login
    from pitwall.page.web.shell import STATIC

    (jar,) = jars.classpath("page", settings.cache_dir / "m2")
    with zipfile.ZipFile(jar) as archived:
        uplot = {name: archived.read(UPLOT + name) for name in UPLOT_FILES}

    archive = Archive(settings)
    feed = Feed(settings, archive)
    health = Health(settings)
    registry = Registry(settings)
    app.on_startup(lambda: logs.setup(settings))  # uvicorn has its handlers by then
    app.on_shutdown(lambda: [part.close() for part in (feed, health, registry, archive)])

    @ui.page("/")
    def live(request: Request) -> None:
        ui.add_head_html(
            "<link rel='stylesheet' href='/assets/uPlot.min.css'>"
            "<script src='/assets/uPlot.iife.min.js'></script>"
            "<script src='/assets/column.js'></script>"
            "<script src='/assets/strips.js'></script>"
        )
        Live(feed, archive, health, dict(request.query_params))

    @ui.page("/analysis")
    def analysis(request: Request) -> None:
        Analysis(archive, dict(request.query_params))

    @ui.page("/models")
    def models() -> None:
        Models(settings, feed, registry)

    @ui.page("/services")
    def services() -> None:
        services_view(settings)

    @app.get("/health")
    def health_check() -> Response:
        problems = [*feed.problems, *filter(None, (health.problem, registry.problem))]
        return JSONResponse({"ok": not problems, "problems": problems}, 503 if problems else 200)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(feed.metrics(), media_type="text/plain; version=0.0.4")

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        if name in uplot:
            media_type = "text/css" if name.endswith(".css") else "text/javascript"
            return Response(uplot[name], media_type=media_type)
        if name in OWN_FILES:
            return FileResponse(STATIC / name)
        return Response("There is no such asset.", 404)

    @app.get("/export")
    def exported_laps(request: Request) -> Response:
        return export.answer(archive, dict(request.query_params))

    @app.websocket("/stream")
    async def column_stream(socket: WebSocket) -> None:
        await stream.serve(socket, feed, archive)

    backlog.bound(core.sio.eio)
    app.add_middleware(Login, settings=settings)
    tls: dict[str, Any] = {}
    if settings.tls:
        certificate = certificates.server_certificate(settings)
        tls = {"ssl_certfile": certificate.certificate, "ssl_keyfile": certificate.key}
    ui.run(
        host=settings.host,
        port=settings.page_port,
        title="pitwall",
        reload=False,
        show=False,
        show_welcome_message=False,
        dark=True,
        reconnect_timeout=30,
        timeout_keep_alive=settings.keep_alive_s,
        **tls,
    )


if __name__ in {"__main__", "__mp_main__"}:
    main()
