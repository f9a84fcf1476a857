package pitwall;

import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * One session between micro-batches: its clock and the chunk of history at hand.
 *
 * <p>A batch has read all partitions up to the moment it began, and its ticks are offered in the order of their Kafka time. So
 * Kafka's time is the clock here: what the Flink job decides by the wall clock is decided as if the ticks came live.
 */
final class BatchSession implements SessionClock.Out {
    private final Plan plan;
    private final SessionClock clock;
    private final SessionHistory history;
    private final Progress progress = new Progress();
    private final double[] values;
    private final boolean[] sent;
    private SessionHistory.Out out;
    final long startUs;

    /** Kafka time up to which all was read, and that of the last tick, milliseconds. */
    private long readMs = Long.MIN_VALUE;

    private long tickMs = Long.MIN_VALUE;

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

    /** Where rows go from now on. */
    void to(SessionHistory.Rows rows) {
        out = (timesUs, channels) -> history.rows(timesUs, channels, rows);
    }

    /** Take in the tick that was sent next. */
    void offer(Tick tick) throws IOException {
        pass(tick.recordMs - 1);
        tickMs = progress.now = progress.inputMs = Math.max(readMs, tick.recordMs);
        clock.offer(tick, progress, this);
    }

    /** Let out what is due once everything up to this Kafka time was read. */
    void pass(long recordMs) throws IOException {
        if (recordMs <= readMs) {
            return;
        }
        readMs = progress.now = progress.watermark = recordMs;
        progress.inputMs = tickMs;
        clock.advance(progress, this);
        if (history.isDue(recordMs, tickMs)) {
            history.flush(out);
        }
    }

    /** Whether something waits to leave without another tick. */
    boolean waits() {
        return !clock.isEmpty() || !history.isEmpty();
    }

    /** Whether the session has been silent for so long that it is forgotten. */
    boolean isOver(long nowMs) {
        return !waits() && heardAtMs + plan.releaseMs <= nowMs;
    }

    @Override
    public void tick(Tick tick) {
        SessionState.spread(tick, values, sent);
        history.add(tick, values, sent, progress.now, out);
    }

    @Override
    public void late(Tick tick) {
        SessionState.spread(tick, values, sent);
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
        DataOutputSerializer bytes = new DataOutputSerializer(1 << 14);
        bytes.writeLong(startUs);
        bytes.writeLong(readMs);
        bytes.writeLong(tickMs);
        bytes.writeLong(heardAtMs);
        Text.write(bytes, String.join("\n", plan.ids()));
        clock.write(bytes);
        history.write(bytes);
        return bytes.getCopyOfBuffer();
    }

    /** The session as it was written, perhaps under a plan that numbers the channels otherwise. */
    static BatchSession read(Plan plan, byte[] bytes) throws IOException {
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        BatchSession session = new BatchSession(plan, in.readLong());
        session.readMs = in.readLong();
        session.tickMs = in.readLong();
        session.heardAtMs = in.readLong();
        List<String> ids = List.of(Text.read(in).split("\n"));
        session.clock.read(in);
        session.history.read(in);
        if (!ids.equals(plan.ids())) {
            session.clock.recode(ids, plan.ids());
        }
        return session;
    }
}
