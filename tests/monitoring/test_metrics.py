"""Names that come from a car or a registry stay inside of their labels."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from pitwall.kafka.unreadable import Unreadable
from pitwall.monitoring.metrics import exposition

HOSTILE = 'a"} 1\npitwall_drift_alarm{vehicle="x\\'


def test_a_hostile_name_is_one_label() -> None:
    unreadable = Unreadable("page")
    unreadable.damaged[HOSTILE] = 3
    text = exposition({}, {(HOSTILE, HOSTILE): [HOSTILE]}, unreadable)
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    (alarm,) = [one for one in samples if one.name == "pitwall_drift_alarm"]
    assert alarm.labels == {"vehicle": HOSTILE, "session": HOSTILE, "channel": HOSTILE}
    (left_out,) = [one for one in samples if one.labels.get("topic") == HOSTILE]
    assert left_out.value == 3


def test_no_module_writes_prometheus_text_by_itself() -> None:
    from pathlib import Path

    import pitwall

    for path in Path(pitwall.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert "# TYPE " not in text and "# HELP " not in text, path
