package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;

import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

import java.io.IOException;
import java.io.InterruptedIOException;

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

    /**
     * Connects to Cassandra. Blocks until it answers. Throws InterruptedIOException on an
     * interrupt, and leaves no connection and no thread behind when it throws.
     */
    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
        try {
            return start(context);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted before Cassandra answered");
        }
    }

    private CassandraWriter start(WriterInitContext context)
            throws IOException, InterruptedException {
        CqlSession session = target.connect();
        try {
            PreparedStatement insert = target.prepareInsert(session, type.getFieldNames());
            return new CassandraWriter(session, insert, type, key, context.metricGroup());
        } catch (Throwable e) {
            session.forceCloseAsync();
            throw e;
        }
    }
}
