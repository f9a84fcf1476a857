package pitwall.bytes;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Arrays and text of any length in the bytes of a state, each with its length before it.
 *
 * <p>Every method throws IOException when the stream fails or ends early.
 */
public final class StateBytes {
    private static final int NULL_LENGTH = -1;

    private StateBytes() {}

    public static void writeLongs(DataOutputView out, long[] values) throws IOException {
        out.writeInt(values.length);
        out.write(LittleEndian.of(values));
    }

    public static void writeDoubles(DataOutputView out, double[] values) throws IOException {
        out.writeInt(values.length);
        out.write(LittleEndian.of(values));
    }

    /** Writes text as UTF-8; the text may be null. */
    public static void writeText(DataOutputView out, String text) throws IOException {
        if (text == null) {
            out.writeInt(NULL_LENGTH);
            return;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    public static long[] readLongs(DataInputView in) throws IOException {
        long[] values = new long[in.readInt()];
        readBytes(in, 8 * values.length).asLongBuffer().get(values);
        return values;
    }

    public static double[] readDoubles(DataInputView in) throws IOException {
        double[] values = new double[in.readInt()];
        readBytes(in, 8 * values.length).asDoubleBuffer().get(values);
        return values;
    }

    /** Reads what {@link #writeText} wrote, null included. */
    public static String readText(DataInputView in) throws IOException {
        int length = in.readInt();
        if (length == NULL_LENGTH) {
            return null;
        }
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static ByteBuffer readBytes(DataInputView in, int length) throws IOException {
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
