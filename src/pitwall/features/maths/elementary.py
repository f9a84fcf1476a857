"""exp, log, sin, cos, atan2 and powers by +, −, × and ÷ of doubles alone.

The C library under Python, NumPy and Java's StrictMath differ in the last bit of these functions.
Here they are sums of their series after a reduction of the argument. IEEE 754 defines each
operation to the bit, so the operator, which does the same operations in the same order
(`pitwall/maths/Elementary.java`), gives the same bits on every machine. Results are within 2 units
in the last place; powers with an exponent that is no whole number are within 1 part in 10¹².

Each function takes finite numbers and gives NaN where there is no finite result.
"""

from __future__ import annotations

import math

NAN = math.nan
LARGEST_ANGLE = 1e6
"""Angles beyond it, in rad, have no sine: a reduction in doubles would lose their last digits."""
LARGEST_WHOLE = 2**31
"""Whole exponents up to it are computed by multiplications."""

_LARGEST_EXP = 709.782712893384
_LEAST_EXP = -745.2
_ROOT_HALF = 0.7071067811865476
_PER_LN2 = float.fromhex("0x1.71547652b82fep+0")
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_PER_RIGHT = float.fromhex("0x1.45f306dc9c883p-1")
"""2/π, which counts the right angles of an angle."""
_RIGHT = (
    float.fromhex("0x1.921fb54400000p+0"),
    float.fromhex("0x1.0b4611a600000p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
"""π/2 in three parts, the first two of at most 33 bits, so that a product with a count is exact."""
_HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
_QUARTER_PI = float.fromhex("0x1.921fb54442d18p-1")
_PI = float.fromhex("0x1.921fb54442d18p+1")
_PI_LOW = float.fromhex("0x1.1a62633145c07p-53")
"""π less the double next to it."""
_TAN_EIGHTH = 0.41421356237309503
"""tan(π/8): beyond it an arc tangent is taken from π/4."""

_EXP = [1 / math.factorial(n) for n in range(13, 1, -1)]
_LOG = [1 / (2 * n + 1) for n in range(11, 0, -1)]
_SIN = [(-1) ** n / math.factorial(2 * n + 1) for n in range(9, 0, -1)]
_COS = [(-1) ** n / math.factorial(2 * n) for n in range(9, 1, -1)]
_ATAN = [(-1) ** n / (2 * n + 1) for n in range(22, 0, -1)]
"""Coefficients of the series, that of the highest power first."""


def _series(coefficients: list[float], x: float) -> float:
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def exp(x: float) -> float:
    """e to the power x: x = k ln 2 + r, and the series of r times two to the power k."""
    if not x <= _LARGEST_EXP:
        return NAN
    if x < _LEAST_EXP:
        return 0.0
    k = round(x * _PER_LN2)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    lost = (high - r) - low
    result = 1.0 + (r + (lost + r * r * _series(_EXP, r)))
    half = k >> 1
    return result * math.ldexp(1.0, half) * math.ldexp(1.0, k - half)


def log(x: float) -> float:
    """Natural logarithm: x = 2^k m with m next to 1, and the series of (m − 1) / (m + 1)."""
    if not x > 0:
        return NAN
    m, k = math.frexp(x)
    if m < _ROOT_HALF:
        m, k = m * 2, k - 1
    f = m - 1
    s = f / (2 + f)
    z = s * s
    # 2 s z R + 2 s, in which f − s f stands for 2 s: it loses nothing for a small f.
    tail = s * (2 * z * _series(_LOG, z) - f) + k * _LN2_LOW
    return k * _LN2_HIGH + (f + tail)


def _reduced(x: float) -> tuple[int, float]:
    """The number of right angles nearest to x, and what is left."""
    n = round(x * _PER_RIGHT)
    a, b, c = _RIGHT
    return n, ((x - n * a) - n * b) - n * c


def _sin(r: float) -> float:
    z = r * r
    return r + r * z * _series(_SIN, z)


def _cos(r: float) -> float:
    z = r * r
    half = 0.5 * z
    w = 1.0 - half
    return w + (((1.0 - w) - half) + z * z * _series(_COS, z))


def sin(x: float) -> float:
    """Sine of an angle in rad."""
    if not abs(x) <= LARGEST_ANGLE:
        return NAN
    n, r = _reduced(x)
    value = _cos(r) if n & 1 else _sin(r)
    return -value if n & 2 else value


def cos(x: float) -> float:
    """Cosine of an angle in rad."""
    if not abs(x) <= LARGEST_ANGLE:
        return NAN
    n, r = _reduced(x)
    value = _sin(r) if n & 1 else _cos(r)
    return -value if (n + 1) & 2 else value


def _atan(t: float) -> float:
    """Arc tangent of a number from 0 to 1."""
    if t > _TAN_EIGHTH:
        u = (t - 1) / (t + 1)
        return _QUARTER_PI + (u + (u * (u * u) * _series(_ATAN, u * u) + 0.25 * _PI_LOW))
    return t + t * (t * t) * _series(_ATAN, t * t)


def atan2(y: float, x: float) -> float:
    """Angle of the point (x, y) in rad, from −π to π; 0 for the point (0, 0)."""
    a, b = abs(y), abs(x)
    if a == 0 and b == 0:
        return 0.0
    angle = _atan(a / b) if a <= b else _HALF_PI - (_atan(b / a) - 0.5 * _PI_LOW)
    if x < 0:
        angle = _PI - (angle - _PI_LOW)
    return -angle if y < 0 else angle


def power(a: float, b: float) -> float:
    """a to the power b. A negative a has a power for whole exponents only."""
    if b == math.floor(b) and abs(b) <= LARGEST_WHOLE:
        return _whole_power(a, int(b))
    if b == 0.5:
        return math.sqrt(a) if a >= 0 else NAN
    if a <= 0:
        return 0.0 if a == 0 and b > 0 else NAN
    return exp(b * log(a))


def _whole_power(a: float, n: int) -> float:
    left, base, result = abs(n), a, 1.0
    while left:
        if left & 1:
            result *= base
        left >>= 1
        base *= base
    if n >= 0:
        return result
    return NAN if result == 0 else 1.0 / result
