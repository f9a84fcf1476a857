package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Feature;
import pitwall.plan.Plan;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** Sums of channels since lap start, for the channels that a feature of the plan asks for. */
final class LapSums {
    private final List<String> channelIds;
    private final int[] channels;
    private final double[] sums;
    private final long[] counts;
    private final double[] integrals;

    LapSums(Plan plan) {
        channelIds = plan.channelIds();
        channels =
                plan.features.stream()
                        .filter(feature -> feature.kind().sumsLap())
                        .mapToInt(Feature::channel)
                        .distinct()
                        .sorted()
                        .toArray();
        sums = new double[channelIds.size()];
        counts = new long[channelIds.size()];
        integrals = new double[channelIds.size()];
    }

    void clear() {
        Arrays.fill(sums, 0);
        Arrays.fill(counts, 0);
        Arrays.fill(integrals, 0);
    }

    /** Adds a tick. {@code dt}: seconds since the tick before. */
    void add(double[] values, double dt) {
        for (int c : channels) {
            if (!Double.isNaN(values[c])) {
                sums[c] += values[c];
                counts[c]++;
                integrals[c] += values[c] * dt;
            }
        }
    }

    /** Mean of the channel's samples; NaN without any. */
    double mean(int channel) {
        return counts[channel] == 0 ? Double.NaN : sums[channel] / counts[channel];
    }

    /** Integral over time, in the channel's unit times seconds; NaN without any sample. */
    double integral(int channel) {
        return counts[channel] == 0 ? Double.NaN : integrals[channel];
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(channels.length);
        for (int c : channels) {
            StateBytes.writeText(out, channelIds.get(c));
            out.writeDouble(sums[c]);
            out.writeLong(counts[c]);
            out.writeDouble(integrals[c]);
        }
    }

    /** Takes over the state. Channels that the plan does not know are skipped. */
    void read(DataInputView in) throws IOException {
        for (int i = in.readInt(); i > 0; i--) {
            int c = channelIds.indexOf(StateBytes.readText(in));
            double sum = in.readDouble();
            long count = in.readLong();
            double integral = in.readDouble();
            if (c >= 0) {
                sums[c] = sum;
                counts[c] = count;
                integrals[c] = integral;
            }
        }
    }
}
