package pitwall.sinks.cassandra;

import org.apache.flink.table.data.binary.BinaryRowData;

/**
 * A row that is not written yet.
 *
 * @param stampUs its write timestamp: the event time, microseconds since the epoch
 * @param createdMs Kafka time of a live row, milliseconds since the epoch; {@link #NOT_LIVE} of
 *     others
 */
record PendingRow(BinaryRowData row, long stampUs, long createdMs) {
    static final long NOT_LIVE = Long.MAX_VALUE;

    int bytes() {
        return row.getSizeInBytes();
    }

    boolean isLive() {
        return createdMs != NOT_LIVE;
    }
}
