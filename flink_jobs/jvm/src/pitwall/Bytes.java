package pitwall;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Numbers in byte arrays, little-endian. */
final class Bytes {
    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle DOUBLE = MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.LITTLE_ENDIAN);

    private Bytes() {}

    /** Eight bytes a number. */
    static byte[] of(double[] values) {
        byte[] bytes = new byte[8 * values.length];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().put(values);
        return bytes;
    }

    /** Eight bytes a number. */
    static byte[] of(long[] values) {
        byte[] bytes = new byte[8 * values.length];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(values);
        return bytes;
    }

    static void write(DataOutputView out, long[] values) throws IOException {
        out.writeInt(values.length);
        out.write(of(values));
    }

    static void write(DataOutputView out, double[] values) throws IOException {
        out.writeInt(values.length);
        out.write(of(values));
    }

    static long[] longs(DataInputView in) throws IOException {
        long[] values = new long[in.readInt()];
        read(in, 8 * values.length).asLongBuffer().get(values);
        return values;
    }

    static double[] doubles(DataInputView in) throws IOException {
        double[] values = new double[in.readInt()];
        read(in, 8 * values.length).asDoubleBuffer().get(values);
        return values;
    }

    private static ByteBuffer read(DataInputView in, int length) throws IOException {
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
