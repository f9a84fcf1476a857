package pitwall.features;

/** A monotone queue of samples. Its first sample is the window's minimum or maximum. */
final class Extreme {
    private static final int MIN_CAPACITY = 8;

    /** A longer ring becomes shorter when almost all of it is free. */
    private static final int LONG = 256;

    /** 1 for a minimum, -1 for a maximum. */
    private final int sign;

    /** The samples times the sign, in a ring whose length is a power of two. */
    private double[] values = new double[MIN_CAPACITY];

    /** The low 32 bits of the samples' indices, in such a ring. */
    private int[] indices = new int[MIN_CAPACITY];

    private int first;
    private int size;

    private Extreme(int sign) {
        this.sign = sign;
    }

    static Extreme minimum() {
        return new Extreme(1);
    }

    static Extreme maximum() {
        return new Extreme(-1);
    }

    /** Adds the sample of this index, the next one. */
    void push(long i, double sample) {
        double value = sign * sample;
        while (size > 0 && values[place(size - 1)] >= value) {
            size--;
        }
        if (size == values.length) {
            resize(size * 2);
        }
        int at = place(size++);
        values[at] = value;
        indices[at] = (int) i;
    }

    /** Drops samples before the window's first one. */
    void trim(long head) {
        while (size > 0 && indices[first] - (int) head < 0) {
            first = place(1);
            size--;
            if (values.length > LONG && size < values.length / 16) {
                resize(values.length / 2);
            }
        }
    }

    /** The minimum or maximum. The window must not be empty. */
    double value() {
        return sign * values[first];
    }

    private int place(int k) {
        return (first + k) & (values.length - 1);
    }

    private void resize(int length) {
        double[] newValues = new double[length];
        int[] newIndices = new int[length];
        for (int k = 0; k < size; k++) {
            newValues[k] = values[place(k)];
            newIndices[k] = indices[place(k)];
        }
        values = newValues;
        indices = newIndices;
        first = 0;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 80 + 12L * values.length;
    }
}
