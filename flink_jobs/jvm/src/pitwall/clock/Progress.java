package pitwall.clock;

/**
 * How far Kafka has been read. It tells a session clock which ticks cannot arrive any more.
 *
 * <p>The wall clock alone does not tell: during a catch-up, or while a sink holds the job up,
 * records that came to Kafka long ago are still unread.
 */
public final class Progress {
    /** Wall clock, milliseconds. */
    public long now;

    /** All partitions that are not idle have been read up to this Kafka time, milliseconds. */
    public long watermark = Long.MIN_VALUE;

    /** Wall clock when the last message of any session came, milliseconds. */
    public long inputMs;

    /** Wall clock when this task last noticed that it had been held up, milliseconds. */
    public long heldUpMs;

    /**
     * Until this wall clock time some partitions may not be read yet while others are: the job has
     * just started, or Kafka was away. Before it neither the watermark nor silence is relied upon.
     */
    public long settledMs;

    boolean isUnsettled() {
        return now < settledMs && watermark != Long.MAX_VALUE;
    }
}
