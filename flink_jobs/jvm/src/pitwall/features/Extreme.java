package pitwall.features;

import java.util.Arrays;

/** A monotone queue of sample indices. Its first sample is the window's minimum or maximum. */
final class Extreme {
    private static final int MIN_CAPACITY = 16;

    /** 1 for a minimum, -1 for a maximum. */
    private final int sign;

    private long[] queue = new long[MIN_CAPACITY];
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

    void push(Series series, long i) {
        double value = sign * series.value(i);
        while (size > 0 && sign * series.value(queue[at(size - 1)]) >= value) {
            size--;
        }
        if (size == queue.length) {
            queue = Arrays.copyOf(indices(), queue.length * 2);
            first = 0;
        }
        queue[at(size)] = i;
        size++;
    }

    /** Drops samples before the window's first one. */
    void trim(long head) {
        while (size > 0 && queue[first] < head) {
            first = at(1);
            size--;
        }
    }

    /** Index of the extreme sample. The window must not be empty. */
    long first() {
        return queue[first];
    }

    long[] indices() {
        long[] all = new long[size];
        for (int i = 0; i < size; i++) {
            all[i] = queue[at(i)];
        }
        return all;
    }

    void set(long[] indices) {
        int fitting = Integer.highestOneBit(Math.max(1, indices.length - 1)) << 1;
        queue = Arrays.copyOf(indices, Math.max(MIN_CAPACITY, fitting));
        first = 0;
        size = indices.length;
    }

    private int at(int place) {
        return (first + place) & (queue.length - 1);
    }
}
