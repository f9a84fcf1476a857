package pitwall.sinks.parquet;

import org.apache.flink.table.data.RowData;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.io.api.Binary;

import pitwall.bytes.LittleEndian;

import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.Set;

/** A column of texts that are never null and of which few differ, such as ids. */
final class TextColumn extends ParquetColumn implements RowPart {
    private final int field;
    private final Set<ByteBuffer> distinct = new LinkedHashSet<>();

    TextColumn(int field, ColumnDescriptor descriptor) {
        super(descriptor);
        this.field = field;
    }

    @Override
    public void add(RowData row) {
        byte[] text = row.getString(field).toBytes();
        ensureRoom(4 + text.length);
        LittleEndian.INT.set(plain, length, text.length);
        System.arraycopy(text, 0, plain, length + 4, text.length);
        length += 4 + text.length;
        distinct.add(ByteBuffer.wrap(text));
    }

    @Override
    void close(int rows, Statistics<?> statistics) {
        distinct.forEach(
                text -> statistics.updateStats(Binary.fromConstantByteArray(text.array())));
        distinct.clear();
    }
}
