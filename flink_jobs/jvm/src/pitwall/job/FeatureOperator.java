package pitwall.job;

import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.table.data.RowData;

import pitwall.clock.Progress;
import pitwall.clock.SessionClock;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;
import pitwall.wire.TelemetryRow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Computes the features of each session on the session's own clock ({@link SessionClock}).
 *
 * <p>Takes rows with the fields of {@link TelemetryRow}. Gives one feature row for each tick, in
 * order within a session, and the side outputs of {@link SessionOutputs}. No method blocks.
 *
 * <p>A session of which nothing came for {@link Plan#releaseMs}, neither by the wall clock nor in
 * what was read of Kafka, is released: only its clock is kept, for {@link #REMEMBERED_MS} more. The
 * same happens to the least recent session where there are too many ({@link OpenSessions}).
 */
class FeatureOperator extends AbstractStreamOperator<RowData>
        implements OneInputStreamOperator<RowData, RowData>, Triggerable<RowData, VoidNamespace> {
    /** How long the clock of a released session is kept, Kafka time. */
    private static final long REMEMBERED_MS = 24 * 3_600_000L;

    /** The memory of a session is looked at every so many ticks. */
    private static final int TICKS_PER_LOOK = 64;

    final Plan plan;
    private transient ValueState<SessionState> state;
    private transient InternalTimerService<VoidNamespace> timers;
    private transient SessionOutputs outputs;
    private transient Progress progress;
    private transient KafkaWatch kafka;
    private transient OpenSessions sessions;
    private transient boolean restored;
    private transient int untilLook;

    private transient SourceSilence silence;
    private transient ReadingPace pace;

    private transient boolean looksAgain;

    FeatureOperator(Plan plan) {
        this.plan = plan;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        restored = context.isRestored();
    }

    @Override
    public void open() throws Exception {
        super.open();
        state =
                getRuntimeContext()
                        .getState(
                                new ValueStateDescriptor<>(
                                        "session", new SessionStateSerializer(plan)));
        timers =
                getInternalTimerService("session-timers", VoidNamespaceSerializer.INSTANCE, this);
        MetricGroup metrics = getRuntimeContext().getMetricGroup().addGroup("pitwall");
        sessions = new OpenSessions(plan.sessionsMax, plan.sessionBytes);
        metrics.gauge("sessions_open", (Gauge<Integer>) sessions::open);
        metrics.gauge("state_bytes", (Gauge<Long>) sessions::bytes);
        outputs = new SessionOutputs(plan, metrics, output);
        progress = new Progress();
        silence = new SourceSilence(plan.idleMs);
        pace = new ReadingPace(getProcessingTimeService().getCurrentProcessingTime());
        boolean failed = getRuntimeContext().getTaskInfo().getAttemptNumber() > 0;
        kafka = new KafkaWatch(plan.kafka, failed);
        if (restored) {
            noteSessions();
        }
    }

    /** Takes stock of the sessions that the state holds. */
    private void noteSessions() throws IOException {
        List<RowData> keys;
        try (Stream<RowData> all =
                this.<RowData>getKeyedStateBackend().getKeys("session", VoidNamespace.INSTANCE)) {
            keys = new ArrayList<>(all.toList());
        }
        Map<RowData, SessionState> byKey = new HashMap<>();
        for (RowData key : keys) {
            setCurrentKey(key);
            byKey.put(key, session());
        }
        keys.sort(Comparator.comparingLong(key -> byKey.get(key).heardMs));
        for (RowData key : keys) {
            sessions.note(key, byKey.get(key));
        }
    }

    @Override
    public void close() throws Exception {
        if (kafka != null) {
            kafka.close();
        }
        if (sessions != null) {
            sessions.close();
        }
        super.close();
    }

    @Override
    public void processElement(StreamRecord<RowData> element) throws Exception {
        RowData row = element.getValue();
        long now = timers.currentProcessingTime();
        RowData key = (RowData) getCurrentKey();
        Tick tick = RowTicks.tick(row);
        SessionState session = session();
        boolean opens = session == null || session.released;
        if (opens) {
            makeRoom(now, key);
            if (sessions.isFull() && session == null) {
                outputs.refuse(key, tick, sessions);
                return;
            }
        }
        if (session == null) {
            session = new SessionState(plan, row.getLong(TelemetryRow.START_US));
            state.update(session);
        }
        session.released = false;
        session.heardMs = now;
        silence.hear(now);
        session.heardRecordMs = Math.max(tick.recordMs, progress.watermark);
        turnTo(key, session, now);
        try {
            session.clock.offer(tick, progress, outputs);
        } catch (RuntimeException e) {
            if (!setAside(session, e).contains(tick)) {
                outputs.fail(tick);
            }
        }
        schedule(session, now);
        if (opens || session.features == null || --untilLook <= 0) {
            untilLook = TICKS_PER_LOOK;
            sessions.note(key, session);
        } else {
            sessions.touch(key, now);
        }
    }

    /**
     * A session whose clock failed has a new one; its ticks are dead letters from now on. Gives
     * the ticks that waited. An exception of what follows the operator is thrown on.
     */
    private List<Tick> setAside(SessionState session, RuntimeException cause) {
        if (outputs.isCollecting()) {
            throw cause;
        }
        session.setAside(cause);
        List<Tick> waiting = session.clock.abandon();
        session.clock = new SessionClock(plan);
        waiting.forEach(outputs::fail);
        return waiting;
    }

    /** Lets the least recent sessions go while sessions take too much memory. */
    private void makeRoom(long now, RowData current) throws Exception {
        while (sessions.isFull()) {
            RowData key = sessions.leastRecent(now);
            if (key == null || key.equals(current)) {
                break;
            }
            setCurrentKey(key);
            SessionState session = session();
            if (session == null || session.released) {
                state.clear();
                sessions.remove(key);
            } else {
                release(key, session, now);
            }
        }
        setCurrentKey(current);
    }

    private void release(RowData key, SessionState session, long now) throws IOException {
        outputs.set(key, session, now);
        session.clock.silence(outputs);
        outputs.flushHistory();
        session.release();
        schedule(session, now);
        sessions.note(key, session);
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        progress.receivedMs = Math.max(progress.receivedMs, mark.getTimestamp());
        advance();
    }

    @Override
    public void processWatermarkStatus(WatermarkStatus status) throws Exception {
        silence.say(status.isIdle());
        super.processWatermarkStatus(status);
    }

    /**
     * Moves on to the watermark that came last. Stands still while Kafka is away and its partitions
     * come back.
     */
    private void advance() throws Exception {
        boolean ended = progress.receivedMs == Long.MAX_VALUE;
        long now = getProcessingTimeService().getCurrentProcessingTime();
        pace.note(now, progress.receivedMs);
        long settledMs = ReadingPace.settledMs(kafkaAwayMs());
        if (!ended && now < settledMs) {
            if (!looksAgain) {
                looksAgain = true;
                getProcessingTimeService()
                        .registerTimer(
                                settledMs,
                                time -> {
                                    looksAgain = false;
                                    advance();
                                });
            }
            return;
        }
        if (progress.receivedMs > progress.watermark) {
            progress.watermark = progress.receivedMs;
            super.processWatermark(new Watermark(progress.receivedMs));
        }
    }

    /** What comes next is of this session, at this wall clock (milliseconds). */
    private void turnTo(RowData key, SessionState session, long now) {
        progress.now = now;
        pace.note(now, progress.receivedMs);
        progress.calmSinceMs = pace.calmSinceMs(kafkaAwayMs());
        outputs.set(key, session, now);
    }

    /** Wall clock when Kafka was last away, milliseconds, or {@link KafkaWatch#NEVER}. */
    long kafkaAwayMs() {
        return kafka.awayMs();
    }

    @Override
    public void onEventTime(InternalTimer<RowData, VoidNamespace> timer) throws Exception {
        SessionState session = session();
        if (session != null) {
            if (session.watermarkTimerMs <= timer.getTimestamp()) {
                session.watermarkTimerMs = SessionState.NO_TIMER;
            }
            look(timer.getKey(), session);
        }
    }

    @Override
    public void onProcessingTime(InternalTimer<RowData, VoidNamespace> timer) throws Exception {
        SessionState session = session();
        if (session != null) {
            if (session.timerMs <= timer.getTimestamp()) {
                session.timerMs = SessionState.NO_TIMER;
            }
            look(timer.getKey(), session);
        }
    }

    /** Lets out what need not wait any longer, without a new message. */
    private void look(RowData key, SessionState session) throws Exception {
        long now = timers.currentProcessingTime();
        boolean ended = progress.watermark == Long.MAX_VALUE;
        turnTo(key, session, now);
        boolean isSilent =
                silence.isSilent(now) && progress.isCalm(session.heardMs, plan.idleMs);
        try {
            if (isSilent || ended) {
                session.clock.silence(outputs);
            } else {
                session.clock.advance(progress, outputs);
            }
        } catch (RuntimeException e) {
            setAside(session, e);
        }
        if (ended || session.isHistoryDue(now)) {
            outputs.flushHistory();
        }
        settle(key, session, now);
    }

    /** Releases or forgets the session where it is time to, or sets its next timers. */
    private void settle(RowData key, SessionState session, long now) throws IOException {
        boolean due = progress.watermark >= endMs(session) && now >= endWallMs(session);
        if (progress.watermark == Long.MAX_VALUE || due && session.released) {
            state.clear();
            sessions.remove(key);
        } else if (due) {
            release(key, session, now);
        } else {
            schedule(session, now);
        }
    }

    /** The state of the current key under this operator's plan; null where there is none. */
    private SessionState session() throws IOException {
        try {
            SessionState session = state.value();
            if (session != null && session.plan != plan) {
                session = session.under(plan);
                state.update(session);
            }
            return session;
        } catch (IOException e) {
            throw new IOException("the state of a session cannot be read", e);
        }
    }

    /** Kafka time from which on the session is released, or forgotten after that. */
    private long endMs(SessionState session) {
        return session.heardRecordMs + plan.releaseMs + (session.released ? REMEMBERED_MS : 0);
    }

    /** The same by the wall clock. The watermark alone leaps where a car's clock was wrong. */
    private long endWallMs(SessionState session) {
        return session.heardMs + plan.releaseMs + (session.released ? REMEMBERED_MS : 0);
    }

    /**
     * Sets the timers of a session: at most one on each clock that lies ahead. An older timer that
     * still fires does no harm.
     */
    private void schedule(SessionState session, long now) {
        long dueMs = session.clock.dueMs(progress);
        if (session.hasHistory()) {
            dueMs = Math.min(dueMs, Math.max(now, session.heardMs) + SessionHistory.WAIT_MS);
        }
        boolean isRead = progress.watermark >= endMs(session);
        if (isRead) {
            dueMs = Math.min(dueMs, endWallMs(session));
        }
        if (dueMs < session.timerMs) {
            session.timerMs = dueMs;
            timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, dueMs);
        }
        long due = session.clock.dueWatermark(progress);
        due = isRead ? due : Math.min(due, endMs(session));
        if (due < session.watermarkTimerMs && due > progress.watermark) {
            session.watermarkTimerMs = due;
            timers.registerEventTimeTimer(VoidNamespace.INSTANCE, due);
        }
    }
}
