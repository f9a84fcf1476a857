package pitwall;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Samples over session time, oldest first: a ring that grows. Indices are absolute and never used again. */
final class Series {
    /** What a series is made of. */
    enum Kind {
        /** The channel's finite samples. */
        VALUE,
        /** 1 where the channel was sent as NaN, else 0. */
        NAN,
        /** 1 where a finite sample lies outside the channel's expected range, else 0. */
        OUT_OF_RANGE,
        /** Seconds since the tick before; of the session, not of a channel. */
        SPACING
    }

    final Kind kind;
    final int channel;
    long keepUs;
    /** Time and the bits of the value in turn: what is asked together lies together, for with many sessions memory is what costs. */
    private long[] samples = new long[32];
    long first;
    long end;

    Series(Kind kind, int channel) {
        this.kind = kind;
        this.channel = channel;
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

    /** Forget what no window needs: all but one of the samples at or before {@code now - keep}. */
    void forget(long now) {
        long time = now - keepUs;
        while (end - first > 1 && time(first + 1) <= time) {
            first++;
        }
    }

    /** Index of the newest sample at or before {@code time}, or -1. */
    long at(long time) {
        long low = first;
        long high = end - 1;
        long found = -1;
        while (low <= high) {
            long middle = (low + high) >>> 1;
            if (time(middle) <= time) {
                found = middle;
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return found;
    }

    /** Where a time that only rises has come to: most steps look at one sample, not at eleven far apart. */
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
        int whole = Math.min(2 * (int) (end - first), samples.length - start);
        Bytes.write(out, Arrays.copyOfRange(samples, start, start + whole));
        Bytes.write(out, Arrays.copyOf(samples, 2 * (int) (end - first) - whole));
    }

    void read(DataInputView in) throws IOException {
        first = in.readLong();
        samples = new long[in.readInt()];
        end = first + in.readInt();
        for (int at : new int[] {(int) first << 1 & (samples.length - 1), 0}) {
            long[] part = Bytes.longs(in);
            System.arraycopy(part, 0, samples, at, part.length);
        }
    }
}
