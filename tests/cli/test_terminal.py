"""Progress where standard error is no terminal: a line a step, not one for each number."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pitwall.cli import terminal


def test_a_step_is_written_when_its_name_changes_and_when_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with terminal.progress() as step:
        for done in range(1, 571):
            step(f"jars {done} of 570, {done * 0.9:.1f} MB", done / 570)
        step("kafka starting", None)
        step("cassandra starting", None)
        step("kafka up", None)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "jars 1 of 570, 0.9 MB",
        "jars 570 of 570, 513.0 MB",
        "kafka starting",
        "cassandra starting",
        "kafka up",
    ]


def test_a_step_that_goes_on_is_written_again_after_a_while(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.time, "monotonic", iter([0.0, 2.0, 6.0, 7.0]).__next__)
    with terminal.progress() as step:
        for ticks in (1, 2, 3, 4):
            step(f"features {ticks}/9 ticks", ticks / 9)
    assert capsys.readouterr().err.splitlines() == ["features 1/9 ticks", "features 3/9 ticks"]


def test_a_childs_steps_that_count_tell_the_share_that_is_done() -> None:
    steps: list[tuple[str, float | None]] = []
    lines = [
        "step choosing laps\n",
        "step laps left out, fold 3 of 8\n",
        "step features of 20220217 (8 of 8)\n",
        "step 3 of 0\n",
        "no room\n",
    ]
    assert terminal.steps_of_child(lines, lambda *step: steps.append(step)) == ["no room"]
    assert steps == [
        ("choosing laps", None),
        ("laps left out, fold 3 of 8", 0.375),
        ("features of 20220217 (8 of 8)", 1.0),
        ("3 of 0", None),
    ]


def test_a_program_that_takes_this_ones_place_writes_to_standard_output() -> None:
    code = (
        "import os\n"
        "from pitwall.cli.terminal import given_stdout, reserve_stdout\n"
        "reserve_stdout()\n"
        "with given_stdout():\n    os.system('echo given')\n"
        "os.system('echo kept back')\n"
        "with given_stdout():\n    os.execvp('echo', ['echo', 'taken over'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "given\ntaken over\n" and done.stderr == "kept back\n"
