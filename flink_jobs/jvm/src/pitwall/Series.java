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
    long[] times = new long[16];
    double[] values = new double[16];
    long first;
    long end;

    Series(Kind kind, int channel) {
        this.kind = kind;
        this.channel = channel;
    }

    long time(long i) {
        return times[(int) i & (times.length - 1)];
    }

    double value(long i) {
        return values[(int) i & (values.length - 1)];
    }

    void add(long time, double value) {
        if (end - first == times.length) {
            long[] newTimes = new long[times.length * 2];
            double[] newValues = new double[times.length * 2];
            for (long i = first; i < end; i++) {
                newTimes[(int) i & (newTimes.length - 1)] = time(i);
                newValues[(int) i & (newTimes.length - 1)] = value(i);
            }
            times = newTimes;
            values = newValues;
        }
        int at = (int) end & (times.length - 1);
        times[at] = time;
        values[at] = value;
        end++;
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

    void write(DataOutputView out) throws IOException {
        out.writeLong(first);
        out.writeInt(times.length);
        out.writeInt((int) (end - first));
        int start = (int) first & (times.length - 1);
        int whole = Math.min((int) (end - first), times.length - start);
        Bytes.write(out, Arrays.copyOfRange(times, start, start + whole));
        Bytes.write(out, Arrays.copyOf(times, (int) (end - first) - whole));
        Bytes.write(out, Arrays.copyOfRange(values, start, start + whole));
        Bytes.write(out, Arrays.copyOf(values, (int) (end - first) - whole));
    }

    void read(DataInputView in) throws IOException {
        first = in.readLong();
        times = new long[in.readInt()];
        values = new double[times.length];
        end = first + in.readInt();
        int start = (int) first & (times.length - 1);
        for (int at : new int[] {start, 0}) {
            long[] part = Bytes.longs(in);
            System.arraycopy(part, 0, times, at, part.length);
        }
        for (int at : new int[] {start, 0}) {
            double[] part = Bytes.doubles(in);
            System.arraycopy(part, 0, values, at, part.length);
        }
    }
}
