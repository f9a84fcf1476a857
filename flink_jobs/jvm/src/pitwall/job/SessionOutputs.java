package pitwall.job;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.writer.BinaryRowWriter;
import org.apache.flink.util.OutputTag;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import pitwall.clock.ClockOutput;
import pitwall.history.ChunkOutput;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;
import pitwall.wire.MessageWriter;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Turns what the clock lets out into rows: feature rows, history rows, and dead letters for late
 * ticks and for those that no features can be computed of. Duplicates are only counted. One object
 * serves all sessions of a task, one after the other.
 */
final class SessionOutputs implements ClockOutput, ChunkOutput {
    /** Dead letters. Late ticks are in the history as well, in rows of their own. */
    static final OutputTag<RowData> LATE = new OutputTag<>("late") {};

    /** Rows of the table {@code telemetry_history}. */
    static final OutputTag<RowData> HISTORY = new OutputTag<>("history") {};

    private static final Logger LOG = LoggerFactory.getLogger(SessionOutputs.class);
    private static final int FIRST_FEATURE = 4;
    private static final int INITIAL_BYTES = 128;

    private final Plan plan;
    private final Output<StreamRecord<RowData>> output;
    private final Counter ticks;
    private final Counter lateTicks;
    private final Counter duplicates;
    private final Counter restarts;
    private final Counter refused;
    private final Counter failed;
    private final SessionRows rows;
    private final BinaryRowData row;
    private final BinaryRowWriter writer;
    private final StreamRecord<RowData> record = new StreamRecord<>(null);

    private RowData key;
    private SessionState session;
    private long now;
    private boolean collecting;

    SessionOutputs(Plan plan, MetricGroup metrics, Output<StreamRecord<RowData>> output) {
        this.plan = plan;
        this.output = output;
        ticks = metrics.counter("ticks");
        lateTicks = metrics.counter("late");
        duplicates = metrics.counter("duplicates");
        restarts = metrics.counter("restarts");
        refused = metrics.counter("refused");
        failed = metrics.counter("failed");
        rows = new SessionRows(plan);
        row = new BinaryRowData(FIRST_FEATURE + plan.features.size());
        writer = new BinaryRowWriter(row, INITIAL_BYTES);
    }

    /** The session whose ticks come next. {@code now}: wall clock, milliseconds. */
    void set(RowData key, SessionState session, long now) {
        this.key = key;
        this.session = session;
        this.now = now;
    }

    @Override
    public void tick(Tick tick) {
        if (!rows.next(session, tick, now, this)) {
            fail(tick);
            return;
        }
        writeRow(tick);
        collecting = true;
        output.collect(record.replace(row, tick.recordMs));
        collecting = false;
        ticks.inc();
    }

    private void writeRow(Tick tick) {
        double[] features = rows.features;
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
        String reason =
                "late tick: the session clock stands at " + session.clock.emittedUs() / 1e6 + " s";
        rows.alone(tick)
                .flush(
                        (timesUs, channels) -> {
                            chunk(timesUs, channels);
                            deadLetter(tick, reason, channels);
                        });
    }

    /** The tick of a session that is not opened, because others take all the memory. */
    void refuse(RowData key, Tick tick, OpenSessions sessions) {
        this.key = key;
        refused.inc();
        deadLetter(
                tick,
                "too many sessions: "
                        + sessions.open()
                        + " are open and take "
                        + (sessions.bytes() >> 20)
                        + " MiB of at most "
                        + (sessions.limit() >> 20)
                        + " MiB (settings sessions_max and session_memory_mb), and the tick's"
                        + " session is new");
    }

    /** The tick of a session that is set aside. */
    void fail(Tick tick) {
        if (session.cause != null) {
            LOG.error(
                    "session {} of {} is set aside",
                    key.getString(1),
                    key.getString(0),
                    session.cause);
            session.cause = null;
        }
        failed.inc();
        deadLetter(tick, session.failure);
    }

    /** Whether an exception that is under way comes from what follows the operator. */
    boolean isCollecting() {
        return collecting;
    }

    private void deadLetter(Tick tick, String reason) {
        rows.alone(tick).flush((timesUs, channels) -> deadLetter(tick, reason, channels));
    }

    private void deadLetter(Tick tick, String reason, Map<String, double[]> channels) {
        String vehicle = key.getString(0).toString();
        String sessionId = key.getString(1).toString();
        side(
                LATE,
                GenericRowData.of(
                        StringData.fromString(reason),
                        MessageWriter.message(vehicle, sessionId, tick.timeUs, channels),
                        StringData.fromString(tick.topic),
                        tick.partition,
                        tick.offset));
    }

    @Override
    public void duplicate(Tick tick) {
        duplicates.inc();
    }

    @Override
    public void restart() {
        restarts.inc();
        flushHistory();
        session.restart();
    }

    /** Gives what the history of the session gathered. */
    void flushHistory() {
        if (session.history != null) {
            session.history.flush(this);
        } else if (session.onlyTick != null && !session.onlyTickInHistory) {
            session.onlyTickInHistory = true;
            rows.alone(session.onlyTick).flush(this);
        }
    }

    @Override
    public void chunk(long[] timesUs, Map<String, double[]> channels) {
        session.historyRows.rows(
                timesUs,
                channels,
                (timeUs, bucket, startUs, digest, times, columns) -> {
                    Map<StringData, byte[]> named = new LinkedHashMap<>();
                    columns.forEach((id, bytes) -> named.put(StringData.fromString(id), bytes));
                    side(
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

    private void side(OutputTag<RowData> tag, RowData value) {
        collecting = true;
        output.collect(tag, new StreamRecord<>(value));
        collecting = false;
    }

    private static TimestampData timestamp(long us) {
        int nanos = (int) Math.floorMod(us, 1000L) * 1000;
        return TimestampData.fromEpochMillis(Math.floorDiv(us, 1000L), nanos);
    }
}
