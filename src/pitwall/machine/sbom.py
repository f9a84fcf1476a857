"""The bill of materials in CycloneDX 1.5, from the two locks.

`python -m pitwall.machine.sbom` prints it.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pitwall.machine.jars import read_lock
from pitwall.settings import DISTRIBUTION

_ROW = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)[^\n]*\\\n((?: +--hash=sha256:\w+(?: \\)?\n)+)", re.MULTILINE
)


def bill(lock: Path) -> dict[str, Any]:
    """The packages of a `requirements.lock` and all jars.

    Packages have no hash here: the lock holds the hashes of several files for each.
    """
    packages = [
        {
            "type": "library",
            "name": row[1],
            "version": row[2],
            "purl": f"pkg:pypi/{row[1]}@{row[2]}",
        }
        for row in _ROW.finditer(lock.read_text())
    ]
    jars = []
    for jar in read_lock():
        group, artifact, number, *classifier = jar.coordinate.split(":")
        purl = f"pkg:maven/{group}/{artifact}@{number}" + (
            f"?classifier={classifier[0]}" if classifier else ""
        )
        jars.append(
            {
                "type": "library",
                "group": group,
                "name": artifact,
                "version": number,
                "purl": purl,
                "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
            }
        )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": DISTRIBUTION,
                "version": version(DISTRIBUTION),
            }
        },
        "components": [*packages, *jars],
    }


if __name__ == "__main__":
    from pitwall.settings import Settings

    print(json.dumps(bill(Settings().repository / "requirements.lock"), indent=1))
