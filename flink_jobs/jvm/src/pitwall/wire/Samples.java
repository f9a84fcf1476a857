package pitwall.wire;

import pitwall.bytes.LittleEndian;

import java.util.Arrays;

/**
 * The samples of one tick in the form in which they travel from the reader to the operator: pairs
 * of code and value, ten bytes each.
 *
 * <p>A code below the number of the plan's channels is a channel's index in the plan. The codes
 * after that count the names of the tick's extra channels. {@link #ALIAS} is added to the code of a
 * channel that stands in for another one and gives way to it.
 */
public final class Samples {
    public static final int ALIAS = 0x8000;

    /** Bytes of one sample. */
    public static final int SIZE = 10;

    private byte[] bytes = new byte[64 * SIZE];
    private int length;

    public void add(int code, double value) {
        if (length + SIZE > bytes.length) {
            bytes = Arrays.copyOf(bytes, bytes.length * 2);
        }
        LittleEndian.SHORT.set(bytes, length, (short) code);
        LittleEndian.DOUBLE.set(bytes, length + 2, value);
        length += SIZE;
    }

    /** Bytes of memory that the samples have room in. */
    int capacity() {
        return bytes.length;
    }

    /** A copy of the samples' bytes. */
    public byte[] toBytes() {
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

    /** Whether both hold the same channels and the same bits of values. */
    boolean sameAs(Samples other) {
        return Arrays.equals(bytes, 0, length, other.bytes, 0, other.length);
    }

    /** The code of the sample that begins at this byte. */
    public static int code(byte[] bytes, int at) {
        return ((short) LittleEndian.SHORT.get(bytes, at)) & 0xFFFF;
    }

    /** The value of the sample that begins at this byte. */
    public static double value(byte[] bytes, int at) {
        return (double) LittleEndian.DOUBLE.get(bytes, at + 2);
    }

    /**
     * Copies a tick's samples into {@code to} from byte {@code at} on. Adds {@code shift} to the
     * codes of extra channels, which are those from {@code known} on.
     */
    public static void copy(byte[] from, byte[] to, int at, int known, int shift) {
        System.arraycopy(from, 0, to, at, from.length);
        for (int i = at; shift > 0 && i < to.length; i += SIZE) {
            int code = code(to, i);
            if ((code & ~ALIAS) >= known) {
                LittleEndian.SHORT.set(to, i, (short) (code + shift));
            }
        }
    }
}
