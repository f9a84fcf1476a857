package pitwall.job;

import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.clock.SessionClock;
import pitwall.features.SessionFeatures;
import pitwall.history.HistoryRows;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;

import java.io.IOException;

/** Everything that is kept of one session. Belongs to one thread. */
final class SessionState {
    static final long NO_TIMER = Long.MAX_VALUE;
    private static final int INITIAL_BYTES = 1 << 16;

    final Plan plan;

    /** Session start, microseconds since the epoch. */
    final long startUs;

    final SessionClock clock;
    final SessionHistory history;
    final HistoryRows historyRows = new HistoryRows();
    SessionFeatures features;

    /** Wall clock when the last message of the session came, milliseconds. */
    long heardMs;

    /** The next timers of both clocks, or {@link #NO_TIMER}. */
    long timerMs = NO_TIMER;

    long watermarkTimerMs = NO_TIMER;

    SessionState(Plan plan, long startUs) {
        this.plan = plan;
        this.startUs = startUs;
        clock = new SessionClock(plan);
        features = new SessionFeatures(plan);
        history = new SessionHistory(plan);
    }

    /**
     * The same session under another plan: what both plans know goes on. This object must not be
     * used any more. Throws IOException if the state cannot be read back.
     */
    SessionState under(Plan other) throws IOException {
        if (!plan.channelIds().equals(other.channelIds())) {
            clock.recode(plan.channelIds(), other.channelIds());
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
        out.writeLong(timerMs);
        out.writeLong(watermarkTimerMs);
        clock.write(out);
        features.write(out);
        history.write(out);
    }

    static SessionState read(Plan plan, DataInputView in) throws IOException {
        SessionState session = new SessionState(plan, in.readLong());
        session.heardMs = in.readLong();
        session.timerMs = in.readLong();
        session.watermarkTimerMs = in.readLong();
        session.clock.read(in);
        session.features.read(in);
        session.history.read(in);
        return session;
    }
}
