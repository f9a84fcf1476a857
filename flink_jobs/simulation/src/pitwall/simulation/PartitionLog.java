package pitwall.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A partition of a topic: its records, and the times at which it cannot be read or written.
 *
 * <p>Times are milliseconds since the world began.
 */
final class PartitionLog {
    /** A time during which the partition is away, or is read with a delay. */
    record Trouble(long fromMs, long toMs, long delayMs, boolean alsoWrites) {
        boolean covers(long ms) {
            return fromMs <= ms && ms < toMs;
        }
    }

    final String topic;
    final int partition;

    /** When the topic was created. */
    final long createdMs;

    /** So much later than it could be, the partition is read for the first time. */
    long lateFirstReadMs;

    final List<Trouble> troubles = new ArrayList<>();
    private final List<KafkaRecord> records = new ArrayList<>();

    PartitionLog(String topic, int partition, long createdMs) {
        this.topic = topic;
        this.partition = partition;
        this.createdMs = createdMs;
    }

    String name() {
        return topic + "-" + partition;
    }

    /** When a producer's write of this time succeeds. */
    long writableMs(long ms) {
        for (Trouble trouble : troubles) {
            if (trouble.alsoWrites && trouble.covers(ms)) {
                ms = trouble.toMs;
            }
        }
        return ms;
    }

    /** When a record that was stored at this time can be read. */
    long readableMs(long storedMs) {
        return readableMs(storedMs, true);
    }

    private long readableMs(long storedMs, boolean withBrokers) {
        long ms = storedMs;
        for (Trouble trouble : troubles) {
            if (trouble.covers(ms) && (withBrokers || !trouble.alsoWrites)) {
                ms = trouble.delayMs > 0 ? ms + trouble.delayMs : trouble.toMs;
            }
        }
        return ms;
    }

    void add(KafkaRecord record) {
        records.add(record);
    }

    /** No record follows: puts the records in the order in which they were stored. */
    void seal() {
        records.sort(Comparator.comparingLong(record -> record.storedMs));
        long heldUntilMs = createdMs;
        long heldMs = 0;
        long silenceMs = 0;
        long resumedMs = 0;
        for (int i = 0; i < records.size(); i++) {
            KafkaRecord record = records.get(i);
            record.offset = i;
            long readableMs = Math.max(heldUntilMs, readableMs(record.storedMs, false));
            boolean isHeld = readableMs > record.storedMs;
            heldMs = isHeld ? Math.max(heldMs, readableMs - record.storedMs) : 0;
            record.heldMs = heldMs;
            if (record.storedMs >= resumedMs && isHeld) {
                silenceMs = readableMs - heldUntilMs;
                resumedMs = readableMs + Records.NOTICED_MS;
            }
            record.silenceMs = isHeld ? silenceMs : 0;
            heldUntilMs = readableMs;
        }
    }

    /**
     * The job goes on from this offset and reads it at this time. Where it lay behind because its
     * partition alone was held back, so do the records that follow it until then.
     */
    void restored(long offset, long readMs) {
        long heldMs = 0;
        for (long i = offset; i < size() && get(i).storedMs <= readMs; i++) {
            heldMs = Math.max(heldMs, get(i).heldMs);
            get(i).heldMs = heldMs;
        }
    }

    int size() {
        return records.size();
    }

    KafkaRecord get(long offset) {
        return records.get((int) offset);
    }
}
