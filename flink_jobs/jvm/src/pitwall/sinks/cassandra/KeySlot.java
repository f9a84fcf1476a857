package pitwall.sinks.cassandra;

import java.nio.ByteBuffer;

/** What is pending of one key: at most one row that waits and one that is being written. */
final class KeySlot {
    /** The key's partition in Cassandra. */
    final ByteBuffer partition;

    /** The newest row; null where none waits. */
    PendingRow waiting;

    /** The row that is being written; null for none. */
    PendingRow underWay;

    /** Whether the slot is in the queue of those with a row that waits. */
    boolean queued;

    /** The row waits for newer ones until then, wall clock in milliseconds. */
    long notBeforeMs;

    /** When a write of the key was last begun, wall clock in milliseconds. */
    long sentMs;

    KeySlot(ByteBuffer partition) {
        this.partition = partition;
    }

    /** Kafka time of the oldest row that is not written, as {@link PendingRow#sinceMs}. */
    long sinceMs() {
        long waitingMs = waiting == null ? PendingRow.NO_TIME : waiting.sinceMs();
        return underWay == null ? waitingMs : Math.min(waitingMs, underWay.sinceMs());
    }

    boolean isIdleSince(long timeMs) {
        return waiting == null && underWay == null && sentMs <= timeMs;
    }
}
