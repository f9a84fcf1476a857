package pitwall.job;

/**
 * Since when Kafka has been read calmly. While the job catches up, after it stood still, and while
 * the partitions come back after Kafka was away, a silent session may have messages that were not
 * read yet. All times are milliseconds of the wall clock.
 */
final class ReadingPace {
    /** Such a gap between two events of a task that waits shows that it stood still. */
    private static final long GAP_MS = 1000;

    /** How often the watermark is compared with the wall clock. */
    private static final long WINDOW_MS = 5000;

    /** How long the partitions may take to come back one by one after Kafka was away. */
    private static final long SETTLE_MS = 20_000;

    private long calmSinceMs;
    private long eventMs;
    private long windowMs;
    private long windowWatermark = Long.MIN_VALUE;

    ReadingPace(long now) {
        calmSinceMs = eventMs = windowMs = now;
    }

    /** Something happens at this time. {@code watermark}: the one that came last. */
    void note(long now, long watermark) {
        if (now - eventMs > GAP_MS) {
            calmSinceMs = now;
        }
        eventMs = now;
        if (now - windowMs >= WINDOW_MS) {
            boolean isFirst = windowWatermark == Long.MIN_VALUE && watermark != Long.MIN_VALUE;
            if (isFirst || watermark - windowWatermark > 2 * (now - windowMs)) {
                calmSinceMs = now;
            }
            windowMs = now;
            windowWatermark = watermark;
        }
    }

    /** Since when Kafka is read calmly, which was away at {@code awayMs}; may lie ahead. */
    long calmSinceMs(long awayMs) {
        return Math.max(calmSinceMs, settledMs(awayMs));
    }

    /** When the partitions are back after Kafka was away. */
    static long settledMs(long awayMs) {
        return awayMs == KafkaWatch.NEVER ? awayMs : awayMs + SETTLE_MS;
    }
}
