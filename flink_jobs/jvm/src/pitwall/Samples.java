package pitwall;

import java.util.Arrays;

/**
 * The samples of one tick as they travel from reader to operator: a row of (code, value), ten bytes each.
 *
 * <p>The code is the channel's index in the plan; an index beyond the plan's channels counts on into the extra names.
 * {@link #ALIAS} marks a channel that stands in for another and gives way to it.
 */
final class Samples {
    static final int ALIAS = 0x8000;
    static final int SIZE = 10;

    private byte[] bytes = new byte[64 * SIZE];
    private int length;

    void clear() {
        length = 0;
    }

    void add(int code, double value) {
        if (length + SIZE > bytes.length) {
            bytes = Arrays.copyOf(bytes, bytes.length * 2);
        }
        Bytes.SHORT.set(bytes, length, (short) code);
        Bytes.DOUBLE.set(bytes, length + 2, value);
        length += SIZE;
    }

    byte[] take() {
        return Arrays.copyOf(bytes, length);
    }

    /** Whether both hold the same channels in the same order. */
    boolean sameCodes(Samples other) {
        if (length != other.length) {
            return false;
        }
        for (int at = 0; at < length; at += SIZE) {
            if (code(bytes, at) != code(other.bytes, at)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Samples s && Arrays.equals(bytes, 0, length, s.bytes, 0, s.length);
    }

    @Override
    public int hashCode() {
        return length;
    }

    static int code(byte[] bytes, int at) {
        return ((short) Bytes.SHORT.get(bytes, at)) & 0xFFFF;
    }

    static double value(byte[] bytes, int at) {
        return (double) Bytes.DOUBLE.get(bytes, at + 2);
    }

    /** Copies a tick's samples, codes beyond {@code known} moved on by {@code shift}. */
    static void copy(byte[] from, byte[] to, int at, int known, int shift) {
        System.arraycopy(from, 0, to, at, from.length);
        for (int i = at; shift > 0 && i < to.length; i += SIZE) {
            int code = code(to, i);
            if ((code & ~ALIAS) >= known) {
                Bytes.SHORT.set(to, i, (short) (code + shift));
            }
        }
    }
}
