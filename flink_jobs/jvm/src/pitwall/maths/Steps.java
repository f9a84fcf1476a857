package pitwall.maths;

/**
 * What each step of a formula computes, as {@code pitwall/features/maths/steps.py} says it, in the
 * same order of operations: every step gives a finite number or NaN for a missing value, and there
 * is no negative zero. A condition is 1, 0 or NaN. Steps that keep something have it in {@code
 * kept}, from the place {@code at} on.
 */
public final class Steps {
    private static final double NaN = Double.NaN;

    private Steps() {}

    /** The number itself, or NaN where it is not finite. */
    public static double finite(double x) {
        return x - x == 0 ? x + 0.0 : NaN;
    }

    public static double value(double x) {
        return x;
    }

    public static double add(double a, double b) {
        return finite(a + b);
    }

    public static double subtract(double a, double b) {
        return finite(a - b);
    }

    public static double multiply(double a, double b) {
        return finite(a * b);
    }

    public static double divide(double a, double b) {
        return finite(a / b);
    }

    public static double modulo(double a, double b) {
        double rest = a % b;
        return finite(rest != 0 && rest < 0 != b < 0 ? rest + b : rest);
    }

    public static double power(double a, double b) {
        return a != a || b != b ? NaN : finite(Elementary.power(a, b));
    }

    public static double negative(double x) {
        return finite(-x);
    }

    private static double holds(double a, double b, boolean test) {
        return a != a || b != b ? NaN : test ? 1 : 0;
    }

    public static double less(double a, double b) {
        return holds(a, b, a < b);
    }

    public static double lessEqual(double a, double b) {
        return holds(a, b, a <= b);
    }

    public static double greater(double a, double b) {
        return holds(a, b, a > b);
    }

    public static double greaterEqual(double a, double b) {
        return holds(a, b, a >= b);
    }

    public static double equal(double a, double b) {
        return holds(a, b, a == b);
    }

    public static double notEqual(double a, double b) {
        return holds(a, b, a != b);
    }

    public static double and(double a, double b) {
        return a == 0 || b == 0 ? 0 : holds(a, b, true);
    }

    public static double or(double a, double b) {
        return a == 1 || b == 1 ? 1 : holds(a, b, false);
    }

    public static double not(double x) {
        return 1 - x;
    }

    public static double where(double c, double a, double b) {
        return c == 1 ? a : c == 0 ? b : NaN;
    }

    public static double abs(double x) {
        return Math.abs(x);
    }

    public static double min(double a, double b) {
        return a != a || b != b ? NaN : a <= b ? a : b;
    }

    public static double max(double a, double b) {
        return a != a || b != b ? NaN : a >= b ? a : b;
    }

    public static double sqrt(double x) {
        return Math.sqrt(x);
    }

    public static double exp(double x) {
        return finite(Elementary.exp(x));
    }

    public static double log(double x) {
        return finite(Elementary.log(x));
    }

    public static double sin(double x) {
        return finite(Elementary.sin(x));
    }

    public static double cos(double x) {
        return finite(Elementary.cos(x));
    }

    public static double atan2(double y, double x) {
        return y != y || x != x ? NaN : finite(Elementary.atan2(y, x));
    }

    public static double sign(double x) {
        return x > 0 ? 1 : x < 0 ? -1 : x;
    }

    public static double round(double x) {
        return finite(Math.rint(x));
    }

    public static double floor(double x) {
        return finite(Math.floor(x));
    }

    public static double previous(
            double[] kept, int at, double timeUs, double beforeUs, double x) {
        double before = kept[at];
        if (x == x) {
            kept[at] = x;
        }
        return before;
    }

    public static double hold(double[] kept, int at, double timeUs, double beforeUs, double x) {
        if (x == x) {
            kept[at] = x;
        }
        return kept[at];
    }

    public static double rate(double[] kept, int at, double timeUs, double beforeUs, double x) {
        if (x != x) {
            return NaN;
        }
        double change = x - kept[at];
        double passed = (timeUs - kept[at + 1]) * 1e-6;
        kept[at] = x;
        kept[at + 1] = timeUs;
        return finite(change / passed);
    }

    public static double smooth(
            double[] kept, int at, double timeUs, double beforeUs, double x, double seconds) {
        if (x != x) {
            return NaN;
        }
        double mean = kept[at];
        if (mean != mean) {
            mean = x;
        } else {
            double passed = (timeUs - kept[at + 1]) * 1e-6;
            mean = finite(mean + (x - mean) * (passed / (passed + seconds)));
        }
        kept[at] = mean;
        kept[at + 1] = timeUs;
        return mean;
    }

    /** Keeps the sum, from when on the next value counts, and whether there is a sum. */
    public static double integral(
            double[] kept, int at, double timeUs, double beforeUs, double x, double reset) {
        if (reset == 1) {
            kept[at + 2] = NaN;
            if (kept[at + 1] < beforeUs) {
                kept[at + 1] = beforeUs;
            }
        }
        boolean begun = kept[at + 2] == kept[at + 2];
        if (x == x) {
            double fromUs = kept[at + 1] == kept[at + 1] ? kept[at + 1] : beforeUs;
            kept[at] = (begun ? kept[at] : 0.0) + x * ((timeUs - fromUs) * 1e-6);
            kept[at + 1] = timeUs;
            kept[at + 2] = 1;
            begun = true;
        }
        return begun ? finite(kept[at]) : NaN;
    }

    public static double countOf(
            double[] kept, int at, double timeUs, double beforeUs, double c, double reset) {
        double count = reset == 1 || kept[at] != kept[at] ? 0 : kept[at];
        kept[at] = c == 1 ? count + 1 : count;
        return kept[at];
    }

    public static double timeSince(
            double[] kept, int at, double timeUs, double beforeUs, double c) {
        if (c == 1) {
            kept[at] = timeUs;
        }
        return (timeUs - kept[at]) * 1e-6;
    }

    public static double statMin(
            double[] kept, int at, double timeUs, double beforeUs, double x, double reset) {
        double least = reset == 1 ? NaN : kept[at];
        return kept[at] = x != x ? least : least != least ? x : min(least, x);
    }

    public static double statMax(
            double[] kept, int at, double timeUs, double beforeUs, double x, double reset) {
        double greatest = reset == 1 ? NaN : kept[at];
        return kept[at] = x != x ? greatest : greatest != greatest ? x : max(greatest, x);
    }

    /** Keeps the sum and the count. */
    public static double statMean(
            double[] kept, int at, double timeUs, double beforeUs, double x, double reset) {
        if (reset == 1 || kept[at + 1] != kept[at + 1]) {
            kept[at] = 0;
            kept[at + 1] = 0;
        }
        if (x == x) {
            kept[at] += x;
            kept[at + 1]++;
        }
        return finite(kept[at] / kept[at + 1]);
    }
}
