"""Run Feast's own suite of universal tests on our stores, beside Feast's: `run.py CHECKOUT`.

CHECKOUT is the folder of a checkout of Feast's repository; the suite is not in Feast's wheel. The
script makes an environment for the suite in the cache folder, starts a Cassandra of its own, runs
the suite on Feast's local stores and on ours, and prints a table: a line for each file, and a line
for each test that passes on Feast's stores and not on ours, with the reason (`GAPS`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from pitwall.errors import PitwallError, UsageError
from pitwall.local.stack import Stack
from pitwall.machine import jars
from pitwall.machine.sandbox import sandbox
from pitwall.settings import Settings

FILES = """
online_store/test_universal_online.py online_store/test_universal_online_types.py
online_store/test_push_features_to_online_store.py online_store/test_universal_e2e.py
offline_store/test_universal_historical_retrieval.py offline_store/test_universal_types.py
offline_store/test_universal_materialization.py offline_store/test_persist.py
offline_store/test_push_features_to_offline_store.py offline_store/test_feature_logging.py
offline_store/test_offline_write.py offline_store/test_non_entity_mode.py
materialization/test_universal_materialization.py registration/test_inference.py
registration/test_universal_odfv_feature_inference.py
""".split()
"""Files of the suite, in `sdk/python/tests/integration`, that ask the stores something."""
NEEDS = """
testcontainers keyring python-keycloak pytest-env pytest-asyncio pytest-lazy-fixtures pytest-mock
assertpy google-cloud-bigquery google-cloud-storage deltalake moto minio requests-toolbelt
""".split()
"""What the suite imports beside our own packages."""

OUR_TTL = "a row older than the view's TTL is not given, where Feast's stores give it"
OUR_TYPES = "a feature has the type that its view declares, as online, where Feast's has the file's"
GAPS = {
    ("materialization.test_universal_materialization", "test_odfv_write_methods"): OUR_TTL,
    ("online_store.test_universal_online", "test_online_retrieval_with_event_timestamps"): OUR_TTL,
    ("offline_store.test_universal_types", "test_feature_get_historical_features_types_match"): (
        OUR_TYPES
    ),
}
"""Tests that our stores do not pass on purpose, with the reason."""

Outcomes = dict[tuple[str, str], str]
"""How each test ended (passed, failed, error, skipped), by its file and its name."""


def environment(settings: Settings) -> Path:
    """The Python of the suite: our packages at their versions, and what the suite imports."""
    folder = settings.cache_dir / "feast-suite"
    python = folder / "bin" / "python"
    if (folder / "installed").exists():
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    ours = subprocess.run(
        [uv, "pip", "freeze", "--quiet", "--python", sys.executable], capture_output=True, text=True
    ).stdout
    folder.parent.mkdir(parents=True, exist_ok=True)
    versions = folder.with_suffix(".txt")
    versions.write_text("\n".join(line for line in ours.splitlines() if "==" in line))
    install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True)
    subprocess.run(
        [*install, "-c", str(versions), "-e", f"{settings.repository}[dev]", *NEEDS], check=True
    )
    (folder / "installed").touch()
    return python


def run(python: Path, checkout: Path, stores: str, more: dict[str, str]) -> Outcomes:
    """Run the suite on the stores of the module `stores` beside this file."""
    tests = checkout / "sdk" / "python"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [
                str(python),
                *("-m", "pytest", "--integration", "-q", "-p", "no:cacheprovider"),
                *("--timeout", "600", f"--junitxml={report}"),
                *(f"tests/integration/{file}" for file in FILES),
            ],
            cwd=tests,
            env={
                **os.environ,
                **more,
                "FULL_REPO_CONFIGS_MODULE": stores,
                "FEAST_IS_LOCAL_TEST": "True",
                "FEAST_USAGE": "False",
                "IS_TEST": "True",
                "PYTHONPATH": os.pathsep.join([".", str(Path(__file__).parent)]),
            },
        )
        if not report.exists():
            raise UsageError(f"the suite did not run in {tests}; give a checkout of Feast")
        return outcomes(report)


def outcomes(report: Path) -> Outcomes:
    """How the tests of a JUnit report ended."""
    ended: Outcomes = {}
    seen: Counter[tuple[str, str]] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        kind = "failed" if "failure" in kinds else "error" if "error" in kinds else "passed"
        kind = "skipped" if "skipped" in kinds else kind
        file = case.get("classname", "").removeprefix("tests.integration.")
        # The name of the stores is part of a parameter, so that parameters go by their number.
        name = case.get("name", "").split("[")[0]
        seen[file, name] += 1
        ended[file, f"{name} {seen[file, name]}"] = kind
    return ended


def table(feast: Outcomes, ours: Outcomes) -> list[str]:
    """The lines of the table, in Markdown."""
    lines = ["| file | Feast's stores | ours |", "| --- | --- | --- |"]
    for file in dict.fromkeys(file for file, _ in feast):
        counts = [
            f"{sum(kind == 'passed' for (f, _), kind in run.items() if f == file)} of "
            f"{sum(kind != 'skipped' for (f, _), kind in run.items() if f == file)}"
            for run in (feast, ours)
        ]
        lines.append(f"| {file} | {counts[0]} | {counts[1]} |")
    return lines


def gaps(feast: Outcomes, ours: Outcomes) -> dict[tuple[str, str], list[str]]:
    """Tests that pass on Feast's stores and not on ours, by file and name: how each ended."""
    found: dict[tuple[str, str], list[str]] = {}
    for (file, name), kind in feast.items():
        if kind == "passed" and ours.get((file, name)) != "passed":
            ended = ours.get((file, name), "did not run")
            found.setdefault((file, name.rsplit(" ", 1)[0]), []).append(ended)
    return found


def main() -> None:
    """Run both, and print the table. Ends with 1 where ours fall behind without a reason."""
    if len(sys.argv) != 2:
        raise UsageError("usage: run.py CHECKOUT, the folder of a checkout of Feast's repository")
    checkout = Path(sys.argv[1]).resolve()
    python = environment(Settings())
    feast = run(python, checkout, "feast_stores", {})
    with sandbox() as settings:
        jars.fetch(settings.cache_dir / "m2")
        with Stack(settings) as stack:
            stack.start(["cassandra"])
            login = {
                "PITWALL_SUITE_PORT": str(settings.cassandra_port),
                "PITWALL_SUITE_PASSWORD": settings.secret("cassandra").get_secret_value(),
            }
            ours = run(python, checkout, "our_stores", login)
    print("\n".join(table(feast, ours)), "\n")
    found = gaps(feast, ours)
    for (file, name), ended in found.items():
        reason = GAPS.get((file, name), "NO REASON IS KNOWN: " + ", ".join(sorted(set(ended))))
        print(f"- `{file}` {name} ({len(ended)}): {reason}")
    sys.exit(any(key not in GAPS for key in found))


if __name__ == "__main__":
    try:
        main()
    except PitwallError as error:
        sys.exit(str(error))
