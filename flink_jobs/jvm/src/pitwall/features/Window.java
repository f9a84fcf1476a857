package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.WindowPart;
import pitwall.plan.WindowSpec;

import java.io.IOException;

/**
 * The samples of one series over (now - length, now], and what features need of them. All of it is
 * a function of the samples and of where the sums are split, so the same session gives the same
 * bits.
 */
final class Window {
    private final Series series;
    private final Reach reach;

    /** Null where no feature needs it. */
    private final WindowSums sums;

    private final ThresholdCounts counts;
    private final Extreme min;
    private final Extreme max;

    /** Index of the window's first sample in the series, and the index after its last one. */
    private long head;

    private long end;

    Window(WindowSpec spec, Series series, TickTimes times) {
        this.series = series;
        reach = times.reach(spec.reach());
        boolean slope = spec.parts().contains(WindowPart.SLOPE);
        boolean extremes = spec.parts().contains(WindowPart.EXTREMES);
        boolean thresholds = spec.above().length + spec.below().length > 0;
        sums =
                slope || spec.parts().contains(WindowPart.SUMS)
                        ? new WindowSums(series, slope)
                        : null;
        counts = thresholds ? new ThresholdCounts(spec.above(), spec.below()) : null;
        min = extremes ? Extreme.minimum() : null;
        max = extremes ? Extreme.maximum() : null;
    }

    /** Takes in the newest sample of the series. */
    void add(double value) {
        if (sums != null) {
            sums.add(end, value);
        }
        take(end++, value);
    }

    /** Takes in a sample for what does not depend on where the sums are split. */
    private void take(long i, double value) {
        if (counts != null) {
            counts.count(value, 1);
        }
        if (min != null) {
            min.push(i, value);
            max.push(i, value);
        }
    }

    /**
     * Drops the samples that are out of reach. Call it before {@link Series#forget}. {@code
     * scratch} is used for the work.
     */
    void advance(Moments scratch) {
        long start = series.firstWithin(reach, head);
        if (counts != null) {
            for (long i = head; i < start; i++) {
                counts.count(series.value(i), -1);
            }
        }
        head = start;
        if (min != null) {
            min.trim(head);
            max.trim(head);
        }
        if (sums != null) {
            sums.sum(head, end, scratch);
        }
    }

    /** Whether no tick of the window had to be dropped. */
    boolean isWhole() {
        return reach.isWhole;
    }

    /** Whether the window has a sample, and no tick of it had to be dropped. */
    boolean hasSamples() {
        return end > head && reach.isWhole;
    }

    /** Number of samples in the window. Without one, the values below are not defined. */
    long count() {
        return end - head;
    }

    double mean() {
        return sums.all.mean();
    }

    double deviation() {
        return sums.all.deviation();
    }

    double rootMeanSquare() {
        return sums.all.rootMeanSquare();
    }

    double slope() {
        return sums.all.slope();
    }

    double min() {
        return min.value();
    }

    double max() {
        return max.value();
    }

    /** Number of samples above one of the thresholds that the window was made with. */
    int countAbove(double threshold) {
        return counts.above(threshold);
    }

    /** Number of samples below one of the thresholds that the window was made with. */
    int countBelow(double threshold) {
        return counts.below(threshold);
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 64
                + (sums == null ? 0 : sums.bytes())
                + (counts == null ? 0 : counts.bytes())
                + (min == null ? 0 : min.bytes() + max.bytes());
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(head);
        out.writeLong(sums == null ? head : sums.split());
        out.writeLong(end);
    }

    /**
     * Takes over the state of a window of the same series and length. What follows from the samples
     * is computed from them. {@code scratch} is used for the work.
     */
    void read(DataInputView in, Moments scratch) throws IOException {
        long oldHead = in.readLong();
        long split = in.readLong();
        restore(oldHead, split, in.readLong(), scratch);
    }

    /** Begins with the samples that are there, as a window that the state did not have. */
    void begin(Moments scratch) {
        long first = series.firstWithin(reach, series.first());
        restore(first, first, series.end(), scratch);
    }

    /** Passes over the state of a window that the plan does not have. */
    static void skip(DataInputView in) throws IOException {
        in.readLong();
        in.readLong();
        in.readLong();
    }

    private void restore(long head, long split, long end, Moments scratch) {
        this.head = head;
        this.end = end;
        for (long i = head; i < end; i++) {
            take(i, series.value(i));
        }
        if (sums != null) {
            sums.restore(head, split, end, scratch);
        }
    }
}
