package pitwall.sinks.parquet;

import org.apache.flink.table.data.RowData;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.statistics.Statistics;

import pitwall.bytes.LittleEndian;
import pitwall.sinks.RowFields;

/** A column of timestamps that are never null, in microseconds since the epoch. */
final class TimeColumn extends ParquetColumn implements RowPart {
    private final int field;
    private final int precision;

    TimeColumn(int field, int precision, ColumnDescriptor descriptor) {
        super(descriptor);
        this.field = field;
        this.precision = precision;
    }

    @Override
    public void add(RowData row) {
        ensureRoom(8);
        long timeUs = RowFields.micros(row.getTimestamp(field, precision));
        LittleEndian.LONG.set(plain, length, timeUs);
        length += 8;
    }

    @Override
    void close(int rows, Statistics<?> statistics) {
        for (int i = 0; i < length; i += 8) {
            statistics.updateStats((long) LittleEndian.LONG.get(plain, i));
        }
    }
}
