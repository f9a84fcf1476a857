package pitwall.sinks.cassandra;

import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

import java.io.IOException;

/** Writes the newest row of each key to Cassandra ({@link CassandraWriter}). */
final class CassandraSink implements Sink<RowData> {
    private final CassandraTarget target;
    private final RowType type;
    private final int[] key;

    /** {@code key}: the fields of the primary key. */
    CassandraSink(CassandraTarget target, RowType type, int[] key) {
        this.target = target;
        this.type = type;
        this.key = key;
    }

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
        return new CassandraWriter(target, type, key, context);
    }
}
