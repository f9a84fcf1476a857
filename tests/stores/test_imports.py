"""Feast takes seconds to import: only the modules that Feast itself loads may do so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pitwall.stores

PACKAGE = Path(pitwall.stores.__file__).parent
PLUGINS = {
    "pitwall.stores.online.store",
    "pitwall.stores.online.plan",
    "pitwall.stores.online.reading",
    "pitwall.stores.online.tables",
    "pitwall.stores.online.values",
    "pitwall.stores.online.views",
    "pitwall.stores.online.writing",
    "pitwall.stores.offline.store",
    "pitwall.stores.offline.retrieval",
    "pitwall.stores.offline.views",
}


def test_only_the_modules_of_feasts_plugins_import_feast() -> None:
    modules = {
        ".".join(("pitwall", "stores", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    assert modules >= PLUGINS
    lines = [f"import {module}" for module in sorted(modules - PLUGINS)]
    heavy = "print([name for name in ('feast', 'mlflow', 'pyflink') if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(["import sys", *lines, heavy])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
