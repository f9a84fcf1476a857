"""What a model was made from: code, environment, definitions, and its own fingerprint."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pitwall.features import load
from pitwall.settings import DISTRIBUTION, Settings


def definitions(settings: Settings) -> str:
    """Digests of the definitions of all feature sets."""
    return ",".join(features.digest for features in load(settings.feature_repo))


def meanings(settings: Settings, view: str, inputs: Iterable[str]) -> dict[str, str]:
    """What each input means now, by its name; without those that the view does not have."""
    sets = {features.name: features.meanings for features in load(settings.feature_repo)}
    of_view = sets.get(view, {})
    return {name: of_view[name] for name in inputs if name in of_view}


def environment(settings: Settings) -> dict[str, str]:
    """Commit (empty outside a checkout), digests of the training code and the lock, versions."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=settings.repository, capture_output=True, text=True
    ).stdout.strip()
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    lock = settings.repository / "requirements.lock"
    return {
        "commit": commit,
        "code_sha256": code.hexdigest()[:16],
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.exists() else "",
        "python": platform.python_version(),
        **{name: version(name) for name in (DISTRIBUTION, "scikit-learn", "numpy", "pandas")},
    }


def fingerprint(model: Any) -> str:
    """SHA-256 of all that a fitted estimator holds: types, names, numbers, bytes of its arrays."""
    digest = hashlib.sha256()
    _walk(model, digest.update, set())
    return digest.hexdigest()


def _walk(value: Any, write: Any, above: set[int]) -> None:
    write(type(value).__name__.encode() + b"\x1e")
    if isinstance(value, np.ndarray):
        write(
            str((value.dtype.descr if value.dtype.names else value.dtype.str, value.shape)).encode()
        )
        if value.dtype == object:
            for each in value.ravel().tolist():
                _walk(each, write, above)
        elif value.dtype.names:
            for name in value.dtype.names:
                write(np.ascontiguousarray(value[name]).tobytes())
        else:
            write(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            write(str(key).encode() + b"\x1f")
            _walk(value[key], write, above)
    elif isinstance(value, list | tuple):
        for each in value:
            _walk(each, write, above)
    elif isinstance(value, np.random.RandomState):
        _walk(value.get_state(legacy=False), write, above)
    elif isinstance(value, np.random.Generator):
        _walk(value.bit_generator.state, write, above)
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        if id(value) in above:
            return
        _walk(vars(value), write, above | {id(value)})
    elif isinstance(value, str | bytes | int | float | bool | np.generic | type(None)):
        write(repr(value).encode())
