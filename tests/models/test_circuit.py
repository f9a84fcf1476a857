"""Which circuit a row of features tells, and what `--circuit` takes."""

from __future__ import annotations

import pytest

from pitwall.errors import UsageError
from pitwall.models.circuit import Circuit, asked, of_metadata, of_tags

HOME = Circuit(4000.0, "Home", ("lap_distance",))


@pytest.mark.parametrize(
    ("distance_m", "fraction", "length_m"),
    [
        (2000, 0.5, None),
        (2000, 2000 / 4079, None),
        (2000, 2000 / 4081, 4081),
        (2000, 2000 / 3919, 3919),
        (4079, None, None),
        (4081, None, 4081),
        (3000, 1, None),
        (99, 0.5, None),
        (100, 0.5, 200),
        (-50, -0.0125, None),
        (None, 0.5, None),
        (None, None, None),
    ],
)
def test_a_row_tells_its_circuit(
    distance_m: float | None, fraction: float | None, length_m: float | None
) -> None:
    other = HOME.other({"lap_distance": distance_m, "lap_fraction": fraction})
    assert other == (None if length_m is None else pytest.approx(length_m))


def test_circuits_are_the_same_by_length_and_by_name_where_both_have_one() -> None:
    assert HOME.same(Circuit(4070.0)) and not HOME.same(Circuit(4090.0))
    assert HOME.same(Circuit(4000.0, "Home")) and not HOME.same(Circuit(4000.0, "Away"))


def test_a_circuit_comes_back_from_metadata_and_tags() -> None:
    assert of_metadata(HOME.metadata()) == HOME
    assert of_metadata(None) is None and of_tags({}) is None
    assert of_tags({"circuit": "Home", "circuit_length_m": "4000.000"}) == Circuit(4000.0, "Home")


@pytest.mark.parametrize(
    ("text", "circuit"),
    [
        ("4000", 4000.0),
        ("4000 m", 4000.0),
        ("20.7km", 20_700.0),
        ("Home", "Home"),
        (" 24 Hours ", "24 Hours"),
    ],
)
def test_what_the_option_takes(text: str, circuit: str | float) -> None:
    assert asked(text) == circuit


@pytest.mark.parametrize("text", ["", " ", "0", "1e9", "2000 km"])
def test_what_the_option_refuses(text: str) -> None:
    if text == "1e9":
        assert asked(text) == text
        return
    with pytest.raises(UsageError, match="--circuit is"):
        asked(text)
