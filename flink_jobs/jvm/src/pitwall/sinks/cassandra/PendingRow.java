package pitwall.sinks.cassandra;

import org.apache.flink.table.data.binary.BinaryRowData;

/**
 * A row that is not written yet.
 *
 * @param stampUs its write timestamp: the event time, microseconds since the epoch
 * @param sinceMs Kafka time of the oldest row that it stands for: itself, or one whose place it
 *     took; milliseconds since the epoch, {@link #NO_TIME} where the table has no Kafka time
 */
record PendingRow(BinaryRowData row, long stampUs, long sinceMs) {
    static final long NO_TIME = Long.MAX_VALUE;

    int bytes() {
        return row.getSizeInBytes();
    }

    /** This row, which stands for the other one from now on. */
    PendingRow insteadOf(PendingRow other) {
        return other.sinceMs < sinceMs ? new PendingRow(row, stampUs, other.sinceMs) : this;
    }
}
