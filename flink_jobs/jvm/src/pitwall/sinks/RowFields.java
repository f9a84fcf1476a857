package pitwall.sinks;

import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryRowData;

import pitwall.bytes.LittleEndian;

/** Reads fields of Flink's rows without an object for each number. */
public final class RowFields {
    private RowFields() {}

    /** Microseconds since the epoch. */
    public static long micros(TimestampData time) {
        return time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000;
    }

    /**
     * Copies {@code count} doubles of the row, from field {@code first} on, into {@code out} from
     * byte {@code at} on: little-endian, NaN for null.
     */
    public static void doubles(RowData row, int first, int count, byte[] out, int at) {
        if (row instanceof BinaryRowData binary && binary.getSegments().length == 1) {
            int nullBytes = BinaryRowData.calculateBitSetWidthInBytes(row.getArity());
            int start = binary.getOffset() + nullBytes + 8 * first;
            binary.getSegments()[0].get(start, out, at, 8 * count);
            for (int i = 0; i < count; i++) {
                if (binary.isNullAt(first + i)) {
                    LittleEndian.DOUBLE.set(out, at + 8 * i, Double.NaN);
                }
            }
        } else {
            for (int i = 0; i < count; i++) {
                double value = row.isNullAt(first + i) ? Double.NaN : row.getDouble(first + i);
                LittleEndian.DOUBLE.set(out, at + 8 * i, value);
            }
        }
    }
}
