package pitwall.job;

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

import pitwall.clock.ClockOutput;
import pitwall.clock.Tick;
import pitwall.features.SessionFeatures;
import pitwall.history.ChunkOutput;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.wire.MessageWriter;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Turns what the clock lets out into rows: feature rows, history rows, and dead letters for late
 * ticks. Duplicates are only counted. One object serves all sessions of a task, one after the
 * other.
 */
final class SessionOutputs implements ClockOutput, ChunkOutput {
    /** Late ticks as dead letters. They are in the history as well, in rows of their own. */
    static final OutputTag<RowData> LATE = new OutputTag<>("late") {};

    /** Rows of the table {@code telemetry_history}. */
    static final OutputTag<RowData> HISTORY = new OutputTag<>("history") {};

    private static final int FIRST_FEATURE = 4;
    private static final int INITIAL_BYTES = 128;

    private final Plan plan;
    private final Counter ticks;
    private final Counter lateTicks;
    private final Counter duplicates;
    private final Counter restarts;
    private final double[] values;
    private final boolean[] sent;
    private final double[] features;
    private final BinaryRowData row;
    private final BinaryRowWriter writer;

    private SessionState session;
    private KeyedProcessFunction<RowData, RowData, RowData>.Context context;
    private Collector<RowData> out;
    private long now;

    SessionOutputs(Plan plan, MetricGroup metrics) {
        this.plan = plan;
        ticks = metrics.counter("ticks");
        lateTicks = metrics.counter("late");
        duplicates = metrics.counter("duplicates");
        restarts = metrics.counter("restarts");
        values = new double[plan.channels.size()];
        sent = new boolean[values.length];
        features = new double[plan.features.size()];
        row = new BinaryRowData(FIRST_FEATURE + features.length);
        writer = new BinaryRowWriter(row, INITIAL_BYTES);
    }

    /** The session whose ticks come next. {@code now}: wall clock, milliseconds. */
    void set(
            SessionState session,
            KeyedProcessFunction<RowData, RowData, RowData>.Context context,
            Collector<RowData> out,
            long now) {
        this.session = session;
        this.context = context;
        this.out = out;
        this.now = now;
    }

    @Override
    public void tick(Tick tick) {
        tick.spread(values, sent);
        session.features.next(tick.timeUs, values, sent, features);
        writeRow(tick);
        out.collect(row);
        ticks.inc();
        session.history.add(tick, values, sent, now, this);
    }

    private void writeRow(Tick tick) {
        RowData key = context.getCurrentKey();
        writer.reset();
        writer.writeString(0, key.getString(0));
        writer.writeString(1, key.getString(1));
        writer.writeTimestamp(2, timestamp(session.startUs + tick.timeUs), 6);
        writer.writeTimestamp(3, TimestampData.fromEpochMillis(tick.recordMs), 3);
        for (int i = 0; i < features.length; i++) {
            if (Double.isNaN(features[i])) {
                writer.setNullAt(FIRST_FEATURE + i);
            } else {
                writer.writeDouble(FIRST_FEATURE + i, features[i]);
            }
        }
        writer.complete();
    }

    @Override
    public void late(Tick tick) {
        lateTicks.inc();
        tick.spread(values, sent);
        SessionHistory alone = new SessionHistory(plan);
        alone.add(tick, values, sent, now, this);
        alone.flush(
                (timesUs, channels) -> {
                    chunk(timesUs, channels);
                    context.output(LATE, deadLetter(tick, channels));
                });
    }

    private RowData deadLetter(Tick tick, Map<String, double[]> channels) {
        RowData key = context.getCurrentKey();
        String vehicle = key.getString(0).toString();
        String sessionId = key.getString(1).toString();
        double clockS = session.clock.emittedUs() / 1e6;
        return GenericRowData.of(
                StringData.fromString("late tick: the session clock stands at " + clockS + " s"),
                MessageWriter.message(vehicle, sessionId, tick.timeUs, channels),
                StringData.fromString(tick.topic),
                tick.partition,
                tick.offset);
    }

    @Override
    public void duplicate(Tick tick) {
        duplicates.inc();
    }

    @Override
    public void restart() {
        restarts.inc();
        session.features = new SessionFeatures(plan);
        session.history.flush(this);
    }

    @Override
    public void chunk(long[] timesUs, Map<String, double[]> channels) {
        session.historyRows.rows(
                timesUs,
                channels,
                (timeUs, bucket, startUs, digest, times, columns) -> {
                    Map<StringData, byte[]> named = new LinkedHashMap<>();
                    columns.forEach((id, bytes) -> named.put(StringData.fromString(id), bytes));
                    RowData key = context.getCurrentKey();
                    context.output(
                            HISTORY,
                            GenericRowData.of(
                                    key.getString(0),
                                    key.getString(1),
                                    bucket,
                                    startUs,
                                    digest,
                                    timestamp(session.startUs + timeUs),
                                    times,
                                    new GenericMapData(named)));
                });
    }

    private static TimestampData timestamp(long us) {
        int nanos = (int) Math.floorMod(us, 1000L) * 1000;
        return TimestampData.fromEpochMillis(Math.floorDiv(us, 1000L), nanos);
    }
}
