package pitwall.features;

import java.util.Arrays;

/**
 * The sums of the samples from any one of them up to a split, of a window's older part. They are
 * computed from the split backwards, once for the whole part and once more for each {@link #CHUNK}
 * of it: only the sums from the chunks' starts, and all sums of one chunk, are kept at a time.
 */
final class SuffixSums {
    private static final int CHUNK = 64;

    private final Series series;
    private final boolean slope;
    private final int stride;

    /** Index of the first sample after the part. */
    private long split;

    /** The last sample of the part, and its time. */
    double pivot;

    long pivotUs;

    /** Index of the newest sample of the chunk whose sums are kept. */
    private long newest;

    /** For each sample of the chunk, from the newest one back: the sums from it to the split. */
    private double[] sums = new double[0];

    /** The magnitudes of these sums, or null where all are plain. */
    private byte[] magnitudes;

    /** For each chunk but the oldest, counted back: the sums from its start to the split. */
    private double[] chunkSums = new double[0];

    private byte[] chunkMagnitudes;

    SuffixSums(Series series, boolean slope) {
        this.series = series;
        this.slope = slope;
        stride = Moments.stored(slope);
    }

    /**
     * Takes the samples from {@code head} to before {@code split}, at least one. {@code scratch} is
     * used for the work.
     */
    void begin(long head, long split, Moments scratch) {
        this.split = split;
        pivot = series.value(split - 1);
        pivotUs = slope ? series.timeUs(split - 1) : 0;
        int chunks = (int) ((split - 1 - head) / CHUNK);
        sums = fitting(sums, (int) Math.min(split - head, CHUNK) * stride);
        chunkSums = fitting(chunkSums, chunks * stride);
        magnitudes = chunkMagnitudes = null;
        scratch.begin(pivot, pivotUs);
        newest = split - 1;
        for (int chunk = 0; chunk < chunks; chunk++) {
            addChunk(head, scratch);
            scratch.store(chunkSums, chunk * stride, slope);
            if (scratch.magnitude() != Magnitude.PLAIN && chunkMagnitudes == null) {
                chunkMagnitudes = new byte[chunks];
            }
            if (chunkMagnitudes != null) {
                chunkMagnitudes[chunk] = (byte) scratch.magnitude();
            }
            newest -= CHUNK;
        }
        sumChunk(head, scratch);
    }

    private static double[] fitting(double[] array, int length) {
        boolean fits = array.length >= length && array.length <= 4 * length;
        return fits ? array : new double[length];
    }

    /** Adds the samples of a whole chunk, of a part that goes back to {@code head}. */
    private void addChunk(long head, Moments to) {
        long oldest = newest - CHUNK + 1;
        if (slope || series.lastUnusual() >= head) {
            for (long i = newest; i >= oldest; i--) {
                add(i, to);
            }
            return;
        }
        double sum = to.sum;
        double squares = to.squares;
        for (long i = newest; i >= oldest; i--) {
            double difference = series.value(i) - pivot;
            sum += difference;
            squares += difference * difference;
        }
        to.sum = sum;
        to.squares = squares;
    }

    private void add(long i, Moments to) {
        if (slope) {
            to.add(series.value(i), series.timeUs(i));
        } else {
            to.add(series.value(i));
        }
    }

    /** Computes the sums of the chunk that begins at {@link #newest}, back to {@code head}. */
    private void sumChunk(long head, Moments scratch) {
        int chunk = (int) ((split - 1 - newest) / CHUNK);
        scratch.begin(pivot, pivotUs);
        if (chunk > 0) {
            int magnitude = chunkMagnitudes == null ? Magnitude.PLAIN : chunkMagnitudes[chunk - 1];
            scratch.load(chunkSums, (chunk - 1) * stride, slope, magnitude);
        }
        if (slope || series.lastUnusual() >= head) {
            sumAny(head, scratch);
            return;
        }
        magnitudes = null;
        double sum = scratch.sum;
        double squares = scratch.squares;
        int at = 0;
        for (long i = newest; i >= head; i--) {
            double difference = series.value(i) - pivot;
            sum += difference;
            squares += difference * difference;
            sums[at] = sum;
            sums[at + 1] = squares;
            at += 2;
        }
    }

    private void sumAny(long head, Moments scratch) {
        if (magnitudes != null) {
            Arrays.fill(magnitudes, (byte) Magnitude.PLAIN);
        }
        for (long i = newest; i >= head; i--) {
            add(i, scratch);
            int place = (int) (newest - i);
            scratch.store(sums, place * stride, slope);
            if (scratch.magnitude() != Magnitude.PLAIN) {
                if (magnitudes == null) {
                    magnitudes = new byte[CHUNK];
                }
                magnitudes[place] = (byte) scratch.magnitude();
            }
        }
    }

    /**
     * Where in {@link #sums} those of the samples from {@code head} to the split begin; head is not
     * before that of the call before. {@code scratch} is used for the work.
     */
    int at(long head, Moments scratch) {
        if (head > newest) {
            newest = split - 1 - (split - 1 - head) / CHUNK * CHUNK;
            sumChunk(head, scratch);
        }
        return (int) (newest - head) * stride;
    }

    double[] sums() {
        return sums;
    }

    /** Loads the sums that begin at this place. */
    void load(int at, Moments to) {
        to.begin(pivot, pivotUs);
        to.load(sums, at, slope, magnitudes == null ? Magnitude.PLAIN : magnitudes[at / stride]);
    }

    /** Bytes of its arrays. */
    long bytes() {
        return 8L * (sums.length + chunkSums.length);
    }
}
