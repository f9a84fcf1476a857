package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.ticks.Tick;

import java.io.IOException;

/** When a session was heard of first and last, by the wall clock and by what was read of Kafka. */
final class Hearing {
    private static final long NONE = Long.MIN_VALUE;

    /** While ticks wait, a session is looked at so often, milliseconds. */
    private static final long LOOK_MS = 500;

    private final long startMs;
    private final long idleMs;

    /** Wall clock when the session's first message came, milliseconds. */
    private long openedMs = NONE;

    /** The watermark from which on the partitions count as known; {@link #NONE} once they do. */
    private long knownMs = NONE;

    /** Session time of the message that came last, microseconds. */
    private long timeUs = NONE;

    /** Wall clock and watermark when it came; {@link #NONE} if there was no watermark. */
    private long heardMs = NONE;

    private long watermark = NONE;

    /**
     * @param startMs how long a new session is new, Kafka time and wall clock
     * @param idleMs how long a session is silent until it fell silent, milliseconds
     */
    Hearing(long startMs, long idleMs) {
        this.startMs = startMs;
        this.idleMs = idleMs;
    }

    void hear(Tick tick, Progress progress) {
        if (openedMs == NONE) {
            openedMs = progress.now;
            knownMs = progress.after(tick.recordMs, startMs);
        }
        timeUs = tick.timeUs;
        heardMs = progress.now;
        watermark = progress.watermark;
    }

    /** Notes the first watermark after a message that came before there was one. */
    void pass(Progress progress) {
        if (watermark == NONE) {
            watermark = progress.watermark;
        }
    }

    /** Session time of the message that came last, microseconds. */
    long timeUs() {
        return timeUs;
    }

    /** Whether partitions of the session's topics may still be unknown. */
    boolean isNew(Progress progress) {
        return progress.now < openedMs + startMs;
    }

    /** Whether the partitions that bring the session are known. */
    boolean isEstablished(Progress progress) {
        if (progress.isCalm(openedMs, idleMs) || progress.watermark >= knownMs) {
            knownMs = NONE;
        }
        return knownMs == NONE;
    }

    /**
     * Whether the session fell silent while others went on. A car with a slow clock can hold the
     * watermark; then the wall clock alone tells, after twice the time.
     */
    boolean isSilent(Progress progress) {
        boolean isPassed = watermark != NONE && progress.watermark >= watermark + idleMs;
        return progress.isCalm(heardMs, isPassed ? idleMs : 2 * idleMs);
    }

    /** Wall clock when the session is looked at again, milliseconds. */
    long dueMs(Progress progress, boolean isBeginning) {
        return isBeginning && isNew(progress) ? openedMs + startMs : progress.now + LOOK_MS;
    }

    /** What comes next begins the session again. */
    void release() {
        openedMs = NONE;
    }

    void write(DataOutputView out) throws IOException {
        for (long value : new long[] {openedMs, knownMs, timeUs, heardMs, watermark}) {
            out.writeLong(value);
        }
    }

    void read(DataInputView in) throws IOException {
        openedMs = in.readLong();
        knownMs = in.readLong();
        timeUs = in.readLong();
        heardMs = in.readLong();
        watermark = in.readLong();
    }
}
