package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.maths.Formulas;
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

    /** The same for a state with maths channels, which come last in it. */
    private static final int FORMAT_WITH_MATHS = 0x50570004;

    /** Estimated bytes of the objects that each session and each feature has. */
    private static final long SESSION_BYTES = 600;

    private static final long FEATURE_BYTES = 40;

    private final int distance;
    private final LookBack lookBack;
    private final Lap lap;
    private final LapSums lapSums;
    private final FeatureValue[] features;

    /** Null where the plan has no maths channels. */
    private final Formulas formulas;

    private long previousUs = NO_TICK;

    public SessionFeatures(Plan plan) {
        distance = plan.distance;
        lookBack = new LookBack(plan);
        lap = new Lap(plan.sectors);
        lapSums = new LapSums(plan);
        features =
                new FeatureValues(plan.sources, lookBack, lap, lapSums).all(plan.features);
        formulas = Formulas.of(plan);
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
        boolean newLap = lap.advance(timeUs * 1e-6, values[distance]) && lap.number() > 1;
        if (newLap) {
            lapSums.begin(beforeUs);
        }
        if (formulas == null) {
            compute(timeUs, beforeUs, values, sent, out);
        } else {
            formulas.next(timeUs, beforeUs, newLap, values, sent);
            compute(timeUs, beforeUs, formulas.values, formulas.sent, out);
        }
    }

    /** Computes the features, once values and lap are known. */
    private void compute(
            long timeUs, long beforeUs, double[] values, boolean[] sent, double[] out) {
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
                + (formulas == null ? 0 : formulas.bytes())
                + lookBack.bytes();
    }

    public void write(DataOutputView out) throws IOException {
        out.writeInt(formulas == null ? FORMAT : FORMAT_WITH_MATHS);
        out.writeLong(previousUs);
        lap.write(out);
        lapSums.write(out);
        lookBack.write(out);
        if (formulas != null) {
            formulas.write(out);
        }
    }

    /**
     * Takes over the state of this plan or of another one. What both know goes on bit for bit; what
     * is new begins with the samples that were kept. The object must be new. Throws IOException
     * when a program with another form of state wrote it.
     */
    public void read(DataInputView in) throws IOException {
        int format = in.readInt();
        if (format != FORMAT && format != FORMAT_WITH_MATHS) {
            throw new IOException(
                    "another version of the job wrote this state; start the job without it");
        }
        previousUs = in.readLong();
        lap.read(in);
        lapSums.read(in);
        lookBack.read(in);
        if (format == FORMAT_WITH_MATHS && formulas == null) {
            Formulas.skip(in);
        } else if (format == FORMAT_WITH_MATHS) {
            formulas.read(in);
        }
    }
}
