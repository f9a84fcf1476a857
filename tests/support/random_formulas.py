"""Formulas of the language's whole grammar, and doubles of every kind, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

CHANNELS = ("Speed", "Throttle", "nWheelFL", "LapDistance")
"""The channels that the formulas name."""
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_ONE = ("abs", "sqrt", "exp", "log", "sin", "cos", "sign", "round", "floor")
_KEEPING = ("previous", "hold", "rate")

doubles = st.one_of(
    st.floats(-500, 500),
    st.integers(-20, 20).map(float),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.7e308, -1.7e308, 5e-324, 2.0**31, 1e6, 710.0, 0.5]),
)
"""Any double, and often one that a car sends."""


def _numbers() -> st.SearchStrategy[str]:
    plain = st.floats(0, 1000).map(repr)
    return st.one_of(plain, st.integers(0, 12).map(str), st.sampled_from(["1e-9", "1e300", "0.5"]))


def _atoms() -> st.SearchStrategy[str]:
    # A factor makes the unit loose, so that the parts agree.
    channels = st.sampled_from(CHANNELS).map("({} * 1)".format)
    return st.one_of(channels, channels, _numbers())


def _conditions(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compared = st.builds("({} {} {})".format, values, st.sampled_from(_COMPARISONS), values)
    return st.one_of(
        compared,
        st.builds("({} < {} <= {})".format, values, values, values),
        st.builds("({} {} {})".format, compared, st.sampled_from(("and", "or")), compared),
        compared.map("(not {})".format),
    )


def _larger(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    conditions = _conditions(values)
    spans = st.sampled_from(("lap", "session"))
    resets = st.one_of(spans, conditions)
    return st.one_of(
        st.builds("({} {} {})".format, values, st.sampled_from("+-*/%"), values),
        st.builds("({} * 1) ** {}".format, values, st.integers(0, 8)).map("({})".format),
        values.map("(-{})".format),
        st.builds("{}({})".format, st.sampled_from(_ONE), values),
        st.builds("{}({}, {})".format, st.sampled_from(("min", "max", "atan2")), values, values),
        st.builds("clip({}, {}, {})".format, values, values, values),
        st.builds("where({}, {}, {})".format, conditions, values, values),
        st.builds("{}({})".format, st.sampled_from(_KEEPING), values),
        st.builds("smooth({}, {})".format, values, st.sampled_from(("0.1", "5", "1e-6"))),
        st.builds("integral({}, reset={})".format, values, resets),
        st.builds("count_of({}, over={})".format, conditions, spans),
        conditions.map("time_since({})".format),
        st.builds(
            "{}({}, over={})".format,
            st.sampled_from(("stat_min", "stat_max", "stat_mean")),
            values,
            spans,
        ),
    )


formulas = st.recursive(_atoms(), _larger, max_leaves=12)
"""The text of a formula, which may yet be refused for its units or a number that is none."""
powers = st.builds("(Speed / 1) ** (Throttle / {})".format, st.sampled_from(("1", "2", "7")))
"""Powers of two channels."""
