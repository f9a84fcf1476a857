package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.SeriesKind;

import java.io.IOException;
import java.util.Arrays;

/**
 * Samples over session time, oldest first, in a ring that grows. Indices count from the session's
 * beginning and are never used again. Times are microseconds since session start.
 */
final class Series {
    final SeriesKind kind;

    /** Index of the channel in the plan, -1 for a series of the session. */
    final int channel;

    /** How far back the longest window reaches, microseconds. */
    long keepUs;

    /**
     * Time and bits of the value in turn. They are read together, so they lie together: with many
     * sessions, memory access is what costs time.
     */
    private long[] samples = new long[32];

    /** Index of the oldest sample. */
    long first;

    /** Index after the newest sample. */
    long end;

    Series(SeriesKind kind, int channel) {
        this.kind = kind;
        this.channel = channel;
    }

    /** A series for state that the plan does not need any more: it can only read. */
    static Series unused() {
        return new Series(SeriesKind.VALUE, -1);
    }

    long time(long i) {
        return samples[(int) i << 1 & (samples.length - 1)];
    }

    double value(long i) {
        return Double.longBitsToDouble(samples[((int) i << 1 & (samples.length - 1)) + 1]);
    }

    void add(long time, double value) {
        if (2 * (end - first) == samples.length) {
            long[] bigger = new long[samples.length * 2];
            for (long i = first; i < end; i++) {
                put(bigger, i, time(i), value(i));
            }
            samples = bigger;
        }
        put(samples, end++, time, value);
    }

    private static void put(long[] samples, long i, long time, double value) {
        int at = (int) i << 1 & (samples.length - 1);
        samples[at] = time;
        samples[at + 1] = Double.doubleToRawLongBits(value);
    }

    /**
     * Forgets what no window needs: all but one of the samples at or before {@code now - keepUs}.
     */
    void forget(long now) {
        long time = now - keepUs;
        while (end - first > 1 && time(first + 1) <= time) {
            first++;
        }
    }

    /** Index of the newest sample at or before this time, or -1. */
    long at(long time) {
        long low = first;
        long high = end - 1;
        long newest = -1;
        while (low <= high) {
            long middle = (low + high) >>> 1;
            if (time(middle) <= time) {
                newest = middle;
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return newest;
    }

    /** Finds samples for times that only rise. Most steps look at one sample only. */
    final class Cursor {
        private long last = -1;

        /** As {@link Series#at}. */
        long at(long time) {
            if (last < first || last >= end || time(last) > time) {
                last = Series.this.at(time);
            }
            while (last >= 0 && last + 1 < end && time(last + 1) <= time) {
                last++;
            }
            return last;
        }
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(first);
        out.writeInt(samples.length);
        out.writeInt((int) (end - first));
        int start = (int) first << 1 & (samples.length - 1);
        int used = 2 * (int) (end - first);
        int beforeWrap = Math.min(used, samples.length - start);
        StateBytes.writeLongs(out, Arrays.copyOfRange(samples, start, start + beforeWrap));
        StateBytes.writeLongs(out, Arrays.copyOf(samples, used - beforeWrap));
    }

    void read(DataInputView in) throws IOException {
        first = in.readLong();
        samples = new long[in.readInt()];
        end = first + in.readInt();
        for (int at : new int[] {(int) first << 1 & (samples.length - 1), 0}) {
            long[] part = StateBytes.readLongs(in);
            System.arraycopy(part, 0, samples, at, part.length);
        }
    }
}
