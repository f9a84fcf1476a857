package pitwall.history;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;
import pitwall.wire.Samples;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Gathers every channel of a session into chunks of one second of session time, or less where the
 * chunk would be large. No method blocks.
 */
public final class SessionHistory {
    /** How long a chunk waits for the end of its second, milliseconds of wall clock. */
    public static final long WAIT_MS = 2000;

    private static final long CHUNK_US = 1_000_000;
    private static final int MIN_CAPACITY = 64;
    private static final int MAX_TICKS = 1024;

    /**
     * Most bytes of a chunk of several ticks. The reader's limits keep a single tick below the 8
     * MiB that Cassandra accepts.
     */
    private static final long MAX_BYTES = 1 << 20;

    private final List<String> channelIds;
    private final Map<String, double[]> columns = new LinkedHashMap<>();

    /** The columns of the plan's channels, by index; null where the chunk has none. */
    private final double[][] planColumns;

    private long[] times = new long[MIN_CAPACITY];
    private int ticks;

    /** Most bytes of the names of all columns. */
    private long namesBytes;

    /** Wall clock when the chunk's first tick came, milliseconds. */
    private long openedMs;

    public SessionHistory(Plan plan) {
        channelIds = plan.channelIds();
        planColumns = new double[channelIds.size()][];
    }

    /**
     * Adds a tick. A chunk that it does not fit into leaves first.
     *
     * @param values the tick's values of the plan's channels, as {@link Tick#spread} gives them
     * @param sent for each of these channels whether the tick carried it
     * @param now wall clock, milliseconds
     */
    public void add(Tick tick, double[] values, boolean[] sent, long now, ChunkOutput out) {
        if (ticks > 0
                && (Math.floorDiv(times[0], CHUNK_US) != Math.floorDiv(tick.timeUs, CHUNK_US)
                        || ticks == MAX_TICKS
                        || bytesWith(tick) > MAX_BYTES)) {
            flush(out);
        }
        if (ticks == 0) {
            openedMs = now;
        }
        if (ticks == times.length) {
            times = Arrays.copyOf(times, ticks * 2);
        }
        times[ticks++] = tick.timeUs;
        for (int c = 0; c < values.length; c++) {
            if (sent[c]) {
                double[] column = planColumns[c];
                if (column == null || column.length < ticks) {
                    column = planColumns[c] = column(channelIds.get(c));
                }
                column[ticks - 1] = values[c];
            }
        }
        if (tick.extras != null) {
            addExtras(tick, values.length);
        }
    }

    private void addExtras(Tick tick, int known) {
        String[] ids = tick.extras.split("\n");
        for (int at = 0; at < tick.samples.length; at += Samples.SIZE) {
            int extra = Samples.code(tick.samples, at) - known;
            if (extra >= 0 && extra < ids.length) {
                column(ids[extra])[ticks - 1] = Samples.value(tick.samples, at);
            }
        }
    }

    /** Most bytes of the chunk with this tick in it. */
    private long bytesWith(Tick tick) {
        long names = namesBytes + (tick.extras == null ? 0 : 3L * tick.extras.length());
        int channels = columns.size() + tick.samples.length / Samples.SIZE;
        return names + channels * (16 + 8L * (ticks + 1));
    }

    private double[] column(String channel) {
        double[] column = columns.get(channel);
        if (column == null || column.length < ticks) {
            int before = column == null ? 0 : column.length;
            namesBytes += column == null ? 3L * channel.length() : 0;
            column =
                    column == null ? new double[times.length] : Arrays.copyOf(column, times.length);
            Arrays.fill(column, before, column.length, Double.NaN);
            columns.put(channel, column);
        }
        return column;
    }

    /** Gives the chunk as far as it was gathered, if there is one. */
    public void flush(ChunkOutput out) {
        if (ticks == 0) {
            return;
        }
        Map<String, double[]> channels = new TreeMap<>();
        columns.forEach((channel, column) -> channels.put(channel, wholeColumn(column)));
        out.chunk(Arrays.copyOf(times, ticks), channels);
        ticks = 0;
        namesBytes = 0;
        columns.clear();
        Arrays.fill(planColumns, null);
    }

    /** A copy with a value for each tick. */
    private double[] wholeColumn(double[] column) {
        double[] whole = Arrays.copyOf(column, ticks);
        if (column.length < ticks) {
            Arrays.fill(whole, column.length, ticks, Double.NaN);
        }
        return whole;
    }

    /** Bytes that it takes on the heap, roughly. */
    public long bytes() {
        return 256 + 8L * times.length * (1 + columns.size()) + namesBytes;
    }

    /** Whether there is no chunk. */
    public boolean isEmpty() {
        return ticks == 0;
    }

    /**
     * Whether the chunk need not wait for the end of its second any longer. {@code heardMs}: wall
     * clock when the session's last tick came.
     */
    public boolean isDue(long now, long heardMs) {
        return ticks > 0 && openedMs + WAIT_MS <= now && heardMs + WAIT_MS / 2 <= now;
    }

    public void write(DataOutputView out) throws IOException {
        out.writeLong(openedMs);
        StateBytes.writeLongs(out, Arrays.copyOf(times, ticks));
        out.writeInt(columns.size());
        for (Map.Entry<String, double[]> column : columns.entrySet()) {
            StateBytes.writeText(out, column.getKey());
            StateBytes.writeDoubles(out, wholeColumn(column.getValue()));
        }
    }

    /** Takes over what {@link #write} wrote, perhaps under another plan. The object must be new. */
    public void read(DataInputView in) throws IOException {
        openedMs = in.readLong();
        times = StateBytes.readLongs(in);
        ticks = times.length;
        times = Arrays.copyOf(times, Math.max(MIN_CAPACITY, ticks));
        for (int i = in.readInt(); i > 0; i--) {
            String channel = StateBytes.readText(in);
            double[] column = Arrays.copyOf(StateBytes.readDoubles(in), times.length);
            Arrays.fill(column, ticks, column.length, Double.NaN);
            columns.put(channel, column);
            namesBytes += 3L * channel.length();
        }
        for (int c = 0; c < planColumns.length; c++) {
            planColumns[c] = columns.get(channelIds.get(c));
        }
    }
}
