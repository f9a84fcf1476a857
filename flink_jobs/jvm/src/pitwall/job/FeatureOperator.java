package pitwall.job;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.TimeDomain;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;

import pitwall.clock.Progress;
import pitwall.clock.SessionClock;
import pitwall.clock.Tick;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.wire.TelemetryRow;

import java.io.IOException;

/**
 * Computes the features of each session on the session's own clock ({@link SessionClock}).
 *
 * <p>Takes rows with the fields of {@link TelemetryRow}. Gives one feature row for each tick, in
 * order within a session, and the side outputs of {@link SessionOutputs}. A session that is silent
 * for {@link Plan#releaseMs}, none of whose ticks waits, is forgotten. No method blocks.
 */
final class FeatureOperator extends KeyedProcessFunction<RowData, RowData, RowData> {
    /** A timer that fires so much too late means that the task was held up. */
    private static final long HELD_UP_MS = 50;

    /** How long the partitions may take to come back one by one after Kafka was away. */
    private static final long SETTLE_MS = 20_000;

    private final Plan plan;
    private transient ValueState<SessionState> state;
    private transient SessionOutputs outputs;
    private transient Progress progress;
    private transient KafkaWatch kafka;

    FeatureOperator(Plan plan) {
        this.plan = plan;
    }

    @Override
    public void open(OpenContext context) {
        state =
                getRuntimeContext()
                        .getState(
                                new ValueStateDescriptor<>(
                                        "session", new SessionStateSerializer(plan)));
        MetricGroup metrics = getRuntimeContext().getMetricGroup().addGroup("pitwall");
        outputs = new SessionOutputs(plan, metrics);
        progress = new Progress();
        kafka = new KafkaWatch(plan.kafka);
        progress.heldUpMs = System.currentTimeMillis();
    }

    @Override
    public void close() {
        if (kafka != null) {
            kafka.close();
        }
    }

    @Override
    public void processElement(RowData row, Context context, Collector<RowData> out)
            throws Exception {
        long now = context.timerService().currentProcessingTime();
        SessionState session = session(row.getLong(TelemetryRow.START_US));
        session.heardMs = now;
        progress.inputMs = now;
        updateProgress(context, now);
        outputs.set(session, context, out, now);
        session.clock.offer(tick(row), progress, outputs);
        schedule(session, context, now);
    }

    private static Tick tick(RowData row) {
        boolean hasExtras = !row.isNullAt(TelemetryRow.EXTRAS);
        return new Tick(
                row.getLong(TelemetryRow.TIME_US),
                row.getBinary(TelemetryRow.SAMPLES),
                hasExtras ? row.getString(TelemetryRow.EXTRAS).toString() : null,
                row.getString(TelemetryRow.TOPIC).toString(),
                row.getInt(TelemetryRow.PARTITION),
                row.getLong(TelemetryRow.OFFSET),
                row.getTimestamp(TelemetryRow.RECORD_TIME, 3).getMillisecond());
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<RowData> out)
            throws Exception {
        if (state.value() == null) {
            return;
        }
        SessionState session = session(0);
        long now = context.timerService().currentProcessingTime();
        boolean wallClock = context.timeDomain() == TimeDomain.PROCESSING_TIME;
        if (wallClock && session.timerMs <= timestamp) {
            session.timerMs = SessionState.NO_TIMER;
        } else if (!wallClock && session.watermarkTimerMs <= timestamp) {
            session.watermarkTimerMs = SessionState.NO_TIMER;
        }
        updateProgress(context, now);
        if (wallClock && now - timestamp > HELD_UP_MS) {
            progress.heldUpMs = now;
        }
        outputs.set(session, context, out, now);
        session.clock.advance(progress, outputs);
        boolean inputEnded = progress.watermark == Long.MAX_VALUE;
        if (inputEnded || session.history.isDue(now, session.heardMs)) {
            session.history.flush(outputs);
        }
        if (session.heardMs + plan.releaseMs <= now && session.clock.isEmpty()) {
            state.clear();
            return;
        }
        schedule(session, context, now);
    }

    private void updateProgress(Context context, long now) {
        progress.now = now;
        progress.watermark = context.timerService().currentWatermark();
        progress.settledMs = plan.kafka.isEmpty() ? 0 : kafka.awayMs() + SETTLE_MS;
    }

    /** The state of the current key, under this operator's plan; a new one where there is none. */
    private SessionState session(long startUs) throws IOException {
        try {
            SessionState session = state.value();
            if (session == null) {
                session = new SessionState(plan, startUs);
                state.update(session);
            } else if (session.plan != plan) {
                session = session.under(plan);
                state.update(session);
            }
            return session;
        } catch (IOException e) {
            throw new IOException("the state of a session cannot be read", e);
        }
    }

    /**
     * Sets the timers of a session: at most one on each clock that lies ahead. An older timer that
     * still fires does no harm.
     */
    private void schedule(SessionState session, Context context, long now) {
        long due =
                session.clock.isEmpty()
                        ? session.heardMs + plan.releaseMs
                        : session.clock.dueMs(progress);
        if (!session.history.isEmpty()) {
            due = Math.min(due, Math.max(now, session.heardMs) + SessionHistory.WAIT_MS);
        }
        if (due < session.timerMs) {
            session.timerMs = due;
            context.timerService().registerProcessingTimeTimer(due);
        }
        long watermark = session.clock.dueWatermark();
        if (watermark < session.watermarkTimerMs
                && watermark > context.timerService().currentWatermark()) {
            session.watermarkTimerMs = watermark;
            context.timerService().registerEventTimeTimer(watermark);
        }
    }
}
