package pitwall.features;

/**
 * Whether the square of a number fits into a double. Sums of squares are kept in units in which
 * they fit: plain numbers as they are, huge ones divided and tiny ones multiplied by 2^600. These
 * factors are powers of two, so nothing is rounded by them.
 */
final class Magnitude {
    static final int TINY = -1;
    static final int PLAIN = 0;
    static final int HUGE = 1;

    /** Where huge numbers begin. A million squares of smaller ones can be added. */
    static final double BIG = 0x1p500;

    /** Where tiny numbers end. Squares of greater ones have all their digits. */
    private static final double SMALL = 0x1p-500;

    static final double UP = 0x1p600;
    static final double DOWN = 0x1p-600;

    private static final double ORDINARY_BIG = 0x1p499;
    private static final double ORDINARY_SMALL = 0x1p-440;

    private Magnitude() {}

    /** The magnitude of a number; zero is tiny, infinity huge. */
    static int of(double number) {
        double size = Math.abs(number);
        return size >= BIG ? HUGE : size >= SMALL ? PLAIN : TINY;
    }

    /** Whether a sample is such that its difference from any other such one is plain or zero. */
    static boolean isOrdinary(double sample) {
        double size = Math.abs(sample);
        return size < ORDINARY_BIG && (size >= ORDINARY_SMALL || size == 0);
    }

    /** The difference of two finite numbers in the units of a magnitude, never infinite. */
    static double difference(double a, double b, int magnitude) {
        return switch (magnitude) {
            case PLAIN -> a - b;
            case HUGE -> a * DOWN - b * DOWN;
            default -> (a - b) * UP;
        };
    }

    /** A number of one magnitude in the units of another. */
    static double convert(double number, int from, int to) {
        double converted = number;
        for (int magnitude = from; magnitude < to; magnitude++) {
            converted *= DOWN;
        }
        for (int magnitude = from; magnitude > to; magnitude--) {
            converted *= UP;
        }
        return converted;
    }
}
