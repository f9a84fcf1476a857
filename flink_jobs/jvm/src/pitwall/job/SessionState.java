package pitwall.job;

import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.clock.SessionClock;
import pitwall.features.SessionFeatures;
import pitwall.history.HistoryRows;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;

import java.io.IOException;

/**
 * Everything that is kept of one session. Belongs to one thread.
 *
 * <p>Features and history are made for the second tick, so that a session of one tick is cheap. A
 * session that was released has only its clock, which tells its old ticks from new ones.
 */
final class SessionState {
    static final long NO_TIMER = Long.MAX_VALUE;
    private static final int INITIAL_BYTES = 1 << 12;

    final Plan plan;

    /** Session start, microseconds since the epoch. */
    final long startUs;

    SessionClock clock;
    final HistoryRows historyRows = new HistoryRows();

    /** The only tick that left so far; null before it, and once there are features. */
    Tick onlyTick;

    /** Wall clock when it left, milliseconds, and whether the history has it. */
    long onlyTickMs;

    boolean onlyTickInHistory;

    /** Both null until the second tick leaves. */
    SessionFeatures features;

    SessionHistory history;

    /** Whether the session was released and nothing came since. */
    boolean released;

    /** Why the session is set aside; null where it is not. */
    String failure;

    /** The exception, until it is logged. Not part of the state. */
    RuntimeException cause;

    /** When the session's last message came: wall clock and Kafka time as read, milliseconds. */
    long heardMs;

    long heardRecordMs;

    /** The next timers of both clocks, or {@link #NO_TIMER}. */
    long timerMs = NO_TIMER;

    long watermarkTimerMs = NO_TIMER;

    SessionState(Plan plan, long startUs) {
        this.plan = plan;
        this.startUs = startUs;
        clock = new SessionClock(plan);
    }

    /** Whether there is a chunk of history that has not left. */
    boolean hasHistory() {
        return history != null ? !history.isEmpty() : onlyTick != null && !onlyTickInHistory;
    }

    /** Whether that chunk need not wait any longer. {@code now}: wall clock, milliseconds. */
    boolean isHistoryDue(long now) {
        return history != null
                ? history.isDue(now, heardMs)
                : hasHistory() && onlyTickMs + SessionHistory.WAIT_MS <= now;
    }

    /** No features are computed any more until the session begins anew or is released. */
    void setAside(RuntimeException cause) {
        this.cause = cause;
        failure =
                "the features of the session cannot be computed, and it is set aside until it"
                        + " begins anew or falls silent: "
                        + cause;
    }

    /** The session begins anew: nothing of its features is kept. */
    void restart() {
        features = null;
        history = null;
        onlyTick = null;
        failure = null;
    }

    /** Keeps only the clock. What the history held must have left. */
    void release() {
        restart();
        clock.release();
        released = true;
    }

    /** Bytes that it takes on the heap, roughly. */
    long bytes() {
        long bytes = 256 + clock.bytes();
        if (onlyTick != null) {
            bytes += onlyTick.bytes();
        }
        return features == null ? bytes : bytes + features.bytes() + history.bytes();
    }

    /**
     * The same session under another plan: what both plans know goes on. This object must not be
     * used any more. Throws IOException if the state cannot be read back.
     */
    SessionState under(Plan other) throws IOException {
        if (!plan.channelIds().equals(other.channelIds())) {
            clock.recode(plan.channelIds(), other.channelIds());
            if (onlyTick != null) {
                onlyTick.recode(plan.channelIds(), other.channelIds());
            }
        }
        return copy(other);
    }

    /** The same session with an object of its own. */
    SessionState copy() throws IOException {
        return copy(plan);
    }

    private SessionState copy(Plan plan) throws IOException {
        DataOutputSerializer bytes = new DataOutputSerializer(INITIAL_BYTES);
        write(bytes);
        return read(plan, new DataInputDeserializer(bytes.getSharedBuffer(), 0, bytes.length()));
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(startUs);
        out.writeLong(heardMs);
        out.writeLong(heardRecordMs);
        out.writeLong(timerMs);
        out.writeLong(watermarkTimerMs);
        out.writeBoolean(released);
        StateBytes.writeText(out, failure);
        clock.write(out);
        out.writeBoolean(onlyTick != null);
        if (onlyTick != null) {
            onlyTick.write(out);
            out.writeLong(onlyTickMs);
            out.writeBoolean(onlyTickInHistory);
        }
        out.writeBoolean(features != null);
        if (features != null) {
            features.write(out);
            history.write(out);
        }
    }

    static SessionState read(Plan plan, DataInputView in) throws IOException {
        SessionState session = new SessionState(plan, in.readLong());
        session.heardMs = in.readLong();
        session.heardRecordMs = in.readLong();
        session.timerMs = in.readLong();
        session.watermarkTimerMs = in.readLong();
        session.released = in.readBoolean();
        session.failure = StateBytes.readText(in);
        session.clock.read(in);
        if (in.readBoolean()) {
            session.onlyTick = Tick.read(in);
            session.onlyTickMs = in.readLong();
            session.onlyTickInHistory = in.readBoolean();
        }
        if (in.readBoolean()) {
            session.features = new SessionFeatures(plan);
            session.features.read(in);
            session.history = new SessionHistory(plan);
            session.history.read(in);
        }
        return session;
    }
}
