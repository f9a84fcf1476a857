package pitwall.sinks.cassandra;

import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.HistogramStatistics;

import java.util.function.LongSupplier;

/**
 * A histogram of all values of the last minute, to about one percent of each value. A scrape once a
 * minute or more often misses none. Its memory does not grow with the number of values. Any thread
 * may call any method.
 */
final class RecentHistogram implements Histogram {
    private static final int DIGITS = 2;
    private static final int SLICES = 7;
    private static final long SLICE_MS = 10_000;

    /** Greater values count as this: ten years in milliseconds. */
    private static final long MAX_VALUE = 3653L * 86_400_000;

    private final LongSupplier clockMs;
    private final org.HdrHistogram.Histogram[] slices = new org.HdrHistogram.Histogram[SLICES];

    /** The number of each slice's ten seconds, counted from the clock's zero. */
    private final long[] numbers = new long[SLICES];

    private long count;

    RecentHistogram() {
        this(() -> System.nanoTime() / 1_000_000);
    }

    /** {@code clockMs}: milliseconds that never go back. */
    RecentHistogram(LongSupplier clockMs) {
        this.clockMs = clockMs;
        for (int i = 0; i < SLICES; i++) {
            slices[i] = new org.HdrHistogram.Histogram(DIGITS);
            slices[i].setAutoResize(true);
        }
    }

    /** Adds a value. One below zero counts as zero. */
    @Override
    public synchronized void update(long value) {
        long number = Math.floorDiv(clockMs.getAsLong(), SLICE_MS);
        int slice = Math.floorMod(number, SLICES);
        if (numbers[slice] != number) {
            numbers[slice] = number;
            slices[slice].reset();
        }
        slices[slice].recordValue(Math.max(0, Math.min(MAX_VALUE, value)));
        count++;
    }

    /** Number of all values since the start. */
    @Override
    public synchronized long getCount() {
        return count;
    }

    /** What the values of the last minute are. */
    @Override
    public synchronized HistogramStatistics getStatistics() {
        long number = Math.floorDiv(clockMs.getAsLong(), SLICE_MS);
        org.HdrHistogram.Histogram recent = new org.HdrHistogram.Histogram(DIGITS);
        recent.setAutoResize(true);
        for (int i = 0; i < SLICES; i++) {
            if (numbers[i] > number - SLICES) {
                recent.add(slices[i]);
            }
        }
        return new RecentStatistics(recent);
    }

    private static final class RecentStatistics extends HistogramStatistics {
        private final org.HdrHistogram.Histogram recent;

        RecentStatistics(org.HdrHistogram.Histogram recent) {
            this.recent = recent;
        }

        /** NaN where there are no values. */
        @Override
        public double getQuantile(double quantile) {
            return size() == 0 ? Double.NaN : recent.getValueAtPercentile(100 * quantile);
        }

        /** Nothing: the single values are not kept. */
        @Override
        public long[] getValues() {
            return new long[0];
        }

        @Override
        public int size() {
            return (int) Math.min(Integer.MAX_VALUE, recent.getTotalCount());
        }

        @Override
        public double getMean() {
            return size() == 0 ? Double.NaN : recent.getMean();
        }

        @Override
        public double getStdDev() {
            return size() == 0 ? Double.NaN : recent.getStdDeviation();
        }

        @Override
        public long getMax() {
            return recent.getMaxValue();
        }

        @Override
        public long getMin() {
            return size() == 0 ? 0 : recent.getMinValue();
        }
    }
}
