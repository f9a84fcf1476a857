package pitwall.sinks.parquet;

import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

import java.io.BufferedOutputStream;
import java.io.IOException;

/**
 * Flink's stream as the file that Parquet writes to. It is buffered, for Parquet writes the footer
 * byte by byte. Flink closes the stream itself.
 */
record ParquetOutputFile(FSDataOutputStream out) implements OutputFile {
    private static final int BUFFER_BYTES = 1 << 16;

    @Override
    public PositionOutputStream create(long blockSize) {
        BufferedOutputStream buffer = new BufferedOutputStream(out, BUFFER_BYTES);
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
