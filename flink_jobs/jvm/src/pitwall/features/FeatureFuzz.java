package pitwall.features;

import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

import pitwall.plan.FeatureKind;
import pitwall.plan.Plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Drives the features of plans with any doubles and any forward steps of time, for the tests. Ends
 * with an exception where a feature is not what its kind allows, where a restored session gives
 * other bits, and where anything throws one.
 *
 * <p>Arguments: a seed, the number of ticks of all sessions together, and the plans' files. The
 * output says how many ticks, restores and values other than null there were.
 */
public final class FeatureFuzz {
    private static final int LONGEST_SESSION = 3000;
    private static final int TICKS_OF_ANOTHER_PLAN = 10;
    private static final int RESTORE_ONE_IN = 200;
    private static final long MAX_TIME_US = 366L * 86_400_000_000L;

    private final SplittableRandom dice;
    private final List<Plan> plans = new ArrayList<>();
    private long ticks;
    private long restores;
    private long known;

    private FeatureFuzz(long seed, List<String> files) throws IOException {
        dice = new SplittableRandom(seed);
        for (String file : files) {
            plans.add(new Plan(Files.readString(Path.of(file))));
        }
    }

    public static void main(String[] arguments) throws IOException {
        List<String> files = Arrays.asList(arguments).subList(2, arguments.length);
        FeatureFuzz fuzz = new FeatureFuzz(Long.parseLong(arguments[0]), files);
        long ticks = Long.parseLong(arguments[1]);
        for (int session = 0; fuzz.ticks < ticks; session++) {
            int plan = session % files.size();
            long before = fuzz.ticks;
            try {
                fuzz.drive(fuzz.plans.get(plan));
            } catch (RuntimeException e) {
                String place = "session " + session + ", tick " + (fuzz.ticks - before);
                throw new IllegalStateException(place + " of " + files.get(plan), e);
            }
        }
        System.out.printf(
                "%d ticks, %d restores, %d values%n", fuzz.ticks, fuzz.restores, fuzz.known);
    }

    private void drive(Plan plan) throws IOException {
        FuzzTicks source = new FuzzTicks(dice.split(), plan, FuzzTicks.beginUs(dice));
        SessionFeatures session = new SessionFeatures(plan);
        SessionFeatures restored = session;
        double[] out = new double[plan.features.size()];
        double[] outOfRestored = new double[out.length];
        int length = dice.nextInt(1, LONGEST_SESSION);
        for (int i = 0; i < length && source.timeUs < MAX_TIME_US; i++) {
            source.next();
            session.next(source.timeUs, source.values, source.sent, out);
            ticks++;
            for (int k = 0; k < out.length; k++) {
                check(plan, k, out[k]);
            }
            if (restored != session) {
                restored.next(source.timeUs, source.values, source.sent, outOfRestored);
                if (!Arrays.equals(out, outOfRestored)) {
                    throw new IllegalStateException(
                            "restored: "
                                    + Arrays.toString(outOfRestored)
                                    + ", not restored: "
                                    + Arrays.toString(out));
                }
            }
            if (dice.nextInt(RESTORE_ONE_IN) == 0) {
                session = restored;
                restored = restored(session, plan);
                driveOn(session, plans.get(dice.nextInt(plans.size())), source.timeUs);
            }
        }
    }

    /** A session goes on under a plan that its state may not be of, for some ticks. */
    private void driveOn(SessionFeatures session, Plan plan, long timeUs) throws IOException {
        SessionFeatures other = restored(session, plan);
        FuzzTicks source = new FuzzTicks(dice.split(), plan, timeUs);
        double[] out = new double[plan.features.size()];
        for (int i = 0; i < TICKS_OF_ANOTHER_PLAN; i++) {
            source.next();
            other.next(source.timeUs, source.values, source.sent, out);
            for (int k = 0; k < out.length; k++) {
                check(plan, k, out[k]);
            }
        }
    }

    private SessionFeatures restored(SessionFeatures session, Plan plan) throws IOException {
        restores++;
        DataOutputSerializer bytes = new DataOutputSerializer(1 << 12);
        session.write(bytes);
        SessionFeatures restored = new SessionFeatures(plan);
        restored.read(new DataInputDeserializer(bytes.getSharedBuffer(), 0, bytes.length()));
        return restored;
    }

    private void check(Plan plan, int feature, double value) {
        if (Double.isNaN(value)) {
            return;
        }
        known++;
        FeatureKind kind = plan.features.get(feature).kind();
        boolean whole = value == Math.rint(value);
        boolean allowed =
                switch (kind) {
                    case ROLLING_STD, ROLLING_RMS, ROLLING_RANGE, LAP_TIME, SECTOR_TIME ->
                            value >= 0;
                    case ROLLING_COUNT, TICKS, GAPS -> value >= 0 && whole;
                    case SHARE_ABOVE, SHARE_BELOW, NAN_SHARE, OUT_OF_RANGE_SHARE, LAP_FROM_START ->
                            value >= 0 && value <= 1;
                    case LAP_NUMBER -> value >= 1 && whole;
                    case LAP_FRACTION -> value <= 1;
                    case SECTOR -> value >= 1 && value <= plan.sectors && whole;
                    default -> true;
                };
        if (!allowed || Double.isInfinite(value)) {
            throw new IllegalStateException(plan.features.get(feature).name() + " is " + value);
        }
    }
}
