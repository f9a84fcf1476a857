package pitwall.features;

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
            add(newest - CHUNK + 1, head, scratch, null);
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

    /** Computes the sums of the chunk that begins at {@link #newest}, back to {@code head}. */
    private void sumChunk(long head, Moments scratch) {
        int chunk = (int) ((split - 1 - newest) / CHUNK);
        scratch.begin(pivot, pivotUs);
        if (chunk > 0) {
            int magnitude = chunkMagnitudes == null ? Magnitude.PLAIN : chunkMagnitudes[chunk - 1];
            scratch.load(chunkSums, (chunk - 1) * stride, slope, magnitude);
        }
        magnitudes = null;
        add(head, head, scratch, sums);
    }

    /**
     * Adds the samples from {@link #newest} back to {@code oldest}, of a part that goes back to
     * {@code head}. {@code into} receives the sums after each sample, or is null.
     */
    private void add(long oldest, long head, Moments to, double[] into) {
        if (series.lastUnusual() >= head) {
            addAny(oldest, to, into);
        } else if (slope) {
            addOrdinaryWithTimes(oldest, to, into);
        } else {
            addOrdinary(oldest, to, into);
        }
    }

    private void addAny(long oldest, Moments to, double[] into) {
        for (long i = newest; i >= oldest; i--) {
            double difference = to.add(series.value(i));
            if (slope) {
                to.addTime(series.secondsSince(i, pivotUs), difference);
            }
            if (into == null) {
                continue;
            }
            int place = (int) (newest - i);
            to.store(into, place * stride, slope);
            if (to.magnitude() != Magnitude.PLAIN && magnitudes == null) {
                magnitudes = new byte[CHUNK];
            }
            if (magnitudes != null) {
                magnitudes[place] = (byte) to.magnitude();
            }
        }
    }

    private void addOrdinary(long oldest, Moments to, double[] into) {
        double sum = to.sum;
        double squares = to.squares;
        int at = 0;
        for (long i = newest; i >= oldest; i--) {
            double difference = series.value(i) - pivot;
            sum += difference;
            squares += difference * difference;
            if (into != null) {
                into[at] = sum;
                into[at + 1] = squares;
                at += 2;
            }
        }
        to.sum = sum;
        to.squares = squares;
    }

    private void addOrdinaryWithTimes(long oldest, Moments to, double[] into) {
        double sum = to.sum;
        double squares = to.squares;
        double times = to.times;
        double timeSquares = to.timeSquares;
        double products = to.products;
        int at = 0;
        for (long i = newest; i >= oldest; i--) {
            double difference = series.value(i) - pivot;
            double seconds = series.secondsSince(i, pivotUs);
            sum += difference;
            squares += difference * difference;
            times += seconds;
            timeSquares += seconds * seconds;
            products += seconds * difference;
            if (into != null) {
                into[at] = sum;
                into[at + 1] = squares;
                into[at + 2] = times;
                into[at + 3] = timeSquares;
                into[at + 4] = products;
                at += 5;
            }
        }
        to.sum = sum;
        to.squares = squares;
        to.times = times;
        to.timeSquares = timeSquares;
        to.products = products;
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
