package pitwall.sinks.parquet;

import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.statistics.Statistics;

import java.io.IOException;
import java.util.Arrays;

/** The values of one column since the last row group, in Parquet's plain encoding. */
abstract class ParquetColumn {
    private static final int FEW_ROWS = 256;

    final ColumnDescriptor descriptor;
    byte[] plain = new byte[8 * FEW_ROWS];

    /** Bytes in {@link #plain}. */
    int length;

    ParquetColumn(ColumnDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * The row group is complete. Leaves the values that are not null in {@link #plain}, and fills
     * the column's statistics.
     */
    abstract void close(int rows, Statistics<?> statistics);

    /**
     * Parquet's definition levels, which say which rows have a value, with their length in front.
     */
    byte[] definitionLevels(int rows) throws IOException {
        return equalLevels(rows, 1);
    }

    /** Makes room for so many more bytes. */
    final void ensureRoom(int more) {
        if (length + more > plain.length) {
            plain = Arrays.copyOf(plain, Math.max(length + more, 2 * plain.length));
        }
    }

    /** The definition levels of rows that all have a value (1) or all have none (0). */
    static byte[] equalLevels(int rows, int level) throws IOException {
        BytesInput run =
                BytesInput.concat(
                        BytesInput.fromUnsignedVarInt(rows << 1),
                        BytesInput.from(new byte[] {(byte) level}));
        return BytesInput.concat(BytesInput.fromInt((int) run.size()), run).toByteArray();
    }
}
