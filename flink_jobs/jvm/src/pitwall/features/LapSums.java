package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Plan;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * Sums of channels since lap start, for the channels that a feature of the plan asks for. Each
 * channel has a place, in the order of the channels.
 *
 * <p>An integral is that of a step function: a sample counts for the time since the channel's
 * sample before it, and within a lap only from the tick before the lap's first one on. A channel's
 * first sample of the session counts for the time since the tick before. A sample that is no finite
 * number ends a step and adds nothing.
 *
 * <p>Huge samples have sums of their own, in units in which they fit ({@link Magnitude}).
 */
final class LapSums {
    private static final long NEVER = Long.MIN_VALUE;

    private final int[] channels;
    private final String[] ids;
    private final long[] counts;
    private final double[] sums;
    private final double[] hugeSums;
    private final double[] integrals;
    private final double[] hugeIntegrals;

    /** When each channel was sent last, microseconds since session start. */
    private final long[] sentUs;

    /** From when on samples count, microseconds since session start. */
    private long beginUs = NEVER;

    LapSums(Plan plan) {
        channels = plan.lapChannels;
        ids = new String[channels.length];
        for (int k = 0; k < ids.length; k++) {
            ids[k] = plan.sources.get(channels[k]).id();
        }
        counts = new long[channels.length];
        sums = new double[channels.length];
        hugeSums = new double[channels.length];
        integrals = new double[channels.length];
        hugeIntegrals = new double[channels.length];
        sentUs = new long[channels.length];
        Arrays.fill(sentUs, NEVER);
    }

    /** The place of a channel of the plan; below zero where no feature sums it. */
    int place(int channel) {
        return Arrays.binarySearch(channels, channel);
    }

    /** A lap begins. Samples count from this time on, microseconds since session start. */
    void begin(long beginUs) {
        this.beginUs = beginUs;
        Arrays.fill(counts, 0);
        Arrays.fill(sums, 0);
        Arrays.fill(hugeSums, 0);
        Arrays.fill(integrals, 0);
        Arrays.fill(hugeIntegrals, 0);
    }

    /** Adds a tick. {@code beforeUs}: time of the tick before, or its own for the first one. */
    void add(long timeUs, long beforeUs, double[] values, boolean[] sent) {
        for (int k = 0; k < channels.length; k++) {
            if (sent[channels[k]]) {
                long fromUs = sentUs[k] == NEVER ? beforeUs : Math.max(sentUs[k], beginUs);
                sentUs[k] = timeUs;
                add(k, values[channels[k]], (timeUs - fromUs) * 1e-6);
            }
        }
    }

    private void add(int k, double value, double seconds) {
        if (Math.abs(value) < Magnitude.BIG) {
            counts[k]++;
            sums[k] += value;
            integrals[k] += value * seconds;
        } else if (Double.isFinite(value)) {
            counts[k]++;
            hugeSums[k] += value * Magnitude.DOWN;
            hugeIntegrals[k] += value * Magnitude.DOWN * seconds;
        }
    }

    /** Mean of the samples of the channel at this place; NaN without any. */
    double mean(int k) {
        if (counts[k] == 0) {
            return Double.NaN;
        }
        return hugeSums[k] == 0
                ? sums[k] / counts[k]
                : (hugeSums[k] + sums[k] * Magnitude.DOWN) / counts[k] * Magnitude.UP;
    }

    /**
     * Integral over time of the channel at this place, in the channel's unit times seconds; NaN
     * without any sample, infinite beyond the largest double.
     */
    double integral(int k) {
        if (counts[k] == 0) {
            return Double.NaN;
        }
        return hugeIntegrals[k] == 0
                ? integrals[k]
                : (hugeIntegrals[k] + integrals[k] * Magnitude.DOWN) * Magnitude.UP;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 250 + 56L * channels.length;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(beginUs);
        out.writeInt(channels.length);
        for (int k = 0; k < channels.length; k++) {
            StateBytes.writeText(out, ids[k]);
            out.writeLong(counts[k]);
            out.writeLong(sentUs[k]);
            for (double[] kept : kept()) {
                out.writeDouble(kept[k]);
            }
        }
    }

    /** Takes over the state. Channels that the plan does not sum are skipped. */
    void read(DataInputView in) throws IOException {
        beginUs = in.readLong();
        List<String> known = Arrays.asList(ids);
        for (int i = in.readInt(); i > 0; i--) {
            int k = known.indexOf(StateBytes.readText(in));
            long count = in.readLong();
            long lastUs = in.readLong();
            for (double[] kept : kept()) {
                double sum = in.readDouble();
                if (k >= 0) {
                    kept[k] = sum;
                }
            }
            if (k >= 0) {
                counts[k] = count;
                sentUs[k] = lastUs;
            }
        }
    }

    private double[][] kept() {
        return new double[][] {sums, hugeSums, integrals, hugeIntegrals};
    }
}
