package pitwall;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Running sums, extremes and shares of one series over (t - width, t]. Sums are of differences from a pivot, added in
 * tick order and taken afresh every {@link #REFRESH} evictions, so the same session gives the same bits.
 */
final class Window {
    private static final int REFRESH = 1024;
    private static final long[] NONE = {};

    final Series series;
    final long widthUs;
    private final boolean slope;
    private final boolean extremes;
    private final double[] above;
    private final double[] below;
    private final long[] aboveCount;
    private final long[] belowCount;
    private long head;
    private long seen;
    private int evictions;
    private long pivotUs;
    private double pivot;
    private double sum;
    private double squares;
    private double times;
    private double timeSquares;
    private double products;
    private final Extreme min = new Extreme(1);
    private final Extreme max = new Extreme(-1);

    /** {@code above} and {@code below}: thresholds that shares are counted for. */
    Window(Series series, long widthUs, boolean extremes, boolean slope, double[] above, double[] below) {
        this.series = series;
        this.widthUs = widthUs;
        this.extremes = extremes;
        this.slope = slope;
        this.above = above;
        this.below = below;
        aboveCount = new long[above.length];
        belowCount = new long[below.length];
    }

    /** Take in new samples and let go of those at or before {@code now - width}. Before {@code series.forget}. */
    void advance(long now) {
        while (seen < series.end) {
            if (head == seen) {
                restart(seen);
            }
            add(seen);
            count(series.value(seen), 1);
            if (extremes) {
                min.push(series, seen);
                max.push(series, seen);
            }
            seen++;
        }
        long until = now - widthUs;
        while (head < seen && series.time(head) <= until) {
            double d = series.value(head) - pivot;
            sum -= d;
            squares -= d * d;
            if (slope) {
                double t = (series.time(head) - pivotUs) * 1e-6;
                times -= t;
                timeSquares -= t * t;
                products -= t * d;
            }
            count(series.value(head), -1);
            head++;
            evictions++;
        }
        if (evictions >= REFRESH && head < seen) {
            restart(head);
            for (long i = head; i < seen; i++) {
                add(i);
            }
        }
        if (extremes) {
            min.trim(head);
            max.trim(head);
        }
    }

    private void restart(long i) {
        evictions = 0;
        pivot = series.value(i);
        pivotUs = series.time(i);
        sum = squares = times = timeSquares = products = 0;
    }

    private void add(long i) {
        double d = series.value(i) - pivot;
        sum += d;
        squares += d * d;
        if (slope) {
            double t = (series.time(i) - pivotUs) * 1e-6;
            times += t;
            timeSquares += t * t;
            products += t * d;
        }
    }

    private void count(double value, int by) {
        for (int i = 0; i < above.length; i++) {
            if (value > above[i]) {
                aboveCount[i] += by;
            }
        }
        for (int i = 0; i < below.length; i++) {
            if (value < below[i]) {
                belowCount[i] += by;
            }
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
        return series.value(min.first());
    }

    double max() {
        return series.value(max.first());
    }

    /** Least-squares slope a second; NaN with fewer than two samples. */
    double slope() {
        long n = count();
        if (n < 2) {
            return Double.NaN;
        }
        double spread = timeSquares - times * times / n;
        return spread > 0 ? (products - times * sum / n) / spread : Double.NaN;
    }

    long countAbove(double threshold) {
        return aboveCount[Arrays.binarySearch(above, threshold)];
    }

    long countBelow(double threshold) {
        return belowCount[Arrays.binarySearch(below, threshold)];
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(head);
        out.writeLong(seen);
        out.writeInt(evictions);
        out.writeLong(pivotUs);
        for (double value : new double[] {pivot, sum, squares, times, timeSquares, products}) {
            out.writeDouble(value);
        }
        for (double[] thresholds : new double[][] {above, below}) {
            Bytes.write(out, thresholds);
        }
        for (long[] counts : new long[][] {aboveCount, belowCount, extremes ? min.indices() : NONE, extremes ? max.indices() : NONE}) {
            Bytes.write(out, counts);
        }
    }

    /** Into a window of the same series and width; what was not kept before is counted from the samples. */
    void read(DataInputView in, boolean hadSlope) throws IOException {
        head = in.readLong();
        seen = in.readLong();
        evictions = in.readInt();
        pivotUs = in.readLong();
        pivot = in.readDouble();
        sum = in.readDouble();
        squares = in.readDouble();
        times = in.readDouble();
        timeSquares = in.readDouble();
        products = in.readDouble();
        if (slope && !hadSlope && head < seen) {
            restart(head);
            for (long i = head; i < seen; i++) {
                add(i);
            }
        }
        boolean sameThresholds = Arrays.equals(above, Bytes.doubles(in)) & Arrays.equals(below, Bytes.doubles(in));
        long[] hadAbove = Bytes.longs(in);
        long[] hadBelow = Bytes.longs(in);
        long[] lowest = Bytes.longs(in);
        long[] highest = Bytes.longs(in);
        if (sameThresholds) {
            System.arraycopy(hadAbove, 0, aboveCount, 0, above.length);
            System.arraycopy(hadBelow, 0, belowCount, 0, below.length);
        }
        boolean hadExtremes = lowest.length > 0;
        if (extremes && hadExtremes) {
            min.set(lowest);
            max.set(highest);
        }
        for (long i = head; i < seen && !(sameThresholds && (hadExtremes || !extremes)); i++) {
            if (!sameThresholds) {
                count(series.value(i), 1);
            }
            if (extremes && !hadExtremes) {
                min.push(series, i);
                max.push(series, i);
            }
        }
    }

    /** For a window the state did not have: begin with the samples that are there. */
    void begin() {
        head = seen = series.first;
    }

    boolean hasSlope() {
        return slope;
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

        void push(Series series, long i) {
            double value = sign * series.value(i);
            while (size > 0 && sign * series.value(queue[(first + size - 1) & (queue.length - 1)]) >= value) {
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

        long[] indices() {
            long[] all = new long[size];
            for (int k = 0; k < size; k++) {
                all[k] = queue[(first + k) & (queue.length - 1)];
            }
            return all;
        }

        void set(long[] all) {
            queue = Arrays.copyOf(all, Math.max(16, Integer.highestOneBit(Math.max(1, all.length - 1)) << 1));
            first = 0;
            size = all.length;
        }
    }
}
