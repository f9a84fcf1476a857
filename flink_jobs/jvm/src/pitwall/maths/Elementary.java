package pitwall.maths;

/**
 * exp, log, sin, cos, atan2 and powers by +, −, × and ÷ of doubles alone: the operations of {@code
 * pitwall/features/maths/elementary.py} in the same order, which gives the same bits. Each function
 * takes finite numbers, or NaN where it has one argument, and gives NaN where there is no result.
 */
final class Elementary {
    private static final double NaN = Double.NaN;
    private static final double LARGEST_ANGLE = 1e6;
    private static final double LARGEST_WHOLE = 0x1p31;
    private static final double LARGEST_EXP = 709.782712893384;
    private static final double LEAST_EXP = -745.2;
    private static final double ROOT_HALF = 0.7071067811865476;
    private static final double PER_LN2 = 0x1.71547652b82fep+0;
    private static final double LN2_HIGH = 0x1.62e42fee00000p-1;
    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;
    private static final double PER_RIGHT = 0x1.45f306dc9c883p-1;

    /** π/2 in three parts. */
    private static final double RIGHT_A = 0x1.921fb54400000p+0;

    private static final double RIGHT_B = 0x1.0b4611a600000p-34;
    private static final double RIGHT_C = 0x1.3198a2e037073p-69;
    private static final double HALF_PI = 0x1.921fb54442d18p+0;
    private static final double QUARTER_PI = 0x1.921fb54442d18p-1;
    private static final double PI = 0x1.921fb54442d18p+1;
    private static final double PI_LOW = 0x1.1a62633145c07p-53;
    private static final double TAN_EIGHTH = 0.41421356237309503;

    private static final double[] EXP = {
        1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08,
        2.755731922398589e-07, 2.7557319223985893e-06, 2.48015873015873e-05,
        0.0001984126984126984, 0.001388888888888889, 0.008333333333333333, 0.041666666666666664,
        0.16666666666666666, 0.5
    };

    private static final double[] LOG = {
        0.043478260869565216, 0.047619047619047616, 0.05263157894736842, 0.058823529411764705,
        0.06666666666666667, 0.07692307692307693, 0.09090909090909091, 0.1111111111111111,
        0.14285714285714285, 0.2, 0.3333333333333333
    };

    private static final double[] SIN = {
        -8.22063524662433e-18, 2.8114572543455206e-15, -7.647163731819816e-13,
        1.6059043836821613e-10, -2.505210838544172e-08, 2.7557319223985893e-06,
        -0.0001984126984126984, 0.008333333333333333, -0.16666666666666666
    };

    private static final double[] COS = {
        -1.5619206968586225e-16, 4.779477332387385e-14, -1.1470745597729725e-11,
        2.08767569878681e-09, -2.755731922398589e-07, 2.48015873015873e-05, -0.001388888888888889,
        0.041666666666666664
    };

    private static final double[] ATAN = {
        0.022222222222222223, -0.023255813953488372, 0.024390243902439025, -0.02564102564102564,
        0.02702702702702703, -0.02857142857142857, 0.030303030303030304, -0.03225806451612903,
        0.034482758620689655, -0.037037037037037035, 0.04, -0.043478260869565216,
        0.047619047619047616, -0.05263157894736842, 0.058823529411764705, -0.06666666666666667,
        0.07692307692307693, -0.09090909090909091, 0.1111111111111111, -0.14285714285714285, 0.2,
        -0.3333333333333333
    };

    private Elementary() {}

    private static double series(double[] coefficients, double x) {
        double total = 0.0;
        for (double coefficient : coefficients) {
            total = total * x + coefficient;
        }
        return total;
    }

    static double exp(double x) {
        if (!(x <= LARGEST_EXP)) {
            return NaN;
        }
        if (x < LEAST_EXP) {
            return 0.0;
        }
        int k = (int) Math.rint(x * PER_LN2);
        double high = x - k * LN2_HIGH;
        double low = k * LN2_LOW;
        double r = high - low;
        double lost = (high - r) - low;
        double result = 1.0 + (r + (lost + r * r * series(EXP, r)));
        int half = k >> 1;
        return result * Math.scalb(1.0, half) * Math.scalb(1.0, k - half);
    }

    static double log(double x) {
        if (!(x > 0)) {
            return NaN;
        }
        boolean tiny = x < Double.MIN_NORMAL;
        double normal = tiny ? x * 0x1p54 : x;
        int k = Math.getExponent(normal) + 1;
        double m = Math.scalb(normal, -k);
        k -= tiny ? 54 : 0;
        if (m < ROOT_HALF) {
            m *= 2;
            k--;
        }
        double f = m - 1;
        double s = f / (2 + f);
        double z = s * s;
        double tail = s * (2 * z * series(LOG, z) - f) + k * LN2_LOW;
        return k * LN2_HIGH + (f + tail);
    }

    private static double reduced(double x, double n) {
        return ((x - n * RIGHT_A) - n * RIGHT_B) - n * RIGHT_C;
    }

    private static double sinOf(double r) {
        double z = r * r;
        return r + r * z * series(SIN, z);
    }

    private static double cosOf(double r) {
        double z = r * r;
        double half = 0.5 * z;
        double w = 1.0 - half;
        return w + (((1.0 - w) - half) + z * z * series(COS, z));
    }

    static double sin(double x) {
        if (!(Math.abs(x) <= LARGEST_ANGLE)) {
            return NaN;
        }
        double turns = Math.rint(x * PER_RIGHT);
        double r = reduced(x, turns);
        int n = (int) turns;
        double value = (n & 1) != 0 ? cosOf(r) : sinOf(r);
        return (n & 2) != 0 ? -value : value;
    }

    static double cos(double x) {
        if (!(Math.abs(x) <= LARGEST_ANGLE)) {
            return NaN;
        }
        double turns = Math.rint(x * PER_RIGHT);
        double r = reduced(x, turns);
        int n = (int) turns;
        double value = (n & 1) != 0 ? sinOf(r) : cosOf(r);
        return (n + 1 & 2) != 0 ? -value : value;
    }

    private static double atan(double t) {
        if (t > TAN_EIGHTH) {
            double u = (t - 1) / (t + 1);
            return QUARTER_PI + (u + (u * (u * u) * series(ATAN, u * u) + 0.25 * PI_LOW));
        }
        return t + t * (t * t) * series(ATAN, t * t);
    }

    static double atan2(double y, double x) {
        double a = Math.abs(y);
        double b = Math.abs(x);
        if (a == 0 && b == 0) {
            return 0.0;
        }
        double angle = a <= b ? atan(a / b) : HALF_PI - (atan(b / a) - 0.5 * PI_LOW);
        if (x < 0) {
            angle = PI - (angle - PI_LOW);
        }
        return y < 0 ? -angle : angle;
    }

    static double power(double a, double b) {
        if (b == Math.floor(b) && Math.abs(b) <= LARGEST_WHOLE) {
            return wholePower(a, (long) b);
        }
        if (b == 0.5) {
            return Math.sqrt(a);
        }
        if (a <= 0) {
            return a == 0 && b > 0 ? 0.0 : NaN;
        }
        return exp(b * log(a));
    }

    private static double wholePower(double a, long n) {
        double base = a;
        double result = 1.0;
        for (long left = Math.abs(n); left != 0; left >>= 1) {
            if ((left & 1) != 0) {
                result *= base;
            }
            base *= base;
        }
        if (n >= 0) {
            return result;
        }
        return result == 0 ? NaN : 1.0 / result;
    }
}
