package pitwall;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The finite samples of one channel, oldest first: a ring that grows. Indices are absolute and never reused. */
final class Samples {
    long[] times = new long[64];
    double[] values = new double[64];
    long first;
    long end;

    long time(long i) {
        return times[(int) (i & (times.length - 1))];
    }

    double value(long i) {
        return values[(int) (i & (values.length - 1))];
    }

    void add(long time, double value) {
        if (end - first == times.length) {
            long[] newTimes = new long[times.length * 2];
            double[] newValues = new double[times.length * 2];
            for (long i = first; i < end; i++) {
                newTimes[(int) (i & (newTimes.length - 1))] = time(i);
                newValues[(int) (i & (newTimes.length - 1))] = value(i);
            }
            times = newTimes;
            values = newValues;
        }
        int at = (int) (end & (times.length - 1));
        times[at] = time;
        values[at] = value;
        end++;
    }

    /** Forget samples no window needs: all but one of those at or before {@code time}. */
    void forget(long time) {
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
        out.writeLong(end);
        for (long i = first; i < end; i++) {
            out.writeLong(time(i));
            out.writeDouble(value(i));
        }
    }

    void read(DataInputView in) throws IOException {
        first = end = in.readLong();
        long last = in.readLong();
        while (end < last) {
            add(in.readLong(), in.readDouble());
        }
    }
}

/**
 * Running sums and extremes of one channel over (t - width, t]. Sums are of differences from a pivot, added in tick
 * order and taken afresh every {@link #REFRESH} evictions, so the same session gives the same bits.
 */
final class Window {
    private static final int REFRESH = 1024;

    final Samples samples;
    final long widthUs;
    long head;
    double pivot;
    double sum;
    double squares;
    int evictions;
    private long seen;
    private final Extreme min = new Extreme(1);
    private final Extreme max = new Extreme(-1);

    Window(Samples samples, long widthUs) {
        this.samples = samples;
        this.widthUs = widthUs;
    }

    /** Take in new samples and let go of those at or before {@code now - width}. Before {@code samples.forget}. */
    void advance(long now) {
        while (seen < samples.end) {
            double value = samples.value(seen);
            if (head == seen) {
                pivot = value;
                sum = squares = 0;
                evictions = 0;
            }
            double d = value - pivot;
            sum += d;
            squares += d * d;
            min.push(samples, seen);
            max.push(samples, seen);
            seen++;
        }
        while (head < seen && samples.time(head) <= now - widthUs) {
            double d = samples.value(head) - pivot;
            sum -= d;
            squares -= d * d;
            head++;
            evictions++;
        }
        if (evictions >= REFRESH) {
            refresh();
        }
        min.trim(head);
        max.trim(head);
    }

    private void refresh() {
        evictions = 0;
        sum = squares = 0;
        if (head < seen) {
            pivot = samples.value(head);
        }
        for (long i = head; i < seen; i++) {
            double d = samples.value(i) - pivot;
            sum += d;
            squares += d * d;
        }
    }

    long count() {
        return seen - head;
    }

    double mean() {
        return pivot + sum / count();
    }

    /** Population variance, never below zero. */
    double variance() {
        double mean = sum / count();
        return Math.max(0, squares / count() - mean * mean);
    }

    double min() {
        return samples.value(min.first());
    }

    double max() {
        return samples.value(max.first());
    }

    /** Least-squares slope a second; NaN with fewer than two samples. */
    double slope() {
        long n = count();
        if (n < 2) {
            return Double.NaN;
        }
        long origin = samples.time(head);
        double meanTime = 0;
        for (long i = head; i < seen; i++) {
            meanTime += (samples.time(i) - origin) * 1e-6;
        }
        meanTime /= n;
        double mean = sum / n;
        double covariance = 0;
        double variance = 0;
        for (long i = head; i < seen; i++) {
            double dt = (samples.time(i) - origin) * 1e-6 - meanTime;
            covariance += dt * (samples.value(i) - pivot - mean);
            variance += dt * dt;
        }
        return covariance / variance;
    }

    double share(double threshold, boolean above) {
        long hits = 0;
        for (long i = head; i < seen; i++) {
            double value = samples.value(i);
            if (above ? value > threshold : value < threshold) {
                hits++;
            }
        }
        return (double) hits / count();
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(head);
        out.writeLong(seen);
        out.writeDouble(pivot);
        out.writeDouble(sum);
        out.writeDouble(squares);
        out.writeInt(evictions);
    }

    void read(DataInputView in) throws IOException {
        head = in.readLong();
        seen = in.readLong();
        pivot = in.readDouble();
        sum = in.readDouble();
        squares = in.readDouble();
        evictions = in.readInt();
        for (long i = head; i < seen; i++) {
            min.push(samples, i);
            max.push(samples, i);
        }
    }

    /** A monotone queue of sample indices: its first is the window's extreme. */
    private static final class Extreme {
        private final int sign;
        private long[] queue = new long[16];
        private int first;
        private int size;

        Extreme(int sign) {
            this.sign = sign;
        }

        void push(Samples samples, long i) {
            double value = sign * samples.value(i);
            while (size > 0 && sign * samples.value(queue[(first + size - 1) & (queue.length - 1)]) >= value) {
                size--;
            }
            if (size == queue.length) {
                long[] bigger = new long[queue.length * 2];
                for (int k = 0; k < size; k++) {
                    bigger[k] = queue[(first + k) & (queue.length - 1)];
                }
                queue = bigger;
                first = 0;
            }
            queue[(first + size) & (queue.length - 1)] = i;
            size++;
        }

        void trim(long head) {
            while (size > 0 && queue[first] < head) {
                first = (first + 1) & (queue.length - 1);
                size--;
            }
        }

        long first() {
            return queue[first];
        }
    }
}
