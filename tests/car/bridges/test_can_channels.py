from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pitwall.car.bridges.can_channels import SignalChannel, channels_of
from pitwall.car.bridges.can_frames import Frame, Signals
from pitwall.channels import names

DBC = """VERSION ""
NS_ :
BS_:
BU_: ECU LOGGER
BO_ 256 Ecu: 8 ECU
 SG_ Vehicle_Speed : 0|16@1+ (0.01,0) [0|400] "mph" LOGGER
 SG_ Eng_RPM : 16|16@1+ (1,0) [0|20000] "1/min" LOGGER
 SG_ CLT : 32|16@1+ (0.1,0) [0|400] "degF" LOGGER
 SG_ OilTemp : 48|16@1+ (0.1,0) [0|400] "" LOGGER
"""


def test_signals_are_the_channels_that_their_names_mean(tmp_path: Path) -> None:
    path = tmp_path / "car.dbc"
    path.write_text(DBC)
    signals = Signals(path)
    data = struct.pack("<4H", 6000, 7000, 2120, 900)
    tick = signals.part(Frame(1.0, 256, False, data), "Car", "20240304-140506-can", 0.5)
    assert tick is not None
    sent = dict(
        zip(tick.layout.names, zip(tick.layout.units, tick.values, strict=True), strict=True)
    )
    assert sent["Speed"] == ("mph", pytest.approx(60.0)), "the job converts it"
    assert sent["EngineRpm"] == ("1/min", 7000)
    assert sent["WaterTemperature"] == ("°C", pytest.approx(100.0)), "the job knows no offset"
    assert sent["OilTemp"] == ("", 90.0), "°C or °F is not told"
    assert signals.renamed == {
        "Vehicle_Speed": "Speed",
        "Eng_RPM": "EngineRpm",
        "CLT": "WaterTemperature",
    }
    assert signals.doubts() == []


@pytest.mark.parametrize(
    ("signals", "sent"),
    [
        # The name of the channel itself wins, also where its unit is not understood.
        (
            [("VehicleSpeed", "km/h"), ("Speed", "km/h")],
            [("VehicleSpeed", "km/h"), ("Speed", "km/h")],
        ),
        ([("VehicleSpeed", "km/h"), ("Speed", "x")], [("VehicleSpeed", "km/h"), ("Speed", "x")]),
        # Of two other names, the one that stands first in names.yaml.
        ([("VSS", "mph"), ("Ground Speed", "km/h")], [("VSS", "mph"), ("Speed", "km/h")]),
        ([("VSS", "furlongs")], [("VSS", "furlongs")]),
        ([("KPH", "")], [("Speed", "km/h")]),
        ([("Frobnication", "bar")], [("Frobnication", "bar")]),
        ([("Gear_Pos", "")], [("Gear", "")]),
        ([("Car_Pos_Norm", "")], [("Car_Pos_Norm", "")]),
    ],
)
def test_one_signal_is_one_channel(
    signals: list[tuple[str, str]], sent: list[tuple[str, str]]
) -> None:
    channels = channels_of(dict(enumerate(signals)), names.load())
    assert list(channels.values()) == [SignalChannel(*pair) for pair in sent]
