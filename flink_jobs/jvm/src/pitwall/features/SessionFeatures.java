package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;

/** The features of one session, advanced tick by tick in order. */
public final class SessionFeatures {
    private static final long NO_TICK = Long.MIN_VALUE;

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
        FeatureValues values = new FeatureValues(lookBack, lap, lapSums);
        features = plan.features.stream().map(values::of).toArray(FeatureValue[]::new);
    }

    /**
     * Advances to the next tick.
     *
     * @param timeUs microseconds since session start
     * @param values a value for each channel of the plan, NaN where there is none
     * @param sent for each channel whether the tick carried it
     * @param out receives a value for each feature, NaN for null
     */
    public void next(long timeUs, double[] values, boolean[] sent, double[] out) {
        if (lap.advance(timeUs * 1e-6, values[distance]) && lap.number() > 1) {
            lapSums.clear();
        }
        double dt = previousUs == NO_TICK ? 0 : (timeUs - previousUs) * 1e-6;
        previousUs = timeUs;
        lapSums.add(values, dt);
        lookBack.advance(timeUs, values, sent, dt);
        for (int i = 0; i < features.length; i++) {
            double value = features[i].at(timeUs, values);
            // Adding zero turns -0 into 0.
            out[i] = Double.isFinite(value) ? value + 0.0 : Double.NaN;
        }
        lookBack.forget(timeUs);
    }

    /** Bytes that it takes on the heap, roughly. */
    public long bytes() {
        return 1 << 17;
    }

    public void write(DataOutputView out) throws IOException {
        out.writeLong(previousUs);
        lap.write(out);
        lapSums.write(out);
        lookBack.write(out);
    }

    /**
     * Takes over the state of this plan or of another one. What both know goes on bit for bit; what
     * is new begins with the samples that were kept. The object must be new.
     */
    public void read(DataInputView in) throws IOException {
        previousUs = in.readLong();
        lap.read(in);
        lapSums.read(in);
        lookBack.read(in);
    }
}
