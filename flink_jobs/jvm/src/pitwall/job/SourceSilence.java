package pitwall.job;

/**
 * Whether the source is silent. Flink says when it is idle. For Flink it stays idle while it reads
 * only what lies behind the watermark; then the wall clock tells when nothing more comes.
 */
final class SourceSilence {
    private final long idleMs;
    private boolean idle;

    /** Wall clock when a record came last while the source was idle, milliseconds. */
    private long heardMs;

    SourceSilence(long idleMs) {
        this.idleMs = idleMs;
    }

    /** Flink says whether the source is idle. */
    void say(boolean isIdle) {
        idle = isIdle;
        heardMs = Long.MIN_VALUE;
    }

    /** A record came. {@code now}: wall clock, milliseconds. */
    void hear(long now) {
        if (idle) {
            heardMs = now;
        }
    }

    boolean isSilent(long now) {
        return idle && now >= heardMs + idleMs;
    }
}
