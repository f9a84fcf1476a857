package pitwall;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.compression.CompressionCodecFactory.BytesInputCompressor;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * Writes rows of text, timestamps (as UTC microseconds) and doubles to Parquet, a column at a time: wide rows cost a
 * fraction of what a writer that takes value by value needs. A page a column and row group, plain encoding, snappy.
 */
final class ParquetRows implements BulkWriter<RowData> {
    /** Makes the writers of one task, which share their compressor: it costs more to make than a small file to write. */
    static final class Factory implements BulkWriter.Factory<RowData> {
        private final RowType type;
        private transient BytesInputCompressor snappy;

        Factory(RowType type) {
            this.type = type;
        }

        @Override
        public BulkWriter<RowData> create(FSDataOutputStream out) throws IOException {
            if (snappy == null) {
                CodecFactory codecs = new CodecFactory(new Configuration(false), ParquetWriter.DEFAULT_PAGE_SIZE);
                snappy = codecs.getCompressor(CompressionCodecName.SNAPPY);
            }
            return new ParquetRows(type, out, snappy);
        }
    }

    private static final int GROUP_ROWS = 2048;
    private static final int FEW_ROWS = 256;

    private final List<Column> columns = new ArrayList<>();
    private final ParquetFileWriter file;
    private final BytesInputCompressor snappy;
    private int rows;

    private ParquetRows(RowType type, FSDataOutputStream out, BytesInputCompressor snappy) throws IOException {
        this.snappy = snappy;
        List<org.apache.parquet.schema.Type> fields = new ArrayList<>();
        for (RowType.RowField field : type.getFields()) {
            fields.add(primitive(field.getName(), field.getType()));
        }
        MessageType schema = new MessageType("row", fields);
        for (int i = 0; i < fields.size(); i++) {
            ColumnDescriptor descriptor = schema.getColumns().get(i);
            LogicalType of = type.getTypeAt(i);
            columns.add(switch (of.getTypeRoot()) {
                case VARCHAR -> new Texts(i, descriptor);
                case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> new Times(i, LogicalTypeChecks.getPrecision(of), descriptor);
                default -> new Doubles(i, descriptor);
            });
        }
        file = new ParquetFileWriter(
                new Target(out), schema, ParquetFileWriter.Mode.CREATE, ParquetWriter.DEFAULT_BLOCK_SIZE, 0, 64,
                Integer.MAX_VALUE, false);
        file.start();
    }

    private static PrimitiveType primitive(String name, LogicalType type) {
        return switch (type.getTypeRoot()) {
            case VARCHAR -> Types.optional(PrimitiveTypeName.BINARY).as(LogicalTypeAnnotation.stringType()).named(name);
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> Types.optional(PrimitiveTypeName.INT64)
                    .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS))
                    .named(name);
            case DOUBLE -> Types.optional(PrimitiveTypeName.DOUBLE).named(name);
            default -> throw new IllegalArgumentException("column " + name + " is " + type + "; text, timestamp and double are written");
        };
    }

    @Override
    public void addElement(RowData row) throws IOException {
        for (Column column : columns) {
            column.add(row, rows);
        }
        if (++rows == GROUP_ROWS) {
            group();
        }
    }

    private void group() throws IOException {
        if (rows == 0) {
            return;
        }
        file.startBlock(rows);
        for (Column column : columns) {
            Statistics<?> statistics = Statistics.createStats(column.descriptor.getPrimitiveType());
            BytesInput values = column.values(rows, statistics);
            BytesInput page = BytesInput.copy(BytesInput.concat(column.present(rows), values));
            file.startColumn(column.descriptor, rows, CompressionCodecName.SNAPPY);
            file.writeDataPage(
                    rows, (int) page.size(), snappy.compress(page), statistics, rows, Encoding.RLE, Encoding.RLE, Encoding.PLAIN);
            file.endColumn();
        }
        file.endBlock();
        rows = 0;
    }

    @Override
    public void flush() {}

    @Override
    public void finish() throws IOException {
        group();
        file.end(new java.util.HashMap<>());
    }

    /** The values of one column since the last row group. */
    private abstract static class Column {
        final int field;
        final ColumnDescriptor descriptor;
        int nulls;

        Column(int field, ColumnDescriptor descriptor) {
            this.field = field;
            this.descriptor = descriptor;
        }

        abstract void add(RowData row, int at);

        abstract boolean isNull(int at);

        /** The values that are not null in plain encoding; begins afresh. */
        abstract BytesInput values(int rows, Statistics<?> statistics);

        /** Which rows have a value: definition levels with their length before them. */
        BytesInput present(int rows) throws IOException {
            BytesInput levels;
            if (nulls == 0 || nulls == rows) {
                levels = BytesInput.concat(BytesInput.fromUnsignedVarInt(rows << 1), BytesInput.from(new byte[] {(byte) (nulls == 0 ? 1 : 0)}));
            } else {
                try (RunLengthBitPackingHybridEncoder encoder =
                        new RunLengthBitPackingHybridEncoder(1, 64, 1 << 16, HeapByteBufferAllocator.getInstance())) {
                    for (int i = 0; i < rows; i++) {
                        encoder.writeInt(isNull(i) ? 0 : 1);
                    }
                    levels = BytesInput.copy(encoder.toBytes());
                }
            }
            nulls = 0;
            return BytesInput.concat(BytesInput.fromInt((int) levels.size()), levels);
        }

        static BytesInput longs(long[] values, int count) {
            ByteBuffer bytes = ByteBuffer.allocate(8 * count).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asLongBuffer().put(values, 0, count);
            return BytesInput.from(bytes);
        }
    }

    private static final class Doubles extends Column {
        private double[] values = new double[FEW_ROWS];

        Doubles(int field, ColumnDescriptor descriptor) {
            super(field, descriptor);
        }

        @Override
        void add(RowData row, int at) {
            if (at == values.length) {
                values = Arrays.copyOf(values, at * 2);
            }
            if (row.isNullAt(field)) {
                nulls++;
                values[at] = Double.NaN;
            } else {
                values[at] = row.getDouble(field);
            }
        }

        @Override
        boolean isNull(int at) {
            return Double.isNaN(values[at]);
        }

        @Override
        BytesInput values(int rows, Statistics<?> statistics) {
            ByteBuffer bytes = ByteBuffer.allocate(8 * (rows - nulls)).order(ByteOrder.LITTLE_ENDIAN);
            if (nulls == 0) {
                bytes.asDoubleBuffer().put(values, 0, rows);
            } else if (nulls < rows) {
                for (int i = 0; i < rows; i++) {
                    if (!Double.isNaN(values[i])) {
                        bytes.putDouble(values[i]);
                    }
                }
                bytes.flip();
            }
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < rows; i++) {
                low = values[i] < low ? values[i] : low;
                high = values[i] > high ? values[i] : high;
            }
            if (nulls < rows) {
                statistics.updateStats(low);
                statistics.updateStats(high);
            }
            statistics.incrementNumNulls(nulls);
            return BytesInput.from(bytes);
        }
    }

    private static final class Times extends Column {
        private final int precision;
        private long[] values = new long[FEW_ROWS];

        Times(int field, int precision, ColumnDescriptor descriptor) {
            super(field, descriptor);
            this.precision = precision;
        }

        @Override
        void add(RowData row, int at) {
            if (at == values.length) {
                values = Arrays.copyOf(values, at * 2);
            }
            TimestampData time = row.getTimestamp(field, precision);
            values[at] = time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000;
        }

        @Override
        boolean isNull(int at) {
            return false;
        }

        @Override
        BytesInput values(int rows, Statistics<?> statistics) {
            for (int i = 0; i < rows; i++) {
                statistics.updateStats(values[i]);
            }
            return longs(values, rows);
        }
    }

    private static final class Texts extends Column {
        private byte[][] values = new byte[FEW_ROWS][];
        private int length;

        Texts(int field, ColumnDescriptor descriptor) {
            super(field, descriptor);
        }

        @Override
        void add(RowData row, int at) {
            if (at == values.length) {
                values = Arrays.copyOf(values, at * 2);
            }
            byte[] text = row.getString(field).toBytes();
            values[at] = at > 0 && Arrays.equals(text, values[at - 1]) ? values[at - 1] : text;
            length += 4 + text.length;
        }

        @Override
        boolean isNull(int at) {
            return false;
        }

        @Override
        BytesInput values(int rows, Statistics<?> statistics) {
            ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < rows; i++) {
                bytes.putInt(values[i].length).put(values[i]);
                if (i == 0 || values[i] != values[i - 1]) {
                    statistics.updateStats(Binary.fromConstantByteArray(values[i]));
                }
            }
            length = 0;
            return BytesInput.from(bytes.flip());
        }
    }

    /** Flink's stream as Parquet's target, buffered: the footer is written byte by byte. Flink closes it. */
    private record Target(FSDataOutputStream out) implements OutputFile {
        @Override
        public PositionOutputStream create(long blockSize) {
            BufferedOutputStream buffer = new BufferedOutputStream(out, 1 << 16);
            return new PositionOutputStream() {
                private long position;

                @Override
                public long getPos() {
                    return position;
                }

                @Override
                public void write(int b) throws IOException {
                    buffer.write(b);
                    position++;
                }

                @Override
                public void write(byte[] bytes, int from, int length) throws IOException {
                    buffer.write(bytes, from, length);
                    position += length;
                }

                @Override
                public void flush() throws IOException {
                    buffer.flush();
                }

                @Override
                public void close() throws IOException {
                    buffer.flush();
                }
            };
        }

        @Override
        public PositionOutputStream createOrOverwrite(long blockSize) {
            return create(blockSize);
        }

        @Override
        public boolean supportsBlockSize() {
            return false;
        }

        @Override
        public long defaultBlockSize() {
            return 0;
        }
    }
}
