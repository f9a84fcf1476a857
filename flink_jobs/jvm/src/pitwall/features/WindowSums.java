package pitwall.features;

/**
 * The sums of a window's samples. The window is split at one of them: the samples after the split
 * are added as they come, and of the samples before it the sums from each one to the split are at
 * hand ({@link SuffixSums}). When the split itself has left the window, all of its samples are
 * before the next split. So a sample is never subtracted: one that has left has no part in any
 * number that is used, however large it was.
 *
 * <p>The sums are a function of the window's samples and the split, and the split follows from the
 * times of the session's ticks. The state holds the split only.
 *
 * <p>Measured on the shipped set, beside running sums that subtract what leaves: 6 % faster with
 * all that came with it (a set of such windows alone up to 15 % slower), and the error of a
 * standard deviation is 5.8e-15 of it instead of 1.0e-9. Running sums that are computed afresh when
 * a bound of their error is exceeded cost 6 % more than before, and the formulas of Chan, with a
 * mean and squares about it for each part, 4 % more than these sums (docs/performance.md).
 */
final class WindowSums {
    private final Series series;
    private final boolean slope;
    private final SuffixSums older;
    private final Moments newer = new Moments();

    /** The sums of the whole window. */
    final Moments all = new Moments();

    /** Index of the first sample after the split, between the window's first one and its end. */
    private long split;

    /** The older samples' pivot minus that of the newer ones. */
    private double shift;

    /** The time of the older samples' pivot minus that of the newer ones, seconds. */
    private double later;

    WindowSums(Series series, boolean slope) {
        this.series = series;
        this.slope = slope;
        older = new SuffixSums(series, slope);
    }

    /** Adds the sample of this index, the next one. */
    void add(long i, double value) {
        if (i == split) {
            newer.begin(value, slope ? series.timeUs(i) : 0);
            shift = older.pivot - value;
            later = (older.pivotUs - newer.pivotUs) * 1e-6;
        }
        double difference = value - newer.pivot;
        if (series.lastUnusual() < split) {
            newer.addOrdinary(value);
        } else {
            difference = newer.add(value);
        }
        if (slope) {
            newer.addTime(series.secondsSince(i, newer.pivotUs), difference);
        }
    }

    /**
     * Computes {@link #all} for the samples from {@code head} to before {@code end}, which were all
     * added. {@code scratch} is used for the work.
     */
    void sum(long head, long end, Moments scratch) {
        if (head > split || head == end) {
            split = end;
            if (head == end) {
                return;
            }
            beginOlder(head, scratch);
        }
        if (head == split) {
            all.copy(newer);
        } else {
            join(head, scratch);
        }
        all.end(end - head);
    }

    private void join(long head, Moments scratch) {
        int at = older.at(head, scratch);
        double n = split - head;
        if (series.lastUnusual() < head) {
            all.join(n, older.sums(), at, shift, later, newer, slope);
        } else {
            older.load(at, scratch);
            all.join(n, scratch, newer, slope);
        }
    }

    private void beginOlder(long head, Moments scratch) {
        older.begin(head, split, scratch);
        newer.begin(older.pivot, older.pivotUs);
        shift = 0;
        later = 0;
    }

    long split() {
        return split;
    }

    /** Takes over the split of a window of samples from {@code head} to before {@code end}. */
    void restore(long head, long split, long end, Moments scratch) {
        this.split = split;
        if (head < split) {
            beginOlder(head, scratch);
        }
        for (long i = split; i < end; i++) {
            add(i, series.value(i));
        }
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 330 + older.bytes();
    }
}
