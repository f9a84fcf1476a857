package pitwall;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;
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
import org.xerial.snappy.Snappy;

/**
 * Writes rows of text, timestamps (as UTC microseconds) and doubles to Parquet, a column at a time: wide rows cost a
 * fraction of what a writer that takes value by value needs. A page a column and row group, plain encoding, snappy.
 */
final class ParquetRows implements BulkWriter<RowData> {
    /** Makes the writers of one task. */
    static final class Factory implements BulkWriter.Factory<RowData> {
        private final RowType type;

        Factory(RowType type) {
            this.type = type;
        }

        @Override
        public BulkWriter<RowData> create(FSDataOutputStream out) throws IOException {
            return new ParquetRows(type, out);
        }
    }

    private static final int GROUP_ROWS = 2048;
    private static final int FEW_ROWS = 256;

    private final List<Column> columns = new ArrayList<>();
    private final List<Taker> takers = new ArrayList<>();
    private final Doubles doubles;
    private final ParquetFileWriter file;
    private byte[] page = new byte[0];
    private byte[] compressed = new byte[0];
    private int rows;

    private ParquetRows(RowType type, FSDataOutputStream out) throws IOException {
        List<org.apache.parquet.schema.Type> fields = new ArrayList<>();
        for (RowType.RowField field : type.getFields()) {
            fields.add(primitive(field.getName(), field.getType()));
        }
        MessageType schema = new MessageType("row", fields);
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < fields.size(); i++) {
            ColumnDescriptor descriptor = schema.getColumns().get(i);
            LogicalType of = type.getTypeAt(i);
            columns.add(switch (of.getTypeRoot()) {
                case VARCHAR -> taker(new Texts(i, descriptor));
                case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> taker(new Times(i, LogicalTypeChecks.getPrecision(of), descriptor));
                default -> {
                    numbers.add(i);
                    yield new Reals(descriptor);
                }
            });
        }
        doubles = new Doubles(numbers.stream().mapToInt(Integer::intValue).toArray(), columns);
        takers.add(doubles);
        file = new ParquetFileWriter(
                new Target(out), schema, ParquetFileWriter.Mode.CREATE, ParquetWriter.DEFAULT_BLOCK_SIZE, 0, 64,
                Integer.MAX_VALUE, false);
        file.start();
    }

    private <T extends Column & Taker> T taker(T column) {
        takers.add(column);
        return column;
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
        for (Taker taker : takers) {
            taker.add(row);
        }
        if (++rows == GROUP_ROWS) {
            group();
        }
    }

    private void group() throws IOException {
        if (rows == 0) {
            return;
        }
        doubles.spread();
        file.startBlock(rows);
        for (Column column : columns) {
            Statistics<?> statistics = Statistics.createStats(column.descriptor.getPrimitiveType());
            column.close(rows, statistics);
            byte[] present = column.present(rows);
            int size = present.length + column.length;
            if (page.length < size) {
                page = new byte[size];
                compressed = new byte[Snappy.maxCompressedLength(size)];
            }
            System.arraycopy(present, 0, page, 0, present.length);
            System.arraycopy(column.plain, 0, page, present.length, column.length);
            int length = Snappy.compress(page, 0, size, compressed, 0);
            file.startColumn(column.descriptor, rows, CompressionCodecName.SNAPPY);
            file.writeDataPage(
                    rows, size, BytesInput.from(compressed, 0, length), statistics, rows, Encoding.RLE, Encoding.RLE, Encoding.PLAIN);
            file.endColumn();
            column.length = 0;
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

    /** Takes from a row what is its own. */
    private interface Taker {
        void add(RowData row);
    }

    /** The values of one column since the last row group, in plain encoding. */
    private abstract static class Column {
        final ColumnDescriptor descriptor;
        byte[] plain = new byte[8 * FEW_ROWS];
        int length;

        Column(ColumnDescriptor descriptor) {
            this.descriptor = descriptor;
        }

        /** No row follows: leaves the values that are there in {@link #plain}, and what there is to say of them. */
        abstract void close(int rows, Statistics<?> statistics);

        /** Which rows have a value: definition levels with their length before them. */
        byte[] present(int rows) throws IOException {
            return levels(rows, 1);
        }

        final void need(int more) {
            if (length + more > plain.length) {
                plain = Arrays.copyOf(plain, Math.max(length + more, 2 * plain.length));
            }
        }

        static byte[] levels(int rows, int level) throws IOException {
            BytesInput run = BytesInput.concat(BytesInput.fromUnsignedVarInt(rows << 1), BytesInput.from(new byte[] {(byte) level}));
            return BytesInput.concat(BytesInput.fromInt((int) run.size()), run).toByteArray();
        }
    }

    /** The numbers of a few rows, which go to their columns together: a column a row at a time is a cache line a value. */
    private static final class Doubles implements Taker {
        private static final int TILE = 32;

        private final int[] fields;
        private final Reals[] columns;
        private final byte[] tile;
        private int rows;

        Doubles(int[] fields, List<Column> all) {
            this.fields = fields;
            columns = Arrays.stream(fields).mapToObj(i -> (Reals) all.get(i)).toArray(Reals[]::new);
            tile = new byte[8 * TILE * fields.length];
        }

        @Override
        public void add(RowData row) {
            // Runs of neighbours; a feature row's numbers are one.
            for (int i = 0; i < fields.length; ) {
                int next = i + 1;
                while (next < fields.length && fields[next] == fields[next - 1] + 1) {
                    next++;
                }
                Bytes.doubles(row, fields[i], next - i, tile, 8 * (rows * fields.length + i));
                i = next;
            }
            if (++rows == TILE) {
                spread();
            }
        }

        void spread() {
            for (int c = 0; c < columns.length; c++) {
                Reals column = columns[c];
                column.need(8 * rows);
                byte[] to = column.plain;
                int at = column.length;
                for (int from = 8 * c, row = 0; row < rows; row++, from += 8 * columns.length, at += 8) {
                    Bytes.LONG.set(to, at, (long) Bytes.LONG.get(tile, from));
                }
                column.length = at;
            }
            rows = 0;
        }
    }

    /** NaN is null. */
    private static final class Reals extends Column {
        private final BitSet missing = new BitSet();

        Reals(ColumnDescriptor descriptor) {
            super(descriptor);
        }

        @Override
        void close(int rows, Statistics<?> statistics) {
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            missing.clear();
            int kept = 0;
            for (int i = 0; i < rows; i++) {
                double value = (double) Bytes.DOUBLE.get(plain, 8 * i);
                if (value != value) {
                    missing.set(i);
                    continue;
                }
                low = value < low ? value : low;
                high = value > high ? value : high;
                if (kept < i) {
                    Bytes.DOUBLE.set(plain, 8 * kept, value);
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
        byte[] present(int rows) throws IOException {
            if (length == 0 || length == 8 * rows) {
                return levels(rows, length == 0 ? 0 : 1);
            }
            try (RunLengthBitPackingHybridEncoder encoder =
                    new RunLengthBitPackingHybridEncoder(1, 64, 1 << 16, HeapByteBufferAllocator.getInstance())) {
                for (int i = 0; i < rows; i++) {
                    encoder.writeInt(missing.get(i) ? 0 : 1);
                }
                BytesInput levels = encoder.toBytes();
                return BytesInput.concat(BytesInput.fromInt((int) levels.size()), levels).toByteArray();
            }
        }
    }

    private static final class Times extends Column implements Taker {
        private final int field;
        private final int precision;

        Times(int field, int precision, ColumnDescriptor descriptor) {
            super(descriptor);
            this.field = field;
            this.precision = precision;
        }

        @Override
        public void add(RowData row) {
            need(8);
            TimestampData time = row.getTimestamp(field, precision);
            Bytes.LONG.set(plain, length, time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000);
            length += 8;
        }

        @Override
        void close(int rows, Statistics<?> statistics) {
            for (int i = 0; i < length; i += 8) {
                statistics.updateStats((long) Bytes.LONG.get(plain, i));
            }
        }
    }

    private static final class Texts extends Column implements Taker {
        private final int field;
        private final Set<ByteBuffer> seen = new LinkedHashSet<>();

        Texts(int field, ColumnDescriptor descriptor) {
            super(descriptor);
            this.field = field;
        }

        @Override
        public void add(RowData row) {
            byte[] text = row.getString(field).toBytes();
            need(4 + text.length);
            Bytes.INT.set(plain, length, text.length);
            System.arraycopy(text, 0, plain, length + 4, text.length);
            length += 4 + text.length;
            seen.add(ByteBuffer.wrap(text));
        }

        @Override
        void close(int rows, Statistics<?> statistics) {
            seen.forEach(text -> statistics.updateStats(Binary.fromConstantByteArray(text.array())));
            seen.clear();
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
