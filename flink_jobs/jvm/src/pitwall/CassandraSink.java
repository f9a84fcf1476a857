package pitwall;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
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
import org.apache.flink.metrics.Histogram;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;

/**
 * Writes the newest row of each key. While Cassandra is the slower side, rows of a key not yet sent give way to newer
 * ones; a failed write is tried again until it holds or a newer one took its place. Rows of a catch-up wait a moment for
 * newer ones before they are sent. A checkpoint waits for all, and so does who brings more keys than are held.
 */
public final class CassandraSink implements Sink<RowData> {
    /** Where to write, and how; {@code tls} is null for a connection in clear. */
    public record Target(
            String hosts, String datacenter, String user, String passwordFile, String keyspace, String table, String consistency, Tls tls)
            implements Serializable {}

    private static final int IN_FLIGHT = 256;
    private static final int MAX_PENDING = 4096;
    private static final long RETRY_MS = 500;
    private static final long LIVE_MS = 1000;
    private static final long COALESCE_MS = 250;
    private static final long TICK_MS = 50;
    private static final int FRESH_ROWS = 2048;

    /** A row to write, its key, its write timestamp, and the Kafka time of a live one (else Long.MAX_VALUE). */
    private record Entry(List<ByteBuffer> key, RowData row, long stamp, long createdMs, long notBeforeMs) {}

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
        private final Map<List<ByteBuffer>, Entry> pending = new LinkedHashMap<>();
        private final Map<List<ByteBuffer>, Long> sentMs = new LinkedHashMap<>(64, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<List<ByteBuffer>, Long> eldest) {
                return size() > MAX_PENDING;
            }
        };
        private final int created = type.getFieldIndex("created_timestamp");
        private final RowDataSerializer serializer = new RowDataSerializer(type);
        private final ScheduledExecutorService retries = Executors.newSingleThreadScheduledExecutor(r -> {
            Thread thread = new Thread(r, "cassandra-sink-retries");
            thread.setDaemon(true);
            return thread;
        });
        private final Counter written;
        private final Counter failed;

        /** Milliseconds from a row's Kafka time to its write's acknowledgement, of live rows. */
        private final Histogram freshness;

        private final Set<List<ByteBuffer>> inFlight = new HashSet<>();
        private boolean flushing;

        Writer(WriterInitContext context) throws IOException {
            CqlSessionBuilder builder = CqlSession.builder();
            for (String host : target.hosts.split(",")) {
                int colon = host.lastIndexOf(':');
                builder.addContactPoint(new InetSocketAddress(host.substring(0, colon), Integer.parseInt(host.substring(colon + 1))));
            }
            if (target.tls != null) {
                builder.withSslEngineFactory(target.tls.engines());
            }
            session = builder.withClassLoader(CassandraSink.class.getClassLoader())
                    .withLocalDatacenter(target.datacenter)
                    .withAuthCredentials(target.user, Files.readString(Path.of(target.passwordFile)).strip())
                    .withConfigLoader(DriverConfigLoader.programmaticBuilder(CassandraSink.class.getClassLoader())
                            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(5))
                            .withString(DefaultDriverOption.REQUEST_CONSISTENCY, target.consistency)
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
            written = context.metricGroup().addGroup("pitwall").counter("written_rows");
            freshness = created < 0
                    ? null
                    : context.metricGroup().addGroup("pitwall").histogram("freshness_ms", new DescriptiveStatisticsHistogram(FRESH_ROWS));
            failed = context.metricGroup().addGroup("pitwall").counter("failed_writes");
            retries.scheduleWithFixedDelay(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        }

        @Override
        public void write(RowData row, Context context) throws InterruptedException {
            ByteBuffer[] parts = new ByteBuffer[key.length];
            for (int i = 0; i < key.length; i++) {
                parts[i] = Cql.bytes(row, key[i], type.getTypeAt(key[i]));
            }
            List<ByteBuffer> name = List.of(parts);
            TimestampData at = row.getTimestamp(time, 6);
            long now = System.currentTimeMillis();
            long createdMs = created < 0 ? Long.MAX_VALUE : row.getTimestamp(created, 3).getMillisecond();
            boolean live = now - createdMs < LIVE_MS;
            synchronized (pending) {
                while (pending.size() >= MAX_PENDING && !pending.containsKey(name)) {
                    pending.wait(100);
                }
                long notBefore = live ? 0 : sentMs.getOrDefault(name, 0L) + COALESCE_MS;
                offer(new Entry(
                        name, serializer.copy(row), at.getMillisecond() * 1000 + at.getNanoOfMillisecond() / 1000,
                        live ? createdMs : Long.MAX_VALUE, notBefore));
                if (notBefore <= now) {
                    send(now);
                }
            }
        }

        private void tick() {
            synchronized (pending) {
                send(System.currentTimeMillis());
            }
        }

        private void offer(Entry entry) {
            pending.merge(entry.key, entry, (old, now) -> now.stamp >= old.stamp ? now : old);
        }

        /** At most one write of a key is under way, so that a store that falls behind gets the newest row next. */
        private void send(long now) {
            List<Entry> due = new ArrayList<>();
            Iterator<Entry> next = pending.values().iterator();
            while (inFlight.size() < IN_FLIGHT && next.hasNext()) {
                Entry entry = next.next();
                if ((entry.notBeforeMs > now && !flushing) || !inFlight.add(entry.key)) {
                    continue;
                }
                next.remove();
                sentMs.put(entry.key, now);
                due.add(entry);
            }
            // A write may be answered before executeAsync returns, and its answer calls this again.
            for (Entry entry : due) {
                BoundStatementBuilder values = insert.boundStatementBuilder();
                for (int i = 0; i < type.getFieldCount(); i++) {
                    values.setBytesUnsafe(i, Cql.bytes(entry.row, i, type.getTypeAt(i)));
                }
                values.setBytesUnsafe(type.getFieldCount(), ByteBuffer.allocate(8).putLong(0, entry.stamp));
                session.executeAsync(values.build()).whenComplete((result, error) -> done(entry, error));
            }
        }

        private void done(Entry entry, Throwable error) {
            if (error != null) {
                failed.inc();
                retries.schedule(() -> settle(entry, true), RETRY_MS, TimeUnit.MILLISECONDS);
            } else {
                written.inc();
                if (freshness != null && entry.createdMs != Long.MAX_VALUE) {
                    freshness.update(System.currentTimeMillis() - entry.createdMs);
                }
                settle(entry, false);
            }
        }

        private void settle(Entry entry, boolean again) {
            synchronized (pending) {
                inFlight.remove(entry.key);
                if (again) {
                    offer(entry);
                }
                send(System.currentTimeMillis());
                pending.notifyAll();
            }
        }

        @Override
        public void flush(boolean endOfInput) throws InterruptedException {
            synchronized (pending) {
                flushing = true;
                send(System.currentTimeMillis());
                while (!inFlight.isEmpty() || !pending.isEmpty()) {
                    pending.wait(100);
                }
                flushing = false;
            }
        }

        @Override
        public void close() {
            retries.shutdownNow();
            session.close();
        }
    }
}
