package pitwall.features;

/**
 * Sums of some samples, from which their mean, spread and slope follow. They are sums of
 * differences from a pivot, which is one of the samples, so no more digits are lost than the
 * samples themselves differ in. Nothing is ever subtracted from a sum.
 *
 * <p>The sums are in the units of their {@link Magnitude}, so squares of any double fit.
 */
final class Moments {
    double pivot;

    /** Time of the pivot, microseconds since session start. */
    long pivotUs;

    double sum;
    double squares;
    private int magnitude;

    /** Of seconds since the pivot, of their squares, and of their products with the differences. */
    private double times;

    private double timeSquares;
    private double products;

    /** Begins with no sample. The pivot and its time are those of a sample to come. */
    void begin(double pivot, long pivotUs) {
        this.pivot = pivot;
        this.pivotUs = pivotUs;
        magnitude = Magnitude.PLAIN;
        sum = squares = times = timeSquares = products = 0;
    }

    /** Adds a sample that is ordinary, as the pivot and all samples so far are. */
    void addOrdinary(double value) {
        double difference = value - pivot;
        sum += difference;
        squares += difference * difference;
    }

    /** Adds any sample. Gives its difference in the units of the sums. */
    double add(double value) {
        double difference = value - pivot;
        if (difference != 0) {
            int own = Magnitude.of(difference);
            if (squares == 0) {
                magnitude = own;
            } else if (own > magnitude) {
                convert(own);
            }
            difference = Magnitude.difference(value, pivot, magnitude);
            sum += difference;
            squares += difference * difference;
        }
        return difference;
    }

    /** Adds a sample for a slope as well. {@code timeUs}: its time in microseconds. */
    void add(double value, long timeUs) {
        double difference = add(value);
        double time = (timeUs - pivotUs) * 1e-6;
        times += time;
        timeSquares += time * time;
        products += time * difference;
    }

    private void convert(int to) {
        sum = Magnitude.convert(sum, magnitude, to);
        products = Magnitude.convert(products, magnitude, to);
        squares = Magnitude.convert(Magnitude.convert(squares, magnitude, to), magnitude, to);
        magnitude = to;
    }

    /**
     * Becomes the sums of two groups of samples, all of them ordinary.
     *
     * @param n number of the older samples
     * @param olderSum their sum, of differences from their own pivot
     * @param olderSquares the same of their squares
     * @param shift their pivot minus that of the newer ones
     */
    void joinOrdinary(double n, double olderSum, double olderSquares, double shift, Moments newer) {
        double moved = olderSum + n * shift;
        pivot = newer.pivot;
        magnitude = Magnitude.PLAIN;
        sum = newer.sum + moved;
        squares = newer.squares + (olderSquares + shift * (olderSum + moved));
    }

    /**
     * Becomes the sums of two groups of samples. {@code n}: number of the older ones. The object of
     * the older ones may change its units.
     */
    void join(double n, Moments older, Moments newer) {
        int needed = Math.max(older.needs(), newer.needs());
        int common = Math.max(needed, Magnitude.of(older.pivot - newer.pivot));
        double shift = Magnitude.difference(older.pivot, newer.pivot, common);
        older.convert(common);
        copy(newer);
        convert(common);
        double moved = older.sum + n * shift;
        double later = (older.pivotUs - pivotUs) * 1e-6;
        double movedTimes = older.times + n * later;
        sum += moved;
        squares += older.squares + shift * (older.sum + moved);
        times += movedTimes;
        timeSquares += older.timeSquares + later * (older.times + movedTimes);
        products += older.products + shift * older.times + later * moved;
    }

    /** The smallest magnitude whose units these sums fit in without loss. */
    private int needs() {
        return squares == 0 ? Magnitude.TINY : magnitude;
    }

    void copy(Moments other) {
        pivot = other.pivot;
        pivotUs = other.pivotUs;
        magnitude = other.magnitude;
        sum = other.sum;
        squares = other.squares;
        times = other.times;
        timeSquares = other.timeSquares;
        products = other.products;
    }

    int magnitude() {
        return magnitude;
    }

    /** Takes over the sums that {@link #store} put into an array, and their magnitude. */
    void load(double[] sums, int at, boolean slope, int magnitude) {
        this.magnitude = magnitude;
        sum = sums[at];
        squares = sums[at + 1];
        if (slope) {
            times = sums[at + 2];
            timeSquares = sums[at + 3];
            products = sums[at + 4];
        }
    }

    /** Puts the sums into an array, without pivot and magnitude. */
    void store(double[] sums, int at, boolean slope) {
        sums[at] = sum;
        sums[at + 1] = squares;
        if (slope) {
            sums[at + 2] = times;
            sums[at + 3] = timeSquares;
            sums[at + 4] = products;
        }
    }

    /** How many numbers {@link #store} puts into an array. */
    static int stored(boolean slope) {
        return slope ? 5 : 2;
    }

    /** Mean of the samples, which are so many. */
    double mean(long count) {
        double difference = sum / count;
        if (magnitude == Magnitude.HUGE) {
            return (pivot * Magnitude.DOWN + difference) * Magnitude.UP;
        }
        return pivot + inChannelUnits(difference);
    }

    /** Population standard deviation of the samples, which are so many. */
    double deviation(long count) {
        return inChannelUnits(Math.sqrt(variance(count)));
    }

    /** Root of the mean of the squares of the samples, which are so many. */
    double rootMeanSquare(long count) {
        double mean = mean(count);
        return magnitude == Magnitude.PLAIN && Magnitude.isOrdinary(mean)
                ? Math.sqrt(variance(count) + mean * mean)
                : Math.hypot(deviation(count), mean);
    }

    /**
     * Least-squares slope per second of the samples, which are so many; NaN where all are of one
     * instant.
     */
    double slope(long count) {
        double spread = timeSquares - times * times / count;
        return spread > 0
                ? inChannelUnits((products - times * sum / count) / spread)
                : Double.NaN;
    }

    /** Population variance in the units of the magnitude, never below zero. */
    private double variance(long count) {
        double mean = sum / count;
        return Math.max(0, squares / count - mean * mean);
    }

    private double inChannelUnits(double number) {
        if (magnitude == Magnitude.PLAIN) {
            return number;
        }
        return number * (magnitude == Magnitude.HUGE ? Magnitude.UP : Magnitude.DOWN);
    }
}
