package pitwall.sinks.parquet;

import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.IOUtils;

import java.io.IOException;

/**
 * Makes a writer for each file. Flink serializes it, so it holds the type of the rows only.
 *
 * <p>Closes the file's stream when it throws: Flink closes it with the writer, and there is none.
 */
record ParquetWriterFactory(RowType type) implements BulkWriter.Factory<RowData> {
    @Override
    public BulkWriter<RowData> create(FSDataOutputStream out) throws IOException {
        try {
            return new ParquetRowWriter(type, out);
        } catch (Throwable e) {
            IOUtils.closeQuietly(out);
            throw e;
        }
    }
}
