package pitwall.sinks.cassandra;

import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.writer.BinaryRowWriter;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Tries {@link PendingRows}: which row is written, and for which it stands. Prints a line for each
 * step: event time (µs) and {@code sinceMs} of the row that is written, and the Kafka time of the
 * oldest row that is pending then. Read by {@code tests/flink/test_cassandra_sink.py}.
 */
public final class PendingRowsTrial {
    private static final ByteBuffer KEY = ByteBuffer.wrap(new byte[] {1});
    private static final int MOST = 10;
    private static final long NOW_MS = 10_000;

    private final PendingRows rows = new PendingRows(false);

    private PendingRowsTrial() {}

    public static void main(String[] arguments) {
        PendingRowsTrial trial = new PendingRowsTrial();
        trial.add(1, 1000);
        trial.write("alone", true);
        trial.add(2, 2000);
        trial.add(3, 2020);
        trial.write("newer_replaces_older", true);
        trial.add(5, 3020);
        trial.add(4, 3000);
        trial.write("late_one_is_not_written", true);
        trial.add(6, 4000);
        trial.write("not_acknowledged", false);
        trial.add(7, 4020);
        trial.write("stands_for_it", true);
    }

    private void add(long stampUs, long createdMs) {
        BinaryRowData row = new BinaryRowData(1);
        BinaryRowWriter writer = new BinaryRowWriter(row);
        writer.writeLong(0, stampUs);
        writer.complete();
        rows.add(KEY, KEY, new PendingRow(row, stampUs, createdMs), true, NOW_MS);
    }

    private void write(String name, boolean acknowledged) {
        List<List<KeySlot>> batches = rows.take(NOW_MS, MOST, false);
        KeySlot slot = batches.get(0).get(0);
        PendingRow row = slot.underWay;
        System.out.printf("%s %d %d %d%n", name, row.stampUs(), row.sinceMs(), rows.oldestMs());
        rows.settle(slot, acknowledged);
    }
}
