package pitwall;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchableStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;

/**
 * Writes the newest row of each key. While Cassandra is the slower side, rows of a key not yet sent give way to newer
 * ones; a failed write is tried again until it holds or a newer one took its place. Rows of a catch-up wait a moment for
 * newer ones before they are sent, and rows of a partition that holds many for one another: they travel as one batch. A
 * checkpoint waits for all, and so does who brings more than is held.
 */
public final class CassandraSink implements Sink<RowData> {
    /** Where to write, and how; {@code tls} is null for a connection in clear. */
    public record Target(
            String hosts, String datacenter, String user, String passwordFile, String keyspace, String table, String consistency, Tls tls)
            implements Serializable {}

    private static final int IN_FLIGHT = 256;

    /** Bytes of rows held, waiting or under way; one alone may be more. */
    private static final long MAX_BYTES = 16 << 20;

    /** Bytes of the rows of one batch; one alone may be more. */
    private static final long BATCH_BYTES = 256 << 10;

    private static final long RETRY_MS = 500;
    private static final long LIVE_MS = 1000;
    private static final long COALESCE_MS = 250;
    private static final long TICK_MS = 50;
    private static final int FRESH_ROWS = 2048;

    /** A row as it waits. {@code stamp}: its write timestamp; {@code createdMs}: Kafka time of a live one, else Long.MAX_VALUE. */
    private record Entry(BinaryRowData row, long stamp, long createdMs) {}

    /** The newest row of a key that waits and the one under way, either null where there is none. */
    private static final class Slot {
        final ByteBuffer partition;
        Entry waiting;
        Entry underWay;
        boolean queued;
        long notBeforeMs;
        long sentMs;

        Slot(ByteBuffer partition) {
            this.partition = partition;
        }
    }

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

        /** Columns of the partition key; null where that is the whole key, so that no two rows share a partition. */
        private final int[] partition;

        /** Guards all below. */
        private final Object lock = new Object();

        private final Map<ByteBuffer, Slot> slots = new HashMap<>();
        private final ArrayDeque<Slot> queue = new ArrayDeque<>();
        private long bytes;
        private int inFlight;
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
            int[] first = insert.getPartitionKeyIndices().stream().mapToInt(Integer::intValue).toArray();
            partition = first.length < key.length ? first : null;
            written = context.metricGroup().addGroup("pitwall").counter("written_rows");
            freshness = created < 0
                    ? null
                    : context.metricGroup().addGroup("pitwall").histogram("freshness_ms", new DescriptiveStatisticsHistogram(FRESH_ROWS));
            failed = context.metricGroup().addGroup("pitwall").counter("failed_writes");
            retries.scheduleWithFixedDelay(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        }

        @Override
        public void write(RowData row, Context context) throws InterruptedException {
            ByteBuffer name = fields(row, key);
            TimestampData at = row.getTimestamp(time, 6);
            long now = System.currentTimeMillis();
            long createdMs = created < 0 ? Long.MAX_VALUE : row.getTimestamp(created, 3).getMillisecond();
            boolean live = now - createdMs < LIVE_MS;
            Entry entry = new Entry(
                    serializer.toBinaryRow(row).copy(), at.getMillisecond() * 1000 + at.getNanoOfMillisecond() / 1000,
                    live ? createdMs : Long.MAX_VALUE);
            synchronized (lock) {
                Slot slot = slots.get(name);
                while (bytes >= MAX_BYTES && (slot == null || slot.waiting == null)) {
                    lock.wait(100);
                    slot = slots.get(name);
                }
                if (slot == null) {
                    slot = new Slot(partition == null ? name : fields(row, partition));
                    slots.put(name, slot);
                }
                if (live) {
                    slot.notBeforeMs = 0;
                } else if (slot.waiting == null) {
                    slot.notBeforeMs = (partition == null ? slot.sentMs : now) + COALESCE_MS;
                }
                offer(slot, entry);
                if (slot.notBeforeMs <= now) {
                    send(now);
                }
            }
        }

        /** What a row is found by: these fields of it. */
        private ByteBuffer fields(RowData row, int[] fields) {
            ByteBuffer[] parts = new ByteBuffer[fields.length];
            int size = 0;
            for (int i = 0; i < fields.length; i++) {
                parts[i] = Cql.bytes(row, fields[i], type.getTypeAt(fields[i]));
                size += 4 + parts[i].remaining();
            }
            ByteBuffer out = ByteBuffer.allocate(size);
            for (ByteBuffer part : parts) {
                out.putInt(part.remaining()).put(part);
            }
            return out.flip();
        }

        /** Lets the entry wait, or the one that waits already where that is newer. */
        private void offer(Slot slot, Entry entry) {
            if (slot.waiting != null) {
                if (slot.waiting.stamp > entry.stamp) {
                    return;
                }
                bytes -= slot.waiting.row.getSizeInBytes();
            }
            slot.waiting = entry;
            bytes += entry.row.getSizeInBytes();
            if (!slot.queued) {
                slot.queued = true;
                queue.add(slot);
            }
        }

        private void tick() {
            synchronized (lock) {
                long now = System.currentTimeMillis();
                send(now);
                slots.values().removeIf(s -> s.waiting == null && s.underWay == null && s.sentMs + COALESCE_MS <= now);
            }
        }

        /** At most one write of a key is under way, so that a store that falls behind gets the newest row next. */
        private void send(long now) {
            Map<ByteBuffer, List<Slot>> due = new LinkedHashMap<>();
            for (int left = queue.size(); left > 0 && inFlight + due.size() < IN_FLIGHT; left--) {
                Slot slot = queue.remove();
                if (slot.underWay != null || (slot.notBeforeMs > now && !flushing)) {
                    queue.add(slot);
                    continue;
                }
                slot.queued = false;
                slot.underWay = slot.waiting;
                slot.waiting = null;
                slot.sentMs = now;
                due.computeIfAbsent(slot.partition, p -> new ArrayList<>(1)).add(slot);
            }
            // A write may be answered before executeAsync returns, and its answer calls this again.
            List<List<Slot>> batches = new ArrayList<>();
            due.values().forEach(together -> split(together, batches));
            inFlight += batches.size();
            for (List<Slot> batch : batches) {
                Statement<?> statement = batch.size() == 1
                        ? bind(batch.get(0).underWay)
                        : BatchStatement.newInstance(
                                DefaultBatchType.UNLOGGED, batch.stream().<BatchableStatement<?>>map(s -> bind(s.underWay)).toList());
                session.executeAsync(statement).whenComplete((result, error) -> done(batch, error));
            }
        }

        private static void split(List<Slot> together, List<List<Slot>> batches) {
            long size = 0;
            int from = 0;
            for (int i = 0; i < together.size(); i++) {
                int more = together.get(i).underWay.row.getSizeInBytes();
                if (i > from && size + more > BATCH_BYTES) {
                    batches.add(together.subList(from, i));
                    from = i;
                    size = 0;
                }
                size += more;
            }
            batches.add(together.subList(from, together.size()));
        }

        private BoundStatement bind(Entry entry) {
            BoundStatementBuilder values = insert.boundStatementBuilder();
            for (int i = 0; i < type.getFieldCount(); i++) {
                values.setBytesUnsafe(i, Cql.bytes(entry.row, i, type.getTypeAt(i)));
            }
            return values.setBytesUnsafe(type.getFieldCount(), ByteBuffer.allocate(8).putLong(0, entry.stamp)).build();
        }

        private void done(List<Slot> batch, Throwable error) {
            if (error != null) {
                failed.inc(batch.size());
                retries.schedule(() -> settle(batch, true), RETRY_MS, TimeUnit.MILLISECONDS);
            } else {
                settle(batch, false);
            }
        }

        private void settle(List<Slot> batch, boolean again) {
            synchronized (lock) {
                long now = System.currentTimeMillis();
                inFlight--;
                for (Slot slot : batch) {
                    Entry entry = slot.underWay;
                    slot.underWay = null;
                    bytes -= entry.row.getSizeInBytes();
                    if (again) {
                        offer(slot, entry);
                    } else {
                        written.inc();
                        if (freshness != null && entry.createdMs != Long.MAX_VALUE) {
                            freshness.update(now - entry.createdMs);
                        }
                    }
                }
                send(now);
                lock.notifyAll();
            }
        }

        @Override
        public void flush(boolean endOfInput) throws InterruptedException {
            synchronized (lock) {
                flushing = true;
                send(System.currentTimeMillis());
                while (inFlight > 0 || !queue.isEmpty()) {
                    lock.wait(100);
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
