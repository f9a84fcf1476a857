package pitwall.clock;

/** How far Kafka has been read. It tells a session clock which ticks cannot arrive any more. */
public final class Progress {
    /** Wall clock, milliseconds. */
    public long now;

    /**
     * All partitions that are not idle have been read up to this Kafka time, milliseconds. It never
     * falls back.
     */
    public long watermark = Long.MIN_VALUE;

    /** The watermark that came last, which may be held back while Kafka is away. */
    public long receivedMs = Long.MIN_VALUE;

    /**
     * Wall clock since which Kafka is read calmly, milliseconds: it answers, the job does not catch
     * up and did not stand still. It may lie ahead of {@link #now}.
     */
    public long calmSinceMs = Long.MIN_VALUE;

    /** A watermark that never comes. Some time may be added to it. */
    static final long NEVER = Long.MAX_VALUE / 4;

    /**
     * The watermark that tells that its partition has been read so long beyond a record. Of a
     * record that comes behind the watermark it tells nothing: {@link #NEVER}.
     */
    long after(long recordMs, long ms) {
        return recordMs < Math.max(receivedMs, watermark) ? NEVER : recordMs + ms;
    }

    /** Whether Kafka answers, and its partitions came back after it was away. */
    boolean isSettled() {
        return now >= calmSinceMs;
    }

    /** Whether Kafka has been read calmly for so long, after a time of the wall clock. */
    public boolean isCalm(long sinceMs, long ms) {
        return now >= Math.max(sinceMs, calmSinceMs) + ms;
    }
}
