package pitwall.spark;

import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

import pitwall.bytes.StateBytes;
import pitwall.clock.ClockOutput;
import pitwall.clock.Progress;
import pitwall.clock.SessionClock;
import pitwall.history.ChunkOutput;
import pitwall.history.HistoryRowOutput;
import pitwall.history.HistoryRows;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;

import java.io.IOException;
import java.util.List;

/**
 * One session between micro-batches: its clock, and the chunk of history that is not complete.
 *
 * <p>A batch has read all partitions up to the moment when it began, and its ticks are offered in
 * the order of their Kafka time. So Kafka's time is the watermark and the wall clock here.
 */
final class BatchSession implements ClockOutput {
    private static final long NEVER = Long.MIN_VALUE;
    private static final int INITIAL_BYTES = 1 << 14;

    private final Plan plan;

    /** Session start, microseconds since the epoch. */
    final long startUs;

    private final SessionClock clock;
    private final SessionHistory history;
    private final HistoryRows historyRows = new HistoryRows();
    private final Progress progress = new Progress();
    private final double[] values;
    private final boolean[] sent;
    private ChunkOutput out;

    /** Kafka time up to which everything was read, milliseconds. */
    private long readMs = NEVER;

    /** Kafka time of the last tick, milliseconds. */
    private long tickMs = NEVER;

    /** When the last batch with a tick of the session began, milliseconds. */
    long heardAtMs;

    BatchSession(Plan plan, long startUs) {
        this.plan = plan;
        this.startUs = startUs;
        clock = new SessionClock(plan);
        history = new SessionHistory(plan);
        values = new double[plan.channels.size()];
        sent = new boolean[values.length];
    }

    /** Sets where the session's rows go from now on. */
    void to(HistoryRowOutput rows) {
        out = (timesUs, channels) -> historyRows.rows(timesUs, channels, rows);
    }

    /** Takes the tick that was sent next. */
    void offer(Tick tick) throws IOException {
        pass(tick.recordMs - 1);
        tickMs = progress.now = Math.max(readMs, tick.recordMs);
        clock.offer(tick, progress, this);
    }

    /** Lets out what is due now that everything up to this Kafka time, milliseconds, was read. */
    void pass(long recordMs) throws IOException {
        if (recordMs <= readMs) {
            return;
        }
        readMs = progress.now = progress.watermark = recordMs;
        clock.advance(progress, this);
        if (history.isDue(recordMs, tickMs)) {
            history.flush(out);
        }
    }

    /** Whether something is going to leave without another tick. */
    boolean waits() {
        return !clock.isEmpty() || !history.isEmpty();
    }

    /** Whether the session has been silent for so long that it is forgotten. */
    boolean isOver(long nowMs) {
        return !waits() && heardAtMs + plan.releaseMs <= nowMs;
    }

    @Override
    public void tick(Tick tick) {
        tick.spread(values, sent);
        history.add(tick, values, sent, progress.now, out);
    }

    @Override
    public void late(Tick tick) {
        tick.spread(values, sent);
        SessionHistory alone = new SessionHistory(plan);
        alone.add(tick, values, sent, progress.now, out);
        alone.flush(out);
    }

    @Override
    public void duplicate(Tick tick) {}

    @Override
    public void restart() {
        history.flush(out);
    }

    byte[] write() throws IOException {
        DataOutputSerializer bytes = new DataOutputSerializer(INITIAL_BYTES);
        bytes.writeLong(startUs);
        bytes.writeLong(readMs);
        bytes.writeLong(tickMs);
        bytes.writeLong(heardAtMs);
        StateBytes.writeText(bytes, String.join("\n", plan.channelIds()));
        clock.write(bytes);
        history.write(bytes);
        return bytes.getCopyOfBuffer();
    }

    /** The session as {@link #write} wrote it, perhaps under a plan with other channels. */
    static BatchSession read(Plan plan, byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        BatchSession session = new BatchSession(plan, in.readLong());
        session.readMs = session.progress.watermark = in.readLong();
        session.tickMs = in.readLong();
        session.heardAtMs = in.readLong();
        List<String> ids = List.of(StateBytes.readText(in).split("\n"));
        session.clock.read(in);
        session.history.read(in);
        if (!ids.equals(plan.channelIds())) {
            session.clock.recode(ids, plan.channelIds());
        }
        return session;
    }
}
