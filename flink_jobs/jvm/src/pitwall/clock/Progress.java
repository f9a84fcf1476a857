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

    /**
     * Whether silence means silence: false while Kafka is away or its partitions come back one by
     * one. The watermark stands still meanwhile.
     */
    public boolean settled = true;

    /** A Kafka time so much after this one and after the watermark, without overflow. */
    long after(long recordMs, long ms) {
        long from = Math.max(recordMs, watermark);
        return from > Long.MAX_VALUE - ms ? Long.MAX_VALUE : from + ms;
    }
}
