package pitwall;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;

/** Numbers in byte arrays, little-endian. */
final class Bytes {
    static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
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

    /** Puts {@code count} doubles of the row from field {@code first} on into {@code out} at {@code at}; NaN for null. */
    static void doubles(RowData row, int first, int count, byte[] out, int at) {
        if (row instanceof BinaryRowData binary && binary.getSegments().length == 1) {
            int start = binary.getOffset() + BinaryRowData.calculateBitSetWidthInBytes(row.getArity()) + 8 * first;
            binary.getSegments()[0].get(start, out, at, 8 * count);
            for (int i = 0; i < count; i++) {
                if (binary.isNullAt(first + i)) {
                    DOUBLE.set(out, at + 8 * i, Double.NaN);
                }
            }
        } else {
            for (int i = 0; i < count; i++) {
                DOUBLE.set(out, at + 8 * i, row.isNullAt(first + i) ? Double.NaN : row.getDouble(first + i));
            }
        }
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
