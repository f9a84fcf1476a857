package pitwall.job;

import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.util.function.ThrowingRunnable;

/**
 * Whether the source is silent. Flink says when it is idle. For Flink it stays idle while it reads
 * only what lies behind the watermark; then the wall clock tells when nothing more comes.
 */
final class SourceSilence {
    private final long idleMs;
    private final ProcessingTimeService timers;
    private final ThrowingRunnable<Exception> onSilence;
    private boolean idle;
    private boolean silent;

    /** Wall clock when a record came last while the source was idle, milliseconds. */
    private long heardMs;

    /** {@code onSilence} is called when the wall clock tells that nothing more comes. */
    SourceSilence(
            long idleMs, ProcessingTimeService timers, ThrowingRunnable<Exception> onSilence) {
        this.idleMs = idleMs;
        this.timers = timers;
        this.onSilence = onSilence;
    }

    boolean isSilent() {
        return silent;
    }

    /** Flink says whether the source is idle. */
    void say(boolean isIdle) {
        idle = silent = isIdle;
    }

    /** A record came. {@code now}: wall clock, milliseconds. */
    void hear(long now) {
        if (!idle) {
            return;
        }
        heardMs = now;
        if (silent) {
            silent = false;
            timers.registerTimer(now + idleMs, this::look);
        }
    }

    private void look(long now) throws Exception {
        if (!idle || silent) {
            return;
        }
        if (heardMs + idleMs > now) {
            timers.registerTimer(heardMs + idleMs, this::look);
        } else {
            silent = true;
            onSilence.run();
        }
    }
}
