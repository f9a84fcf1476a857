package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchableStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Statement;

import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;

import pitwall.sinks.RowFields;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Writes the newest row of each key to Cassandra.
 *
 * <p>While Cassandra is the slower side, a newer row of a key takes the place of one that was not
 * sent yet. A failed write is tried again until it succeeds or a newer row took its place. Rows of
 * a catch-up wait {@link #COALESCE_MS} for newer ones of their key, and rows of a partition with
 * many keys for one another: they are sent as one batch.
 *
 * <p>{@link #write} blocks while {@link #MAX_BYTES} of rows are pending, {@link #flush} (a
 * checkpoint) until all are written.
 */
final class CassandraWriter implements SinkWriter<RowData> {
    private static final int MAX_WRITES_UNDER_WAY = 256;

    /** Most bytes of pending rows; one alone may have more. */
    private static final long MAX_BYTES = 16 << 20;

    /** Most bytes of the rows of one batch; one alone may have more. */
    private static final long BATCH_BYTES = 256 << 10;

    private static final long RETRY_MS = 500;

    /** A row that came to Kafka less than this ago is live and is sent at once. */
    private static final long LIVE_MS = 1000;

    private static final long COALESCE_MS = 250;
    private static final long TICK_MS = 50;
    private static final long WAIT_MS = 100;
    private static final int FRESHNESS_ROWS = 2048;

    private final RowType type;
    private final int[] key;
    private final CqlSession session;
    private final PreparedStatement insert;
    private final int timeField;

    /** Field of the Kafka time; below zero where the table has none. */
    private final int createdField;

    private final RowDataSerializer serializer;
    private final ScheduledExecutorService scheduler;
    private final Counter written;
    private final Counter failed;

    /**
     * Milliseconds from a live row's Kafka time to the acknowledgement of its write; null where the
     * table has no Kafka time.
     */
    private final Histogram freshness;

    /** Fields of the partition key; null where it is the whole key and no two keys share one. */
    private final int[] partition;

    /** Guards the fields below, and the slots. */
    private final Object lock = new Object();

    private final Map<ByteBuffer, KeySlot> slots = new HashMap<>();

    /** The slots with a row that waits. */
    private final ArrayDeque<KeySlot> queue = new ArrayDeque<>();

    /** Bytes of all pending rows. */
    private long bytes;

    private int writesUnderWay;
    private boolean flushing;

    /** Connects to Cassandra, and blocks until it answers. */
    CassandraWriter(CassandraTarget target, RowType type, int[] key, WriterInitContext context)
            throws IOException {
        this.type = type;
        this.key = key;
        timeField = type.getFieldIndex("event_timestamp");
        createdField = type.getFieldIndex("created_timestamp");
        serializer = new RowDataSerializer(type);
        session = target.connect();
        insert = target.prepareInsert(session, type.getFieldNames());
        int[] partitionKey =
                insert.getPartitionKeyIndices().stream().mapToInt(Integer::intValue).toArray();
        partition = partitionKey.length < key.length ? partitionKey : null;
        MetricGroup metrics = context.metricGroup().addGroup("pitwall");
        written = metrics.counter("written_rows");
        failed = metrics.counter("failed_writes");
        freshness =
                createdField < 0
                        ? null
                        : metrics.histogram(
                                "freshness_ms", new DescriptiveStatisticsHistogram(FRESHNESS_ROWS));
        scheduler =
                Executors.newSingleThreadScheduledExecutor(
                        work -> {
                            Thread thread = new Thread(work, "pitwall-cassandra-writer");
                            thread.setDaemon(true);
                            return thread;
                        });
        scheduler.scheduleWithFixedDelay(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void write(RowData row, Context context) throws InterruptedException {
        ByteBuffer name = fields(row, key);
        long stampUs = RowFields.micros(row.getTimestamp(timeField, 6));
        long now = System.currentTimeMillis();
        long createdMs =
                createdField < 0
                        ? PendingRow.NOT_LIVE
                        : row.getTimestamp(createdField, 3).getMillisecond();
        boolean live = now - createdMs < LIVE_MS;
        PendingRow pending =
                new PendingRow(
                        serializer.toBinaryRow(row).copy(),
                        stampUs,
                        live ? createdMs : PendingRow.NOT_LIVE);
        synchronized (lock) {
            KeySlot slot = slots.get(name);
            while (bytes >= MAX_BYTES && (slot == null || slot.waiting == null)) {
                lock.wait(WAIT_MS);
                slot = slots.get(name);
            }
            if (slot == null) {
                slot = new KeySlot(partition == null ? name : fields(row, partition));
                slots.put(name, slot);
            }
            if (live) {
                slot.notBeforeMs = 0;
            } else if (slot.waiting == null) {
                slot.notBeforeMs = (partition == null ? slot.sentMs : now) + COALESCE_MS;
            }
            offer(slot, pending);
            if (slot.notBeforeMs <= now) {
                send(now);
            }
        }
    }

    /** The bytes of these fields of the row, each with its length in front. */
    private ByteBuffer fields(RowData row, int[] fields) {
        ByteBuffer[] parts = new ByteBuffer[fields.length];
        int size = 0;
        for (int i = 0; i < fields.length; i++) {
            parts[i] = CqlValues.bytes(row, fields[i], type.getTypeAt(fields[i]));
            size += 4 + parts[i].remaining();
        }
        ByteBuffer out = ByteBuffer.allocate(size);
        for (ByteBuffer part : parts) {
            out.putInt(part.remaining()).put(part);
        }
        return out.flip();
    }

    /** Lets the row wait, unless a newer one of its key waits already. */
    private void offer(KeySlot slot, PendingRow pending) {
        if (slot.waiting != null) {
            if (slot.waiting.stampUs() > pending.stampUs()) {
                return;
            }
            bytes -= slot.waiting.bytes();
        }
        slot.waiting = pending;
        bytes += pending.bytes();
        if (!slot.queued) {
            slot.queued = true;
            queue.add(slot);
        }
    }

    private void tick() {
        synchronized (lock) {
            long now = System.currentTimeMillis();
            send(now);
            slots.values().removeIf(slot -> slot.isIdleSince(now - COALESCE_MS));
        }
    }

    /**
     * Sends the rows that are due. At most one write of a key is under way, so that a Cassandra
     * that falls behind gets the newest row next.
     */
    private void send(long now) {
        Map<ByteBuffer, List<KeySlot>> due = new LinkedHashMap<>();
        for (int left = queue.size();
                left > 0 && writesUnderWay + due.size() < MAX_WRITES_UNDER_WAY;
                left--) {
            KeySlot slot = queue.remove();
            if (slot.underWay != null || (slot.notBeforeMs > now && !flushing)) {
                queue.add(slot);
                continue;
            }
            slot.queued = false;
            slot.underWay = slot.waiting;
            slot.waiting = null;
            slot.sentMs = now;
            due.computeIfAbsent(slot.partition, name -> new ArrayList<>(1)).add(slot);
        }
        // Count first: a write may be answered before executeAsync returns, and then calls this
        // again.
        List<List<KeySlot>> batches = new ArrayList<>();
        due.values().forEach(partitionSlots -> split(partitionSlots, batches));
        writesUnderWay += batches.size();
        for (List<KeySlot> batch : batches) {
            session.executeAsync(statement(batch))
                    .whenComplete((result, error) -> answered(batch, error));
        }
    }

    private static void split(List<KeySlot> partitionSlots, List<List<KeySlot>> batches) {
        long size = 0;
        int from = 0;
        for (int i = 0; i < partitionSlots.size(); i++) {
            int more = partitionSlots.get(i).underWay.bytes();
            if (i > from && size + more > BATCH_BYTES) {
                batches.add(partitionSlots.subList(from, i));
                from = i;
                size = 0;
            }
            size += more;
        }
        batches.add(partitionSlots.subList(from, partitionSlots.size()));
    }

    private Statement<?> statement(List<KeySlot> batch) {
        if (batch.size() == 1) {
            return bind(batch.get(0).underWay);
        }
        return BatchStatement.newInstance(
                DefaultBatchType.UNLOGGED,
                batch.stream().<BatchableStatement<?>>map(slot -> bind(slot.underWay)).toList());
    }

    private BoundStatement bind(PendingRow pending) {
        BoundStatementBuilder values = insert.boundStatementBuilder();
        int columns = type.getFieldCount();
        for (int i = 0; i < columns; i++) {
            values.setBytesUnsafe(i, CqlValues.bytes(pending.row(), i, type.getTypeAt(i)));
        }
        ByteBuffer stamp = ByteBuffer.allocate(8).putLong(0, pending.stampUs());
        return values.setBytesUnsafe(columns, stamp).build();
    }

    private void answered(List<KeySlot> batch, Throwable error) {
        if (error == null) {
            settle(batch, true);
        } else {
            failed.inc(batch.size());
            scheduler.schedule(() -> settle(batch, false), RETRY_MS, TimeUnit.MILLISECONDS);
        }
    }

    /** The write has ended. Rows that were not written wait again, unless newer ones came. */
    private void settle(List<KeySlot> batch, boolean success) {
        synchronized (lock) {
            long now = System.currentTimeMillis();
            writesUnderWay--;
            for (KeySlot slot : batch) {
                PendingRow pending = slot.underWay;
                slot.underWay = null;
                bytes -= pending.bytes();
                if (!success) {
                    offer(slot, pending);
                    continue;
                }
                written.inc();
                if (freshness != null && pending.isLive()) {
                    freshness.update(now - pending.createdMs());
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
            while (writesUnderWay > 0 || !queue.isEmpty()) {
                lock.wait(WAIT_MS);
            }
            flushing = false;
        }
    }

    @Override
    public void close() {
        scheduler.shutdownNow();
        session.close();
    }
}
