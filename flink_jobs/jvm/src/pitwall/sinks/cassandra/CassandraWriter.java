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
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.RowDataSerializer;
import org.apache.flink.table.types.logical.RowType;

import pitwall.sinks.RowFields;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Writes the newest row of each key to Cassandra.
 *
 * <p>While Cassandra is the slower side, a newer row of a key takes the place of one that was not
 * sent yet ({@link PendingRows}). A failed write is tried again until it succeeds or a newer row
 * took its place.
 *
 * <p>{@link #write} blocks while there is no room for pending rows, {@link #flush} (a checkpoint)
 * until all are written. Both throw IOException if a background thread failed, for instance because
 * a row cannot be brought into the form of the table.
 */
final class CassandraWriter implements SinkWriter<RowData> {
    private static final int MAX_WRITES_UNDER_WAY = 256;
    private static final long RETRY_MS = 500;

    /** A row that came to Kafka less than this ago is live and is sent at once. */
    private static final long LIVE_MS = 1000;

    private static final long TICK_MS = 50;
    private static final long WAIT_MS = 100;

    private final RowType type;
    private final int[] key;
    private final CqlSession session;
    private final PreparedStatement insert;
    private final int timeField;

    /** Field of the Kafka time; below zero where the table has none. */
    private final int createdField;

    private final RowDataSerializer serializer;
    private final ScheduledExecutorService scheduler;
    private final WriterMetrics metrics;

    /** Fields of the partition key; null where it is the whole key and no two keys share one. */
    private final int[] partition;

    /** Guards the fields below, and the slots. */
    private final Object lock = new Object();

    private final PendingRows pending;
    private int writesUnderWay;
    private boolean flushing;
    private boolean closed;

    /** What a background thread threw; null for nothing. */
    private Throwable failure;

    /**
     * Takes over the session, which {@link #close} ends.
     *
     * @param insert the statement of {@link CassandraTarget#prepareInsert}
     * @param key the fields of the primary key
     * @param taskMetrics where the metrics of {@link WriterMetrics} are added
     */
    CassandraWriter(
            CqlSession session,
            PreparedStatement insert,
            RowType type,
            int[] key,
            MetricGroup taskMetrics) {
        this.session = session;
        this.insert = insert;
        this.type = type;
        this.key = key;
        timeField = type.getFieldIndex("event_timestamp");
        createdField = type.getFieldIndex("created_timestamp");
        serializer = new RowDataSerializer(type);
        int[] partitionKey =
                insert.getPartitionKeyIndices().stream().mapToInt(Integer::intValue).toArray();
        partition = partitionKey.length < key.length ? partitionKey : null;
        pending = new PendingRows(partition != null);
        metrics = new WriterMetrics(taskMetrics, createdField >= 0, this::oldestMs);
        scheduler =
                Executors.newSingleThreadScheduledExecutor(
                        work -> {
                            Thread thread = new Thread(work, "pitwall-cassandra-writer");
                            thread.setDaemon(true);
                            return thread;
                        });
        scheduler.scheduleWithFixedDelay(
                () -> inBackground(this::tick), TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }

    private long oldestMs() {
        synchronized (lock) {
            return pending.oldestMs();
        }
    }

    @Override
    public void write(RowData row, Context context) throws IOException, InterruptedException {
        ByteBuffer name = fields(row, key);
        long stampUs = RowFields.micros(row.getTimestamp(timeField, 6));
        long now = System.currentTimeMillis();
        long createdMs =
                createdField < 0
                        ? PendingRow.NO_TIME
                        : row.getTimestamp(createdField, 3).getMillisecond();
        boolean live = createdField < 0 || now - createdMs < LIVE_MS;
        PendingRow copy = new PendingRow(serializer.toBinaryRow(row).copy(), stampUs, createdMs);
        ByteBuffer rowPartition = partition == null ? name : fields(row, partition);
        synchronized (lock) {
            checkFailure();
            while (!pending.hasRoom(name)) {
                lock.wait(WAIT_MS);
                checkFailure();
            }
            if (pending.add(name, rowPartition, copy, live, now)) {
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

    /** Runs a background thread's work. What it throws fails the next call of the task. */
    private void inBackground(Runnable work) {
        synchronized (lock) {
            try {
                if (!closed) {
                    work.run();
                }
            } catch (RuntimeException | Error e) {
                failure = e;
                lock.notifyAll();
            }
        }
    }

    private void checkFailure() throws IOException {
        if (failure != null) {
            throw new IOException("rows cannot be written to Cassandra", failure);
        }
    }

    private void tick() {
        long now = System.currentTimeMillis();
        send(now);
        pending.forgetIdle(now);
    }

    /** Sends the rows that are due. */
    private void send(long now) {
        List<List<KeySlot>> batches =
                pending.take(now, MAX_WRITES_UNDER_WAY - writesUnderWay, flushing);
        // Count first: a write may be answered before executeAsync returns, and then calls this
        // again.
        writesUnderWay += batches.size();
        for (List<KeySlot> batch : batches) {
            session.executeAsync(statement(batch))
                    .whenComplete((result, error) -> answered(batch, error));
        }
    }

    private Statement<?> statement(List<KeySlot> batch) {
        if (batch.size() == 1) {
            return bind(batch.get(0).underWay);
        }
        return BatchStatement.newInstance(
                DefaultBatchType.UNLOGGED,
                batch.stream().<BatchableStatement<?>>map(slot -> bind(slot.underWay)).toList());
    }

    private BoundStatement bind(PendingRow row) {
        BoundStatementBuilder values = insert.boundStatementBuilder();
        int columns = type.getFieldCount();
        for (int i = 0; i < columns; i++) {
            values.setBytesUnsafe(i, CqlValues.bytes(row.row(), i, type.getTypeAt(i)));
        }
        ByteBuffer stamp = ByteBuffer.allocate(8).putLong(0, row.stampUs());
        return values.setBytesUnsafe(columns, stamp).build();
    }

    private void answered(List<KeySlot> batch, Throwable error) {
        if (error == null) {
            inBackground(() -> settle(batch, true));
            return;
        }
        metrics.failed(batch.size());
        Runnable again = () -> inBackground(() -> settle(batch, false));
        inBackground(() -> scheduler.schedule(again, RETRY_MS, TimeUnit.MILLISECONDS));
    }

    private void settle(List<KeySlot> batch, boolean written) {
        long now = System.currentTimeMillis();
        writesUnderWay--;
        for (KeySlot slot : batch) {
            if (written) {
                metrics.written(slot.underWay, now);
            }
            pending.settle(slot, written);
        }
        send(now);
        lock.notifyAll();
    }

    @Override
    public void flush(boolean endOfInput) throws IOException, InterruptedException {
        synchronized (lock) {
            checkFailure();
            flushing = true;
            send(System.currentTimeMillis());
            while (writesUnderWay > 0 || !pending.isEmpty()) {
                lock.wait(WAIT_MS);
                checkFailure();
            }
            flushing = false;
        }
    }

    /** Gives up what is pending. What a checkpoint covers, {@link #flush} has written. */
    @Override
    public void close() throws InterruptedException {
        synchronized (lock) {
            closed = true;
        }
        scheduler.shutdownNow();
        CassandraTarget.close(session);
    }
}
