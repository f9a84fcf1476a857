package pitwall;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.writer.BinaryRowWriter;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Features of one session on the session's own clock: one row a tick, in order ({@link SessionClock}).
 *
 * <p>A late tick leaves by {@link #LATE} and is kept in the history; a duplicate is counted. A session silent for
 * {@link Plan#releaseMs}, none of whose ticks waits, is forgotten.
 */
public final class FeatureOperator extends KeyedProcessFunction<RowData, RowData, RowData> {
    public static final OutputTag<RowData> LATE = new OutputTag<>("late") {};
    public static final OutputTag<RowData> HISTORY = new OutputTag<>("history") {};
    private static final long HELD_UP_MS = 50;

    /** How long partitions may take to come back, one after the other, once Kafka answers. */
    private static final long SETTLE_MS = 20_000;

    private final Plan plan;
    private transient ValueState<SessionState> state;
    private transient Counter ticks;
    private transient Counter late;
    private transient Counter duplicates;
    private transient Counter restarts;
    private transient Outputs outputs;
    private transient Progress progress;
    private transient Broker broker;

    public FeatureOperator(Plan plan) {
        this.plan = plan;
    }

    @Override
    public void open(OpenContext context) {
        state = getRuntimeContext().getState(new ValueStateDescriptor<>("session", new SessionStateSerializer(plan)));
        MetricGroup metrics = getRuntimeContext().getMetricGroup().addGroup("pitwall");
        ticks = metrics.counter("ticks");
        late = metrics.counter("late");
        duplicates = metrics.counter("duplicates");
        restarts = metrics.counter("restarts");
        outputs = new Outputs();
        progress = new Progress();
        broker = new Broker(plan.kafka);
        progress.heldUpMs = System.currentTimeMillis();
    }

    @Override
    public void close() {
        if (broker != null) {
            broker.close();
        }
    }

    /** Input: vehicle, session, start_us, t_us, samples, extras, error, raw, topic, part, off, record_time. */
    @Override
    public void processElement(RowData row, Context context, Collector<RowData> out) throws Exception {
        long now = context.timerService().currentProcessingTime();
        SessionState s = current(row.getLong(2));
        s.heardMs = now;
        Tick tick = new Tick();
        tick.timeUs = row.getLong(3);
        tick.samples(row.getBinary(4));
        tick.extras = row.isNullAt(5) ? null : row.getString(5).toString();
        tick.topic = row.getString(8).toString();
        tick.partition = row.getInt(9);
        tick.offset = row.getLong(10);
        tick.recordMs = row.getTimestamp(11, 3).getMillisecond();
        progress.inputMs = now;
        progress(context, now);
        outputs.set(s, context, out, now);
        s.clock.offer(tick, progress, outputs);
        schedule(s, context, now);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<RowData> out) throws Exception {
        if (state.value() == null) {
            return;
        }
        SessionState s = current(0);
        long now = context.timerService().currentProcessingTime();
        boolean wall = context.timeDomain() == org.apache.flink.streaming.api.TimeDomain.PROCESSING_TIME;
        if (wall && s.timerMs <= timestamp) {
            s.timerMs = Long.MAX_VALUE;
        } else if (!wall && s.watermarkTimerMs <= timestamp) {
            s.watermarkTimerMs = Long.MAX_VALUE;
        }
        progress(context, now);
        if (wall && now - timestamp > HELD_UP_MS) {
            progress.heldUpMs = now;
        }
        outputs.set(s, context, out, now);
        s.clock.advance(progress, outputs);
        boolean ended = progress.watermark == Long.MAX_VALUE;
        if (ended || s.history.isDue(now, s.heardMs)) {
            s.history.flush(outputs);
        }
        if (s.heardMs + plan.releaseMs <= now && s.clock.isEmpty()) {
            state.clear();
            return;
        }
        schedule(s, context, now);
    }

    private void progress(Context context, long now) {
        progress.now = now;
        progress.watermark = context.timerService().currentWatermark();
        progress.settledMs = plan.kafka.isEmpty() ? 0 : broker.awayMs() + SETTLE_MS;
    }

    private SessionState current(long startUs) throws IOException {
        try {
            SessionState s = state.value();
            if (s == null) {
                s = new SessionState(plan, startUs);
                state.update(s);
            } else if (s.plan != plan) {
                s = s.under(plan);
                state.update(s);
            }
            return s;
        } catch (IOException e) {
            throw new IOException("the state of a session cannot be read", e);
        }
    }

    /** One timer on each clock at most lies ahead; a stale one finds nothing to do. */
    private void schedule(SessionState s, Context context, long now) {
        long due = s.clock.isEmpty() ? s.heardMs + plan.releaseMs : s.clock.dueMs(progress);
        if (!s.history.isEmpty()) {
            due = Math.min(due, Math.max(now, s.heardMs) + SessionHistory.WAIT_MS);
        }
        if (due < s.timerMs) {
            s.timerMs = due;
            context.timerService().registerProcessingTimeTimer(due);
        }
        long watermark = s.clock.dueWatermark();
        if (watermark < s.watermarkTimerMs && watermark > context.timerService().currentWatermark()) {
            s.watermarkTimerMs = watermark;
            context.timerService().registerEventTimeTimer(watermark);
        }
    }

    /** Where the ticks of the session at hand go. */
    private final class Outputs implements SessionClock.Out, SessionHistory.Out {
        private final double[] values = new double[plan.channels.size()];
        private final boolean[] sent = new boolean[values.length];
        private final double[] features = new double[plan.features.size()];
        private final BinaryRowData row = new BinaryRowData(4 + features.length);
        private final BinaryRowWriter writer = new BinaryRowWriter(row, 128);
        private SessionState s;
        private Context context;
        private Collector<RowData> out;
        private long now;

        void set(SessionState s, Context context, Collector<RowData> out, long now) {
            this.s = s;
            this.context = context;
            this.out = out;
            this.now = now;
        }

        @Override
        public void tick(Tick tick) {
            SessionState.spread(tick, values, sent);
            s.features.next(tick.timeUs, values, sent, features);
            RowData key = context.getCurrentKey();
            writer.reset();
            writer.writeString(0, key.getString(0));
            writer.writeString(1, key.getString(1));
            writer.writeTimestamp(2, timestamp(s.startUs + tick.timeUs), 6);
            writer.writeTimestamp(3, TimestampData.fromEpochMillis(tick.recordMs), 3);
            for (int i = 0; i < features.length; i++) {
                if (Double.isNaN(features[i])) {
                    writer.setNullAt(4 + i);
                } else {
                    writer.writeDouble(4 + i, features[i]);
                }
            }
            writer.complete();
            out.collect(row);
            ticks.inc();
            s.history.add(tick, values, sent, now, this);
        }

        @Override
        public void late(Tick tick) {
            late.inc();
            SessionState.spread(tick, values, sent);
            SessionHistory alone = new SessionHistory(plan);
            alone.add(tick, values, sent, now, this);
            alone.flush((times, channels) -> {
                chunk(times, channels);
                RowData key = context.getCurrentKey();
                context.output(LATE, GenericRowData.of(
                        StringData.fromString("late tick: the session clock stands at " + s.clock.emittedUs / 1e6 + " s"),
                        WireText.of(key.getString(0).toString(), key.getString(1).toString(), tick.timeUs, channels),
                        StringData.fromString(tick.topic), tick.partition, tick.offset));
            });
        }

        @Override
        public void duplicate(Tick tick) {
            duplicates.inc();
        }

        @Override
        public void restart() {
            restarts.inc();
            s.features = new SessionFeatures(plan);
            s.history.flush(this);
        }

        @Override
        public void chunk(long[] timesUs, Map<String, double[]> channels) {
            s.history.rows(timesUs, channels, (timeUs, bucket, startUs, digest, times, columns) -> {
                Map<StringData, byte[]> named = new LinkedHashMap<>();
                columns.forEach((channel, values) -> named.put(StringData.fromString(channel), values));
                RowData key = context.getCurrentKey();
                context.output(HISTORY, GenericRowData.of(
                        key.getString(0), key.getString(1), bucket, startUs, digest, timestamp(s.startUs + timeUs), times,
                        new GenericMapData(named)));
            });
        }
    }

    private static TimestampData timestamp(long us) {
        return TimestampData.fromEpochMillis(Math.floorDiv(us, 1000L), (int) Math.floorMod(us, 1000L) * 1000);
    }
}
