package pitwall.sinks.parquet;

import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

import java.io.IOException;

/** Makes a writer for each file. Flink serializes it, so it holds the type of the rows only. */
record ParquetWriterFactory(RowType type) implements BulkWriter.Factory<RowData> {
    @Override
    public BulkWriter<RowData> create(FSDataOutputStream out) throws IOException {
        return new ParquetRowWriter(type, out);
    }
}
