package pitwall;

import java.util.Iterator;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Features of one session on the session's own clock.
 *
 * <p>Ticks wait until every live partition that carries the session has come as far; then they leave in order, one row
 * a tick. A partition silent for the plan's idle time (wall clock) no longer holds the session back. A tick at or
 * before the last one out is late: it leaves by {@link #LATE}. When a partition's own clock falls back by more than
 * {@link #RESTART_US} the session began anew (a replay): what waits is let out and the state starts afresh.
 */
public final class FeatureOperator extends KeyedProcessFunction<RowData, RowData, RowData> {
    public static final OutputTag<RowData> LATE = new OutputTag<>("late") {};
    static final long RESTART_US = 5_000_000;
    private static final long RELEASE_MS = 600_000;

    private final Plan plan;
    private transient ValueState<SessionState> state;
    private transient Counter ticks;
    private transient Counter late;

    public FeatureOperator(Plan plan) {
        this.plan = plan;
    }

    @Override
    public void open(OpenContext context) {
        state = getRuntimeContext().getState(new ValueStateDescriptor<>("session", new SessionStateSerializer(plan)));
        ticks = getRuntimeContext().getMetricGroup().addGroup("pitwall").counter("ticks");
        late = getRuntimeContext().getMetricGroup().addGroup("pitwall").counter("late");
    }

    /** Input: vehicle, session, start_us, t_us, values, error, raw, topic, part, off, record_time. */
    @Override
    public void processElement(RowData row, Context context, Collector<RowData> out) throws Exception {
        long now = context.timerService().currentProcessingTime();
        long timeUs = row.getLong(3);
        String partition = row.getString(7) + "/" + row.getInt(8);
        SessionState s = state.value();
        if (s == null) {
            s = new SessionState(plan);
            s.startUs = row.getLong(2);
        }
        SessionState.Clock clock = s.clocks.get(partition);
        if (clock != null && timeUs < clock.timeUs - RESTART_US) {
            release(s, Long.MAX_VALUE, context.getCurrentKey(), out);
            long timer = s.timerMs;
            s = new SessionState(plan);
            s.startUs = row.getLong(2);
            s.timerMs = timer;
            clock = null;
        }
        if (clock == null) {
            clock = new SessionState.Clock();
            clock.timeUs = timeUs;
            s.clocks.put(partition, clock);
        }
        clock.timeUs = Math.max(clock.timeUs, timeUs);
        clock.heardMs = now;
        if (timeUs <= s.emittedUs) {
            late.inc();
            context.output(LATE, GenericRowData.of(
                    row.getString(0), row.getString(1), timeUs, s.emittedUs, row.getString(7), row.getInt(8), row.getLong(9)));
        } else {
            wait(s, timeUs, row);
        }
        release(s, slowest(s, now), context.getCurrentKey(), out);
        if (s.timerMs == 0) {
            s.timerMs = now + plan.idleMs;
            context.timerService().registerProcessingTimeTimer(s.timerMs);
        }
        state.update(s);
    }

    private static void wait(SessionState s, long timeUs, RowData row) {
        double[] values = row.getArray(4).toDoubleArray();
        long recordMs = row.getTimestamp(10, 3).getMillisecond();
        SessionState.Tick tick = s.waiting.get(timeUs);
        if (tick == null) {
            tick = new SessionState.Tick();
            tick.values = values;
            s.waiting.put(timeUs, tick);
        } else {
            for (int c = 0; c < values.length; c++) {
                if (Double.isNaN(tick.values[c])) {
                    tick.values[c] = values[c];
                }
            }
        }
        tick.recordMs = Math.max(tick.recordMs, recordMs);
    }

    private long slowest(SessionState s, long now) {
        long slowest = Long.MAX_VALUE;
        for (SessionState.Clock clock : s.clocks.values()) {
            if (now - clock.heardMs < plan.idleMs) {
                slowest = Math.min(slowest, clock.timeUs);
            }
        }
        return slowest;
    }

    private void release(SessionState s, long untilUs, RowData key, Collector<RowData> out) {
        Iterator<Map.Entry<Long, SessionState.Tick>> waiting = s.waiting.entrySet().iterator();
        while (waiting.hasNext()) {
            Map.Entry<Long, SessionState.Tick> entry = waiting.next();
            long timeUs = entry.getKey();
            if (timeUs > untilUs) {
                return;
            }
            Double[] features = s.next(timeUs, entry.getValue().values);
            GenericRowData row = new GenericRowData(4 + features.length);
            row.setField(0, key.getString(0));
            row.setField(1, key.getString(1));
            long eventUs = s.startUs + timeUs;
            row.setField(2, TimestampData.fromEpochMillis(Math.floorDiv(eventUs, 1000L), (int) Math.floorMod(eventUs, 1000L) * 1000));
            row.setField(3, TimestampData.fromEpochMillis(entry.getValue().recordMs));
            for (int i = 0; i < features.length; i++) {
                row.setField(4 + i, features[i]);
            }
            out.collect(row);
            ticks.inc();
            waiting.remove();
        }
    }

    /** Lets out what a silent partition held back; forgets a session silent for long. */
    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<RowData> out) throws Exception {
        SessionState s = state.value();
        if (s == null) {
            return;
        }
        long now = context.timerService().currentProcessingTime();
        release(s, slowest(s, now), context.getCurrentKey(), out);
        long heard = 0;
        for (SessionState.Clock clock : s.clocks.values()) {
            heard = Math.max(heard, clock.heardMs);
        }
        if (now - heard > RELEASE_MS) {
            state.clear();
            return;
        }
        s.timerMs = now + (now - heard > plan.idleMs ? RELEASE_MS : plan.idleMs);
        context.timerService().registerProcessingTimeTimer(s.timerMs);
        state.update(s);
    }
}
