package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;

/**
 * The features of one session, advanced tick by tick in order. Whatever the channels hold, a
 * feature is a finite number or null: a sample that is no finite number counts as missing, and a
 * feature whose value is beyond the largest double is null.
 */
public final class SessionFeatures {
    private static final long NO_TICK = Long.MIN_VALUE;

    /** The state begins with it. It changes with what the state holds. */
    private static final int FORMAT = 0x50570003;

    /** Estimated bytes of the objects that each session and each feature has. */
    private static final long SESSION_BYTES = 600;

    private static final long FEATURE_BYTES = 40;

    private final int distance;
    private final LookBack lookBack;
    private final Lap lap;
    private final LapSums lapSums;
    private final FeatureValue[] features;
    private long previousUs = NO_TICK;

    public SessionFeatures(Plan plan) {
        distance = plan.distance;
        lookBack = new LookBack(plan);
        lap = new Lap(plan.sectors);
        lapSums = new LapSums(plan);
        features =
                new FeatureValues(plan.channels, lookBack, lap, lapSums).all(plan.features);
    }

    /**
     * Advances to the next tick.
     *
     * @param timeUs microseconds since session start, above those of the tick before; the reader
     *     bounds them to a year on both sides
     * @param values a value for each channel of the plan; NaN or an infinity where there is none
     * @param sent for each channel whether the tick carried it
     * @param out receives a value for each feature, NaN for null
     */
    public void next(long timeUs, double[] values, boolean[] sent, double[] out) {
        long beforeUs = previousUs == NO_TICK ? timeUs : previousUs;
        previousUs = timeUs;
        if (lap.advance(timeUs * 1e-6, values[distance]) && lap.number() > 1) {
            lapSums.begin(beforeUs);
        }
        lapSums.add(timeUs, beforeUs, values, sent);
        lookBack.advance(timeUs, values, sent, (timeUs - beforeUs) * 1e-6);
        for (int i = 0; i < features.length; i++) {
            double value = features[i].at(timeUs, values);
            // Adding zero turns -0 into 0.
            out[i] = Double.isFinite(value) ? value + 0.0 : Double.NaN;
        }
        lookBack.forget();
    }

    /**
     * Estimate of the bytes that this object and all that belongs to it take on the heap. It costs
     * a step for each series and window of the plan.
     */
    public long bytes() {
        return SESSION_BYTES
                + FEATURE_BYTES * features.length
                + lap.bytes()
                + lapSums.bytes()
                + lookBack.bytes();
    }

    public void write(DataOutputView out) throws IOException {
        out.writeInt(FORMAT);
        out.writeLong(previousUs);
        lap.write(out);
        lapSums.write(out);
        lookBack.write(out);
    }

    /**
     * Takes over the state of this plan or of another one. What both know goes on bit for bit; what
     * is new begins with the samples that were kept. The object must be new. Throws IOException
     * when a program with another form of state wrote it.
     */
    public void read(DataInputView in) throws IOException {
        if (in.readInt() != FORMAT) {
            throw new IOException(
                    "another version of the job wrote this state; start the job without it");
        }
        previousUs = in.readLong();
        lap.read(in);
        lapSums.read(in);
        lookBack.read(in);
    }
}
