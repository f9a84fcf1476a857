package pitwall.features;

/**
 * How long a ring is for its entries. It grows by a quarter, so that at most a fifth of it is free
 * while entries come and go at one rate, and it shrinks when three quarters are free.
 */
final class RingLength {
    private static final int SHORTEST = 16;

    private RingLength() {}

    /** A length above the given one. */
    static int grown(int length) {
        return length + Math.max(SHORTEST, length / 4);
    }

    /** Whether a ring of this length is much too long for so many entries. */
    static boolean isWasteful(int length, long entries) {
        return length > 4 * SHORTEST && entries < length / 4;
    }
}
