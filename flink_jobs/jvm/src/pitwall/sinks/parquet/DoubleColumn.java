package pitwall.sinks.parquet;

import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;

import pitwall.bytes.LittleEndian;

import java.io.IOException;
import java.util.BitSet;

/** A column of doubles. NaN stands for null. {@link DoubleTiles} fills it. */
final class DoubleColumn extends ParquetColumn {
    private static final int INITIAL_BYTES = 64;
    private static final int PAGE_BYTES = 1 << 16;

    private final BitSet missing = new BitSet();

    DoubleColumn(ColumnDescriptor descriptor) {
        super(descriptor);
    }

    @Override
    void close(int rows, Statistics<?> statistics) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        missing.clear();
        int kept = 0;
        for (int i = 0; i < rows; i++) {
            double value = (double) LittleEndian.DOUBLE.get(plain, 8 * i);
            if (value != value) {
                missing.set(i);
                continue;
            }
            low = value < low ? value : low;
            high = value > high ? value : high;
            if (kept < i) {
                LittleEndian.DOUBLE.set(plain, 8 * kept, value);
            }
            kept++;
        }
        if (kept > 0) {
            statistics.updateStats(low);
            statistics.updateStats(high);
        }
        statistics.incrementNumNulls(rows - kept);
        length = 8 * kept;
    }

    @Override
    byte[] definitionLevels(int rows) throws IOException {
        if (length == 0 || length == 8 * rows) {
            return equalLevels(rows, length == 0 ? 0 : 1);
        }
        try (RunLengthBitPackingHybridEncoder encoder =
                new RunLengthBitPackingHybridEncoder(
                        1, INITIAL_BYTES, PAGE_BYTES, HeapByteBufferAllocator.getInstance())) {
            for (int i = 0; i < rows; i++) {
                encoder.writeInt(missing.get(i) ? 0 : 1);
            }
            BytesInput levels = encoder.toBytes();
            return BytesInput.concat(BytesInput.fromInt((int) levels.size()), levels).toByteArray();
        }
    }
}
