package pitwall.simulation;

/**
 * One record of a partition: a message of a session, or bytes that are no message of a car.
 *
 * <p>Times are milliseconds since the world began.
 */
final class KafkaRecord {
    final PartitionLog log;

    /** Kafka's timestamp, which the producer sets (CreateTime). */
    final long createdMs;

    /** When the record was stored and could be read. */
    final long storedMs;

    /** The session whose tick the message carries; null for a damaged message. */
    final CarSession session;

    final int tick;

    /** The group of channels that the message carries, 0 where a message carries all. */
    final int group;

    /** The bytes of a damaged message, null for others. */
    final byte[] damaged;

    /** Whether an equal record was stored before. */
    final boolean isCopy;

    long offset;

    /** When a source task read it last; -1 before that. */
    long readMs = -1;

    /**
     * How long its partition alone held back records at most, until this one: not because its
     * broker or the job was away. 0 where the partition had caught up.
     */
    long heldMs;

    /** Whether it lay there when its partition could be read again after so long a silence. */
    long silenceMs;

    KafkaRecord(
            PartitionLog log,
            long createdMs,
            long storedMs,
            CarSession session,
            int tick,
            int group,
            byte[] damaged,
            boolean isCopy) {
        this.log = log;
        this.createdMs = createdMs;
        this.storedMs = storedMs;
        this.session = session;
        this.tick = tick;
        this.group = group;
        this.damaged = damaged;
        this.isCopy = isCopy;
    }

    /** The record's value as Kafka holds it. */
    byte[] value() {
        return damaged != null ? damaged : session.message(tick, group);
    }
}
