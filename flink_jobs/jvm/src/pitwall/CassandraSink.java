package pitwall;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;

/**
 * Writes the newest row of each key. While Cassandra is the slower side, rows of a key not yet sent give way to newer
 * ones; a failed write is tried again until it holds or a newer one took its place. A checkpoint waits for all.
 */
public final class CassandraSink implements Sink<RowData> {
    /** Where to write. */
    public record Target(String host, int port, String datacenter, String user, String passwordFile, String keyspace, String table)
            implements Serializable {}

    private static final int IN_FLIGHT = 256;
    private static final long RETRY_MS = 500;

    private final Target target;
    private final RowType type;
    private final int[] key;

    CassandraSink(Target target, RowType type, int[] key) {
        this.target = target;
        this.type = type;
        this.key = key;
    }

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
        return new Writer(context);
    }

    private final class Writer implements SinkWriter<RowData> {
        private final CqlSession session;
        private final PreparedStatement insert;
        private final int time = type.getFieldIndex("event_timestamp");
        private final Map<List<Object>, Object[]> pending = new LinkedHashMap<>();
        private final ScheduledExecutorService retries = Executors.newSingleThreadScheduledExecutor(r -> {
            Thread thread = new Thread(r, "cassandra-sink-retries");
            thread.setDaemon(true);
            return thread;
        });
        private final Counter written;
        private final Counter failed;
        private final Set<List<Object>> inFlight = new HashSet<>();

        Writer(WriterInitContext context) throws IOException {
            session = CqlSession.builder()
                    .withClassLoader(CassandraSink.class.getClassLoader())
                    .addContactPoint(new InetSocketAddress(target.host, target.port))
                    .withLocalDatacenter(target.datacenter)
                    .withAuthCredentials(target.user, Files.readString(Path.of(target.passwordFile)).strip())
                    .withConfigLoader(DriverConfigLoader.programmaticBuilder(CassandraSink.class.getClassLoader())
                            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(5))
                            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(5))
                            .withBoolean(DefaultDriverOption.RECONNECT_ON_INIT, true)
                            .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(500))
                            .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(5))
                            .build())
                    .build();
            String columns = type.getFieldNames().stream().map(n -> '"' + n + '"').collect(Collectors.joining(", "));
            String marks = type.getFieldNames().stream().map(n -> "?").collect(Collectors.joining(", "));
            insert = session.prepare("INSERT INTO " + target.keyspace + ".\"" + target.table + "\" (" + columns + ") VALUES ("
                    + marks + ") USING TIMESTAMP ?");
            written = context.metricGroup().addGroup("pitwall").counter("online_rows");
            failed = context.metricGroup().addGroup("pitwall").counter("online_failures");
        }

        @Override
        public void write(RowData row, Context context) {
            Object[] values = new Object[type.getFieldCount() + 1];
            for (int i = 0; i < type.getFieldCount(); i++) {
                values[i] = value(row, i, type.getTypeAt(i));
            }
            TimestampData at = row.getTimestamp(time, 6);
            values[values.length - 1] = at.getMillisecond() * 1000 + at.getNanoOfMillisecond() / 1000;
            synchronized (pending) {
                offer(values);
                send();
            }
        }

        private List<Object> key(Object[] values) {
            Object[] parts = new Object[key.length];
            for (int i = 0; i < key.length; i++) {
                parts[i] = values[key[i]];
            }
            return List.of(parts);
        }

        private long stamp(Object[] values) {
            return (Long) values[values.length - 1];
        }

        private void offer(Object[] values) {
            pending.merge(key(values), values, (old, now) -> stamp(now) >= stamp(old) ? now : old);
        }

        /** At most one write of a key is under way, so that a store that falls behind gets the newest row next. */
        private void send() {
            Iterator<Map.Entry<List<Object>, Object[]>> next = pending.entrySet().iterator();
            while (inFlight.size() < IN_FLIGHT && next.hasNext()) {
                Map.Entry<List<Object>, Object[]> entry = next.next();
                if (!inFlight.add(entry.getKey())) {
                    continue;
                }
                Object[] values = entry.getValue();
                next.remove();
                session.executeAsync(insert.bind(values)).whenComplete((result, error) -> done(values, error));
            }
        }

        private void done(Object[] values, Throwable error) {
            if (error != null) {
                failed.inc();
                retries.schedule(() -> settle(values, true), RETRY_MS, TimeUnit.MILLISECONDS);
            } else {
                written.inc();
                settle(values, false);
            }
        }

        private void settle(Object[] values, boolean again) {
            synchronized (pending) {
                inFlight.remove(key(values));
                if (again) {
                    offer(values);
                }
                send();
                pending.notifyAll();
            }
        }

        private Object value(RowData row, int i, LogicalType column) {
            if (row.isNullAt(i)) {
                return null;
            }
            return switch (column.getTypeRoot()) {
                case VARCHAR, CHAR -> row.getString(i).toString();
                case DOUBLE -> row.getDouble(i);
                case FLOAT -> row.getFloat(i);
                case BIGINT -> row.getLong(i);
                case INTEGER -> row.getInt(i);
                case BOOLEAN -> row.getBoolean(i);
                case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE -> {
                    TimestampData at = row.getTimestamp(i, 6);
                    yield Instant.ofEpochMilli(at.getMillisecond());
                }
                default -> throw new IllegalArgumentException("column type " + column + " is not supported");
            };
        }

        @Override
        public void flush(boolean endOfInput) throws InterruptedException {
            synchronized (pending) {
                while (!inFlight.isEmpty() || !pending.isEmpty()) {
                    pending.wait(100);
                }
            }
        }

        @Override
        public void close() {
            retries.shutdownNow();
            session.close();
        }
    }
}
