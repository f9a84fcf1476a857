package pitwall.sinks.parquet;

import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.xerial.snappy.Snappy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * Writes rows of text, timestamps (as UTC microseconds) and doubles to one Parquet file, a column
 * at a time: for wide rows this costs a fraction of what a writer needs that takes value by value.
 * Each column has one page in each row group, in plain encoding and compressed with snappy.
 *
 * <p>Blocks while the file is written. Throws IllegalArgumentException for a column of another
 * type.
 */
final class ParquetRowWriter implements BulkWriter<RowData> {
    private static final int GROUP_ROWS = 2048;
    private static final int MAX_PADDING_BYTES = 0;
    private static final int COLUMN_INDEX_BYTES = 64;

    private final List<ParquetColumn> columns = new ArrayList<>();

    /**
     * What takes the fields of a row. A column of doubles gets its values from {@link #doubles}.
     */
    private final List<RowPart> parts = new ArrayList<>();

    private final DoubleTiles doubles;
    private final ParquetFileWriter file;
    private byte[] page = new byte[0];
    private byte[] compressed = new byte[0];
    private int rows;

    ParquetRowWriter(RowType type, FSDataOutputStream out) throws IOException {
        List<Type> fields = new ArrayList<>();
        for (RowType.RowField field : type.getFields()) {
            fields.add(primitive(field.getName(), field.getType()));
        }
        MessageType schema = new MessageType("row", fields);
        List<Integer> doubleFields = new ArrayList<>();
        List<DoubleColumn> doubleColumns = new ArrayList<>();
        for (int i = 0; i < fields.size(); i++) {
            ColumnDescriptor descriptor = schema.getColumns().get(i);
            LogicalType fieldType = type.getTypeAt(i);
            switch (fieldType.getTypeRoot()) {
                case VARCHAR -> add(new TextColumn(i, descriptor));
                case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> {
                    int precision = LogicalTypeChecks.getPrecision(fieldType);
                    add(new TimeColumn(i, precision, descriptor));
                }
                default -> {
                    DoubleColumn column = new DoubleColumn(descriptor);
                    doubleFields.add(i);
                    doubleColumns.add(column);
                    columns.add(column);
                }
            }
        }
        doubles = new DoubleTiles(doubleFields, doubleColumns);
        parts.add(doubles);
        file =
                new ParquetFileWriter(
                        new ParquetOutputFile(out),
                        schema,
                        ParquetFileWriter.Mode.CREATE,
                        ParquetWriter.DEFAULT_BLOCK_SIZE,
                        MAX_PADDING_BYTES,
                        COLUMN_INDEX_BYTES,
                        Integer.MAX_VALUE,
                        false);
        file.start();
    }

    private <T extends ParquetColumn & RowPart> void add(T column) {
        columns.add(column);
        parts.add(column);
    }

    private static PrimitiveType primitive(String name, LogicalType type) {
        return switch (type.getTypeRoot()) {
            case VARCHAR ->
                    Types.optional(PrimitiveTypeName.BINARY)
                            .as(LogicalTypeAnnotation.stringType())
                            .named(name);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
                    Types.optional(PrimitiveTypeName.INT64)
                            .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS))
                            .named(name);
            case DOUBLE -> Types.optional(PrimitiveTypeName.DOUBLE).named(name);
            default ->
                    throw new IllegalArgumentException(
                            "column "
                                    + name
                                    + " has the type "
                                    + type
                                    + "; the offline store writes text, timestamps and doubles");
        };
    }

    @Override
    public void addElement(RowData row) throws IOException {
        for (RowPart part : parts) {
            part.add(row);
        }
        if (++rows == GROUP_ROWS) {
            writeGroup();
        }
    }

    private void writeGroup() throws IOException {
        if (rows == 0) {
            return;
        }
        doubles.spread();
        file.startBlock(rows);
        for (ParquetColumn column : columns) {
            writeColumn(column);
        }
        file.endBlock();
        rows = 0;
    }

    private void writeColumn(ParquetColumn column) throws IOException {
        Statistics<?> statistics = Statistics.createStats(column.descriptor.getPrimitiveType());
        column.close(rows, statistics);
        byte[] levels = column.definitionLevels(rows);
        int size = levels.length + column.length;
        if (page.length < size) {
            page = new byte[size];
            compressed = new byte[Snappy.maxCompressedLength(size)];
        }
        System.arraycopy(levels, 0, page, 0, levels.length);
        System.arraycopy(column.plain, 0, page, levels.length, column.length);
        int length = Snappy.compress(page, 0, size, compressed, 0);
        file.startColumn(column.descriptor, rows, CompressionCodecName.SNAPPY);
        file.writeDataPage(
                rows,
                size,
                BytesInput.from(compressed, 0, length),
                statistics,
                rows,
                Encoding.RLE,
                Encoding.RLE,
                Encoding.PLAIN);
        file.endColumn();
        column.length = 0;
    }

    @Override
    public void flush() {}

    @Override
    public void finish() throws IOException {
        writeGroup();
        file.end(new HashMap<>());
    }
}
