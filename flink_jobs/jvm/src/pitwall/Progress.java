package pitwall;

/**
 * How far reading has come, as a session clock needs to know it: what is not here by then will not come in time.
 *
 * <p>Wall clock alone tells little: in a catch-up, or while a sink holds everything up, what came long ago to Kafka still
 * lies unread.
 */
final class Progress {
    /** Wall clock, milliseconds. */
    long now;

    /** All partitions that are not idle have been read up to this Kafka time, milliseconds. */
    long watermark = Long.MIN_VALUE;

    /** Wall clock when the last message came, of whatever session. */
    long inputMs;

    /** Wall clock when this task last noticed that it had been held up. */
    long heldUpMs;

    /**
     * Wall clock until which some partitions may not be read yet while others are: the job has just begun, or Kafka was
     * away. Watermark and silence are not believed before.
     */
    long settledMs;

    boolean unsettled() {
        return now < settledMs && watermark != Long.MAX_VALUE;
    }
}
