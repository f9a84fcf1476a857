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

    /** Of seconds since the pivot, of their squares, and of their products with the differences. */
    double times;

    double timeSquares;
    double products;
    private int magnitude;

    /** How many samples there are, and the mean of their differences; both only at the end. */
    private long count;

    private double middle;

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

    /** Adds the time of the sample that was added, seconds since the pivot's. */
    void addTime(double seconds, double difference) {
        times += seconds;
        timeSquares += seconds * seconds;
        products += seconds * difference;
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

    private void convert(int to) {
        sum = Magnitude.convert(sum, magnitude, to);
        products = Magnitude.convert(products, magnitude, to);
        squares = Magnitude.convert(Magnitude.convert(squares, magnitude, to), magnitude, to);
        magnitude = to;
    }

    /**
     * Becomes the sums of two groups of samples. {@code n}: number of the older ones, whose object
     * may change its units.
     */
    void join(double n, Moments older, Moments newer, boolean slope) {
        int needed = Math.max(older.needs(), newer.needs());
        int common = Math.max(needed, Magnitude.of(older.pivot - newer.pivot));
        double shift = Magnitude.difference(older.pivot, newer.pivot, common);
        double[] sums = new double[stored(slope)];
        older.convert(common);
        older.store(sums, 0, slope);
        copy(newer);
        convert(common);
        join(n, sums, 0, shift, (older.pivotUs - pivotUs) * 1e-6, this, slope);
    }

    /**
     * Becomes the sums of two groups of samples in the same units.
     *
     * @param n number of the older samples
     * @param older where their sums are stored, and {@code at} from which place on
     * @param shift their pivot minus that of the newer ones
     * @param later their pivot's time minus that of the newer ones, seconds
     */
    void join(
            double n,
            double[] older,
            int at,
            double shift,
            double later,
            Moments newer,
            boolean slope) {
        double moved = older[at] + n * shift;
        if (slope) {
            double movedTimes = older[at + 2] + n * later;
            double movedSquares = older[at + 3] + later * (older[at + 2] + movedTimes);
            times = newer.times + movedTimes;
            timeSquares = newer.timeSquares + movedSquares;
            products = newer.products + (older[at + 4] + shift * older[at + 2] + later * moved);
        }
        pivot = newer.pivot;
        magnitude = newer.magnitude;
        squares = newer.squares + (older[at + 1] + shift * (older[at] + moved));
        sum = newer.sum + moved;
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

    /** Ends the sums: there are so many samples. The values below are defined from here on. */
    void end(long count) {
        this.count = count;
        middle = sum / count;
    }

    double mean() {
        if (magnitude == Magnitude.HUGE) {
            return (pivot * Magnitude.DOWN + middle) * Magnitude.UP;
        }
        return pivot + inChannelUnits(middle);
    }

    /** Population standard deviation. */
    double deviation() {
        return inChannelUnits(Math.sqrt(variance()));
    }

    /** Root of the mean of the squares. */
    double rootMeanSquare() {
        double mean = mean();
        return magnitude == Magnitude.PLAIN && Magnitude.isOrdinary(mean)
                ? Math.sqrt(variance() + mean * mean)
                : Math.hypot(deviation(), mean);
    }

    /** Least-squares slope per second; NaN where all samples are of one instant. */
    double slope() {
        double middleTime = times / count;
        double spread = timeSquares - times * middleTime;
        return spread > 0
                ? inChannelUnits((products - middleTime * sum) / spread)
                : Double.NaN;
    }

    /** Population variance in the units of the magnitude, never below zero. */
    private double variance() {
        return Math.max(0, squares / count - middle * middle);
    }

    private double inChannelUnits(double number) {
        if (magnitude == Magnitude.PLAIN) {
            return number;
        }
        return number * (magnitude == Magnitude.HUGE ? Magnitude.UP : Magnitude.DOWN);
    }
}
