package pitwall.sinks.parquet;

import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

import java.io.IOException;

/**
 * Makes writers of Parquet files for a type that has none, and for one that has. Prints for
 * {@code tests/flink/test_parquet_sink.py} whether the stream was closed, and what was thrown.
 */
public final class ParquetFactoryTrial {
    private ParquetFactoryTrial() {}

    public static void main(String[] arguments) {
        make(new IntType(), new NotedStream());
        make(new DoubleType(), new NotedStream());
    }

    private static void make(LogicalType column, NotedStream out) {
        RowType type = RowType.of(new LogicalType[] {column}, new String[] {"speed"});
        String thrown = "nothing";
        try {
            new ParquetWriterFactory(type).create(out);
        } catch (IOException | RuntimeException e) {
            thrown = e.getClass().getSimpleName();
        }
        System.out.println(out.closed + " " + thrown);
    }

    /** Takes everything and notes whether it was closed. */
    private static final class NotedStream extends FSDataOutputStream {
        private boolean closed;

        @Override
        public long getPos() {
            return 0;
        }

        @Override
        public void write(int b) {}

        @Override
        public void flush() {}

        @Override
        public void sync() {}

        @Override
        public void close() {
            closed = true;
        }
    }
}
