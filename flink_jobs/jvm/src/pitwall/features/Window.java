package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.Arrays;

/**
 * Running sums, extremes and counts of one series over (now - width, now]. The sums are of
 * differences from a pivot, added in tick order and computed afresh every {@link #REFRESH}
 * evictions, so the same session gives the same bits.
 */
final class Window {
    private static final int REFRESH = 1024;
    private static final long[] NONE = {};

    final Series series;
    final long widthUs;
    private final boolean slope;
    private final boolean extremes;

    /** Thresholds that samples are counted above and below of, rising, and the counts for each. */
    private final double[] above;

    private final double[] below;
    private final long[] aboveCount;
    private final long[] belowCount;

    /** Index of the window's first sample in the series, and the index after its last one. */
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
    private final Extreme min = Extreme.minimum();
    private final Extreme max = Extreme.maximum();

    /** {@code above} and {@code below}: the thresholds that samples are counted for, rising. */
    Window(
            Series series,
            long widthUs,
            boolean extremes,
            boolean slope,
            double[] above,
            double[] below) {
        this.series = series;
        this.widthUs = widthUs;
        this.extremes = extremes;
        this.slope = slope;
        this.above = above;
        this.below = below;
        aboveCount = new long[above.length];
        belowCount = new long[below.length];
    }

    /** A window for state that the plan does not need any more: it can only read. */
    static Window unused() {
        return new Window(Series.unused(), 0, false, false, new double[0], new double[0]);
    }

    /**
     * Takes in new samples and drops those at or before {@code now - width}. Call it before {@link
     * Series#forget}.
     */
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
            evict();
        }
        if (evictions >= REFRESH && head < seen) {
            sumAfresh();
        }
        if (extremes) {
            min.trim(head);
            max.trim(head);
        }
    }

    private void evict() {
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

    private void sumAfresh() {
        restart(head);
        for (long i = head; i < seen; i++) {
            add(i);
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

    /** Number of samples in the window. Without one, the values below are not defined. */
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

    /** Least-squares slope per second; NaN with fewer than two samples. */
    double slope() {
        long n = count();
        if (n < 2) {
            return Double.NaN;
        }
        double spread = timeSquares - times * times / n;
        return spread > 0 ? (products - times * sum / n) / spread : Double.NaN;
    }

    /** Number of samples above one of the thresholds that the window was made with. */
    long countAbove(double threshold) {
        return aboveCount[Arrays.binarySearch(above, threshold)];
    }

    /** Number of samples below one of the thresholds that the window was made with. */
    long countBelow(double threshold) {
        return belowCount[Arrays.binarySearch(below, threshold)];
    }

    void write(DataOutputView out) throws IOException {
        out.writeBoolean(slope);
        out.writeLong(head);
        out.writeLong(seen);
        out.writeInt(evictions);
        out.writeLong(pivotUs);
        for (double value : new double[] {pivot, sum, squares, times, timeSquares, products}) {
            out.writeDouble(value);
        }
        StateBytes.writeDoubles(out, above);
        StateBytes.writeDoubles(out, below);
        StateBytes.writeLongs(out, aboveCount);
        StateBytes.writeLongs(out, belowCount);
        StateBytes.writeLongs(out, extremes ? min.indices() : NONE);
        StateBytes.writeLongs(out, extremes ? max.indices() : NONE);
    }

    /**
     * Takes over the state of a window of the same series and width. What that window did not keep
     * is computed from the samples.
     */
    void read(DataInputView in) throws IOException {
        boolean hadSlope = in.readBoolean();
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
            sumAfresh();
        }
        boolean sameAbove = Arrays.equals(above, StateBytes.readDoubles(in));
        boolean sameThresholds = Arrays.equals(below, StateBytes.readDoubles(in)) && sameAbove;
        long[] hadAbove = StateBytes.readLongs(in);
        long[] hadBelow = StateBytes.readLongs(in);
        long[] lowest = StateBytes.readLongs(in);
        long[] highest = StateBytes.readLongs(in);
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

    /** Begins with the samples that are there, as a window that the state did not have. */
    void begin() {
        head = seen = series.first;
    }
}
