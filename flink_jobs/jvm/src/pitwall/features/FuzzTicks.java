package pitwall.features;

import pitwall.plan.Feature;
import pitwall.plan.Plan;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Ticks of a session that no car drives, for {@link FeatureFuzz}: time goes forward in any steps,
 * and a channel is smooth, constant, missing or any double, in turn.
 */
final class FuzzTicks {
    private static final double[] ODD = {
        0.0,
        -0.0,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Double.MAX_VALUE,
        -Double.MAX_VALUE,
        Double.MIN_VALUE,
        -Double.MIN_NORMAL,
        1e308,
        -1e308,
        1e200,
        -1e154,
        1e17,
        1e9,
        1e-9,
        1e-154,
        1e-200,
        -1e-310,
        2.15e10,
        3.4e38,
        99_999,
        -5000
    };
    private static final int LONGEST_MANNER = 400;
    private static final long DAY_US = 86_400_000_000L;

    /** How a channel behaves for some ticks. */
    private enum Manner {
        SMOOTH,
        CONSTANT,
        LAPS,
        OUTLIERS,
        ODD,
        ANY,
        MISSING
    }

    /** How time goes for some ticks. */
    private enum Pace {
        REGULAR,
        FAST,
        IRREGULAR,
        GAPS
    }

    private final SplittableRandom dice;

    /** The channels of the plan that its features use. */
    private final int[] channels;

    private final Manner[] manners;

    /** Each channel comes with every so many ticks. */
    private final int[] periods;

    private final double[] levels;
    private final int[] left;
    private Pace pace = Pace.REGULAR;
    private int tick;

    /** Time of the tick, microseconds since session start. */
    long timeUs;

    /** A value for each channel of the plan, and whether the tick carries it. */
    final double[] values;

    final boolean[] sent;

    FuzzTicks(SplittableRandom dice, Plan plan, long beginUs) {
        this.dice = dice;
        timeUs = beginUs;
        channels =
                IntStream.concat(
                                IntStream.concat(
                                        plan.features.stream().mapToInt(Feature::channel),
                                        plan.formulas.stream()
                                                .flatMapToInt(f -> IntStream.of(f.reads()))),
                                IntStream.of(plan.distance))
                        .filter(channel -> channel >= 0 && channel < plan.channels.size())
                        .distinct()
                        .toArray();
        manners = new Manner[channels.length];
        periods = new int[channels.length];
        levels = new double[channels.length];
        left = new int[channels.length];
        values = new double[plan.channels.size()];
        sent = new boolean[values.length];
    }

    /** A time at which a session may begin. */
    static long beginUs(SplittableRandom dice) {
        return dice.nextLong(-DAY_US, DAY_US);
    }

    void next() {
        timeUs += stepUs();
        tick++;
        Arrays.fill(values, Double.NaN);
        Arrays.fill(sent, false);
        for (int k = 0; k < channels.length; k++) {
            if (left[k]-- <= 0) {
                changeManner(k);
            }
            double value = value(k);
            if (manners[k] != Manner.MISSING && tick % periods[k] == 0) {
                values[channels[k]] = value;
                sent[channels[k]] = true;
            }
        }
    }

    private long stepUs() {
        if (dice.nextInt(LONGEST_MANNER) == 0) {
            pace = Pace.values()[dice.nextInt(Pace.values().length)];
        }
        return switch (pace) {
            case REGULAR -> 20_000;
            case FAST -> 1;
            case IRREGULAR -> dice.nextLong(1, 1_000_000);
            case GAPS -> dice.nextInt(20) == 0 ? dice.nextLong(1, DAY_US) : 100_000;
        };
    }

    private void changeManner(int k) {
        manners[k] = Manner.values()[dice.nextInt(Manner.values().length)];
        periods[k] = dice.nextInt(3) == 0 ? dice.nextInt(1, 60) : 1;
        left[k] = dice.nextInt(LONGEST_MANNER);
        levels[k] = dice.nextInt(3) == 0 ? odd() : dice.nextDouble(-500, 500);
    }

    private double value(int k) {
        return switch (manners[k]) {
            case SMOOTH -> levels[k] += dice.nextDouble(-1, 1);
            case CONSTANT, MISSING -> levels[k];
            case LAPS -> levels[k] = levels[k] >= 0 && levels[k] < 4000 ? levels[k] + 40 : 0;
            case OUTLIERS -> dice.nextInt(60) == 0 ? odd() : dice.nextDouble(100);
            case ODD -> odd();
            case ANY -> Double.longBitsToDouble(dice.nextLong());
        };
    }

    private double odd() {
        return ODD[dice.nextInt(ODD.length)];
    }
}
